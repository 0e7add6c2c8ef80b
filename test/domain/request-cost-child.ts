import { getHeapStatistics } from "node:v8";

import { createVerdictWriter } from "../../src/http/wire/verdict-json.ts";
import { parseJson } from "../../src/json/parse.ts";
import type { JsonObject } from "../../src/json/value.ts";
import { attenuate, encodeBundle } from "../../src/macaroon/index.ts";
import { CONTEXT, NINE } from "../bench/tokens.ts";
import { asking, createWorld, root } from "./seen-world.ts";

// Counts what verifies take in a process of its own, where nothing else allocates: request-cost.test.ts reads it.

const WARM_UP = 1_000;
const COUNTED = 500;

function contextOf(facts: object): JsonObject {
  const context = parseJson(JSON.stringify(facts));
  if (!(context instanceof Map)) throw new Error("the context is no object");
  return context;
}

const context = contextOf(CONTEXT);

const world = createWorld(32 * 1024 * 1024, { linkBytes: 8 * 1024 * 1024 });
const ask = asking(world, Date.parse("2026-12-01T12:00:00Z"));
const write = createVerdictWriter();

const parent = attenuate(root(), NINE.slice(0, 7));
let next = 0;
const agent = () => `agent = researcher#${String(next++).padStart(8, "0")}`;
const KINDS: Readonly<Record<string, () => string>> = {
  seen: () => SEEN,
  descendant: () => encodeBundle([attenuate(parent, [agent(), ...NINE.slice(7, 8)])]),
  // Its location makes it a root macaroon of its own: none of its links is another's.
  new: () =>
    encodeBundle([{ ...attenuate(root(), NINE), location: `https://${String(next++).padStart(8, "0")}` }]),
};
const SEEN = encodeBundle([attenuate(root(), NINE)]);

async function askAll(tokens: readonly string[], brief: boolean): Promise<void> {
  for (const token of tokens) {
    const verdict = await ask({ token, discharges: [], platform: "shop", context, brief });
    if (!verdict.allowed || write(verdict, brief).length < 100) throw new Error("a good token was refused");
  }
}

const costs: Record<string, { bytes: number; steps: number; names: number }> = {};
for (const brief of [true, false]) {
  for (const [kind, token] of Object.entries(KINDS)) {
    // Flat texts, as they come out of a body.
    const tokens = Array.from({ length: WARM_UP + COUNTED }, () => Buffer.from(token()).toString());
    await askAll(tokens.slice(0, WARM_UP), brief);
    const counted = tokens.slice(WARM_UP);
    const before = { ...world.work, bytes: getHeapStatistics().total_allocated_bytes };
    await askAll(counted, brief);
    const after = { ...world.work, bytes: getHeapStatistics().total_allocated_bytes };
    costs[brief ? `${kind}, decision` : kind] = {
      bytes: (after.bytes - before.bytes) / COUNTED,
      steps: (after.steps - before.steps) / COUNTED,
      names: (after.names - before.names) / COUNTED,
    };
  }
}
process.stdout.write(JSON.stringify(costs));
