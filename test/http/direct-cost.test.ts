import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { beforeAll, expect, test } from "vitest";
import { builtBundle } from "../support/process-bundle.ts";

/*
 * Counted, not timed, as test/domain/request-cost.test.ts is, of which this is the outside: the same verifies over HTTP, with the
 * caller's credential, without a database. A bare `node:http` route that reads the same body and answers as much is taken off.
 *
 * A bound is the highest figure of the day on which it was set, and three tenths more: two runs differ by a fifth, since the
 * engine compiles when it finds the time. A change that makes less garbage lowers it.
 */
const BOUNDS: Readonly<Record<string, number>> = {
  seen: 30_000,
  "seen, decision": 29_300,
  descendant: 60_900,
  "descendant, decision": 44_200,
  new: 67_800,
  "new, decision": 49_500,
};

let costs: Readonly<Record<string, number>>;

beforeAll(async () => {
  const script = builtBundle("test/http/direct-cost-child.ts");
  const { stdout } = await promisify(execFile)(process.execPath, ["--single-threaded", script]);
  costs = JSON.parse(stdout);
}, 300_000);

test.each(Object.entries(BOUNDS))(
  "an answer about a token that is %s takes %d bytes at most",
  (kind, bound) => {
    expect(costs[kind]).toBeLessThan(bound);
    // Something was counted.
    expect(costs[kind]).toBeGreaterThan(1_000);
  },
);
