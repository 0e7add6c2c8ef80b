import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { beforeAll, describe, expect, test } from "vitest";

/*
 * Counted, not timed: a busy machine changes none of these. A verify with its JSON, without HTTP; ten caveats. With one thread the
 * engine compiles at the same calls each time, and the bytes of two runs differ by a hundredth.
 *
 * A bound on bytes is the figure of the day on which it was set, and three tenths more. A change that makes less garbage lowers it.
 */
const BOUNDS: Readonly<Record<string, { readonly hashed: number; readonly bytes: number }>> = {
  seen: { hashed: 0, bytes: 9_900 },
  "seen, decision": { hashed: 0, bytes: 9_800 },
  // Below a known link of eight caveats: the two that were appended.
  descendant: { hashed: 2, bytes: 45_300 },
  "descendant, decision": { hashed: 2, bytes: 25_800 },
  // The identifier, and ten caveats.
  new: { hashed: 11, bytes: 60_200 },
  "new, decision": { hashed: 11, bytes: 41_300 },
};

let costs: Readonly<
  Record<string, { readonly bytes: number; readonly steps: number; readonly names: number }>
>;

beforeAll(async () => {
  const script = join(import.meta.dirname, "request-cost-child.ts");
  const { stdout } = await promisify(execFile)(process.execPath, ["--single-threaded", script]);
  costs = JSON.parse(stdout);
}, 300_000);

describe.each(Object.entries(BOUNDS))("a verify of a token that is %s", (kind, bound) => {
  test(`hashes and names ${bound.hashed} links`, () => {
    expect(costs[kind]).toMatchObject({ steps: bound.hashed, names: bound.hashed });
  });

  test(`allocates ${bound.bytes} bytes at most`, () => {
    expect(costs[kind]?.bytes).toBeLessThan(bound.bytes);
    // Something was counted.
    expect(costs[kind]?.bytes).toBeGreaterThan(1_000);
  });
});
