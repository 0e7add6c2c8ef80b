/** A straight line through points: what something costs at first, and for each one more. */
export interface Fit {
  readonly base: number;
  readonly each: number;
}

/** The line with the least squares of relative deviations, so that small figures count as much as large ones. */
export function fitLine(points: readonly (readonly [x: number, y: number])[]): Fit {
  let [weights, sumX, sumY, sumXX, sumXY] = [0, 0, 0, 0, 0];
  for (const [x, y] of points) {
    const weight = 1 / (y * y);
    weights += weight;
    sumX += weight * x;
    sumY += weight * y;
    sumXX += weight * x * x;
    sumXY += weight * x * y;
  }
  const each = (weights * sumXY - sumX * sumY) / (weights * sumXX - sumX * sumX);
  return { base: (sumY - each * sumX) / weights, each };
}

/** The formula in words: `9.1 + 1.9 × caveats`. */
export function formula({ base, each }: Fit, what: string): string {
  return `${figure(base)} ${each < 0 ? "−" : "+"} ${figure(Math.abs(each))} × ${what}`;
}

function figure(value: number): string {
  return value.toLocaleString("en", { maximumSignificantDigits: 2 });
}
