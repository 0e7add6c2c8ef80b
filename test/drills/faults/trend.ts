/** Stretches whose means are compared: single values follow one another too closely to tell chance from growth. */
const STRETCHES = 12;

/** Student's t for 95 % and that many stretches, of which two numbers are taken. */
const T = 2.23;

/** How a value grows. */
export interface Trend {
  readonly mean: number;
  /** Growth by least squares, for each unit of the first number. */
  readonly slope: number;
  /** How much of a slope is within chance, by 95 of 100. */
  readonly noise: number;
}

/** The trend of values over time. */
export function trendOf(samples: readonly (readonly [at: number, value: number])[]): Trend {
  const means = Array.from({ length: STRETCHES }, (_, index) => {
    const from = Math.floor((samples.length * index) / STRETCHES);
    const part = samples.slice(from, Math.floor((samples.length * (index + 1)) / STRETCHES));
    return [meanOf(part.map(([at]) => at)), meanOf(part.map(([, value]) => value))] as const;
  });
  const [x, y] = [meanOf(means.map(([at]) => at)), meanOf(means.map(([, value]) => value))];
  const width = sumOf(means.map(([at]) => (at - x) ** 2));
  const slope = sumOf(means.map(([at, value]) => (at - x) * (value - y))) / width;
  const rest = sumOf(means.map(([at, value]) => (value - y - slope * (at - x)) ** 2));
  return { mean: y, slope, noise: T * Math.sqrt(rest / (STRETCHES - 2) / width) };
}

const sumOf = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0);
const meanOf = (values: readonly number[]) => sumOf(values) / values.length;
