import type { Family } from "./families.ts";

/** One number of a metric. */
export interface Sample {
  readonly value: number;
  readonly labels: Readonly<Record<string, string | number>>;
  /** Of a histogram: the name with the ending of a bucket, sum or count. */
  readonly metricName?: string;
}

/** A metric with its numbers, as processes hand it to one another and as the library writes it. */
export interface Reported extends Pick<Family, "name" | "help" | "type" | "aggregator"> {
  readonly values: readonly Sample[];
}

/** Puts numbers to a metric. */
export function reported({ name, help, type, aggregator }: Family, values: readonly Sample[]): Reported {
  return { name, help, type, aggregator, values };
}

/** A metric of one number. @param value undefined if it is not known */
export function single(family: Family, value: number | undefined): Reported {
  return reported(family, value === undefined ? [] : [{ value, labels: {} }]);
}

/** How often a duration fell below each bound: plain numbers, since it is on the path of every request. */
export interface Buckets {
  observe(milliseconds: number): void;
  samples(labels: Sample["labels"]): readonly Sample[];
}

/** @param family a histogram */
export function createBuckets({ name, bounds = [] }: Family): Buckets {
  const limits = bounds.map((seconds) => seconds * 1_000);
  const counts = new Array<number>(limits.length + 1).fill(0);
  let sum = 0;
  return {
    observe(milliseconds) {
      // Two clocks may disagree, and no sum may go down.
      const time = Math.max(milliseconds, 0) || 0;
      let at = 0;
      while (at < limits.length && time > (limits[at] ?? 0)) at++;
      counts[at] = (counts[at] ?? 0) + 1;
      sum += time;
    },
    samples(labels) {
      let below = 0;
      const buckets = [...bounds, "+Inf"].map((le, at) => {
        below += counts[at] ?? 0;
        return { value: below, labels: { ...labels, le }, metricName: `${name}_bucket` };
      });
      return [
        ...buckets,
        { value: sum / 1_000, labels, metricName: `${name}_sum` },
        { value: below, labels, metricName: `${name}_count` },
      ];
    },
  };
}
