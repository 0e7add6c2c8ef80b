/** One thing measured in rounds. */
export interface Series {
  readonly name: string;
  readonly unit: string;
  readonly values: readonly number[];
}

/** One figure that must be reached. */
export interface Target {
  readonly name: string;
  /** NaN where it could not be measured here. */
  readonly reached: number;
  readonly wanted: number;
  readonly sense: "at least" | "at most";
  readonly unit: string;
}

/** What a part of the benchmark found. */
export interface Findings {
  readonly part: string;
  readonly series: readonly Series[];
  readonly targets: readonly Target[];
  /** What the reader must know to read the figures; among it, which contenders were left out. */
  readonly notes: readonly string[];
}

/** How long each part measures. */
export interface Effort {
  readonly rounds: number;
  /** Of one round, seconds. */
  readonly seconds: number;
  /** Of steady load, where memory is watched. */
  readonly minutes: number;
}

/** What is measured beside others. */
export interface Contender {
  readonly name: string;
  /** One round. @returns the figure */
  run(round: number): Promise<number> | number;
}

/**
 * Runs contenders in turn, A B A B, so that whatever else the machine does falls on all of them alike; every other
 * round backwards, so that none is always the one that follows the heaviest.
 */
export async function interleaved(
  unit: string,
  rounds: number,
  contenders: readonly Contender[],
): Promise<readonly Series[]> {
  const values = contenders.map((): number[] => []);
  for (let round = 0; round < rounds; round++) {
    const order = [...contenders.entries()];
    if (round % 2 > 0) order.reverse();
    for (const [index, contender] of order) values[index]?.push(await contender.run(round));
  }
  return contenders.map(({ name }, index) => ({ name, unit, values: values[index] ?? [] }));
}

/** The middle of the values. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const [low = Number.NaN, high = Number.NaN] = [sorted[middle - 1], sorted[middle]];
  return sorted.length % 2 > 0 ? high : (low + high) / 2;
}

/**
 * The median, over the rounds, of one series by another: what both met with in one round falls out.
 *
 * @returns NaN where either was not measured
 */
export function ratio(all: readonly Series[], name: string, to: string): number {
  const [of, by] = [all.find((series) => series.name === name), all.find((series) => series.name === to)];
  return median((of?.values ?? []).map((value, round) => value / (by?.values[round] ?? Number.NaN)));
}

export function valuesOf(all: readonly Series[], name: string): readonly number[] {
  const found = all.find((series) => series.name === name);
  if (found === undefined) throw new Error(`nothing was measured as ${name}`);
  return found.values;
}

export function atLeast(name: string, reached: number, wanted: number, unit = "×"): Target {
  return { name, reached, wanted, sense: "at least", unit };
}

export function atMost(name: string, reached: number, wanted: number, unit = "×"): Target {
  return { name, reached, wanted, sense: "at most", unit };
}
