import type { InProcessReplica } from "../support/replica.ts";

/** What a hammering came to. */
export interface Hammered {
  /** Tokens that were allowed after their revocation, where `min_sequence` said up to where to know. */
  readonly stale: number;
  readonly unavailable: number;
  /** Milliseconds by the given clock from the acknowledgement to the first refusal elsewhere, without `min_sequence`. */
  readonly latencies: readonly number[];
}

/** Runs work with a few workers. */
export async function workers(count: number, work: (worker: number) => Promise<void>): Promise<void> {
  await Promise.all(Array.from({ length: count }, (_, worker) => work(worker)));
}

/**
 * Revokes on one replica and verifies on the other, `rounds` times: every odd round with `min_sequence`, where one
 * answer decides, every even one without, where it is asked until it is refused.
 */
export async function hammer(
  one: InProcessReplica,
  other: InProcessReplica,
  rounds: number,
  now: () => number = () => performance.now(),
): Promise<Hammered> {
  let stale = 0;
  let unavailable = 0;
  let left = rounds;
  const latencies: number[] = [];
  await workers(8, async () => {
    while (left > 0) {
      const round = left--;
      const { token, tokenId } = await one.issue();
      if ((await other.verify(token)) !== "allowed") throw new Error("a good token was refused");
      const sequence = await one.revoke(undefined, { kind: "token", token });
      const acknowledged = now();
      if (round % 2 === 0) {
        const outcome = await other.verify(token, sequence);
        if (outcome === "allowed") stale += 1;
        else if (outcome !== "revoked") unavailable += 1;
        continue;
      }
      while ((await other.verify(token)) === "allowed") {
        if (now() - acknowledged > 30_000) throw new Error(`never refused: ${tokenId}`);
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
      latencies.push(now() - acknowledged);
    }
  });
  return { stale, unavailable, latencies };
}

/** The value below which a share of all lies. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/** A histogram in lines of text; the bounds are milliseconds. */
export function histogram(values: readonly number[]): string {
  const bounds = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, Number.POSITIVE_INFINITY];
  let from = 0;
  return bounds
    .map((bound) => {
      const count = values.filter((value) => value >= from && value < bound).length;
      const label = bound === Number.POSITIVE_INFINITY ? `>= ${from} ms` : `< ${bound} ms`;
      from = bound;
      const share = values.length === 0 ? 0 : count / values.length;
      return `${label.padStart(10)} ${String(count).padStart(6)} ${"#".repeat(Math.round(share * 60))}`;
    })
    .filter((line) => !/ 0 $/.test(line))
    .join("\n");
}
