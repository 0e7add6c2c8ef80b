import { afterAll, beforeAll, expect, test } from "vitest";

import { timesOf } from "../support/form.ts";
import { BUNDLES } from "./bundles/fuzz-bundles.ts";
import { DECODERS } from "./decoders/fuzz-decoders.ts";
import { fuzzConnections } from "./http/connections.ts";
import { fuzzHttp } from "./http/fuzz-http.ts";
import { startTarget, type Target } from "./http/target.ts";
import type { FuzzReport } from "./part.ts";

// The same as `npm run fuzz`, and fewer inputs. The seed is always the same one: that new inputs find something is for those who look for it.

const SEED = 20_261_128;

/** Milliseconds: forty thousand mutants take five seconds, and more where there is other work. */
const TIMEOUT = 3_600_000;

/** Nothing was found, and the inputs came to more than one thing: else they would show nothing. */
function expectNothing({ findings, counts, tried }: FuzzReport, outcomes: readonly string[]): void {
  expect(findings, `seed ${SEED}, ${tried} inputs`).toEqual([]);
  expect([...counts.keys()]).toEqual(expect.arrayContaining([...outcomes]));
}

test("decoders and parsers keep what they promise", { timeout: TIMEOUT }, async () => {
  const report = await DECODERS.run({ seed: SEED, count: timesOf(12_000, 5_000) });
  expectNothing(report, ["bundle texts v2", "caveats unknown", "JSON read", "JSON syntax", "proofs refused"]);
});

test("no mutant of a good bundle is allowed", { timeout: TIMEOUT }, async () => {
  const report = await BUNDLES.run({ seed: SEED, count: timesOf(40_000, 2_000) });
  expectNothing(report, ["bad_signature", "malformed", "discharge_invalid", "the same as a good one"]);
});

let target: Target;
beforeAll(async () => {
  target = await startTarget();
});
afterAll(() => target?.stop());

test("whatever is asked is answered as openapi.yaml says", { timeout: TIMEOUT }, async () => {
  const report = await fuzzHttp(target, { seed: SEED, count: timesOf(800, 120) });
  expectNothing(report, ["200", "400", "401", "404"]);
});

test("whatever connections do, the next caller is answered", { timeout: TIMEOUT }, async () => {
  const report = await fuzzConnections(target, { seed: SEED, count: timesOf(200, 24) });
  expectNothing(report, ["one behind the other: answered"]);
});
