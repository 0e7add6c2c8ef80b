/*
 * What clearing caveats costs, on this machine and in this run. Prints figures, asserts nothing:
 *
 *   node test/bench/caveats.ts
 */

import { clear } from "../../src/caveats/clear.ts";
import { compileCaveat } from "../../src/caveats/condition.ts";
import { instantFromMilliseconds } from "../../src/caveats/values/instant.ts";
import { nodeHmac } from "../../src/domain/verify/node-hash.ts";
import { parseJson } from "../../src/json/parse.ts";
import type { JsonObject, JsonValue } from "../../src/json/value.ts";
import { defaultHmac, type Hmac } from "../../src/macaroon/index.ts";
import { clearTexts } from "../caveats/texts.ts";

const NOW = instantFromMilliseconds(Date.parse("2026-11-20T12:00:00Z"));

const TEN = [
  "time < 2026-11-20T14:00:00Z",
  "action in read, list",
  "resource matches repo:acme/**",
  "args.amount <= 100",
  "args.currency = EUR",
  "ip within 10.0.0.0/8, 2001:db8::/32",
  "depth <= 3",
  "agent = researcher#k3J9d0xQ",
  "tool not in shell, deploy",
  "args.due < 2027-01-01T00:00:00+01:00",
];

const CONTEXT = object(`{
  "action": "read", "resource": "repo:acme/bakehouse/src/main.ts", "ip": "10.1.2.3", "tool": "search",
  "args": { "amount": 99.5, "currency": "EUR", "due": "2026-12-24T18:00:00Z" }
}`);

function object(text: string): JsonObject {
  const value: JsonValue = parseJson(text);
  if (!(value instanceof Map)) throw new Error("the context is no object");
  return value;
}

/** The best mean of several rounds, in microseconds: the least disturbed one. */
function microseconds(task: () => unknown, repeat: number, rounds = 9): number {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < rounds; round++) {
    const start = performance.now();
    for (let run = 0; run < repeat; run++) task();
    best = Math.min(best, ((performance.now() - start) * 1000) / repeat);
  }
  return best;
}

function report(name: string, figure: string): void {
  process.stdout.write(`${name.padEnd(62)}${figure}\n`);
}

const facts = { now: NOW, context: CONTEXT, macaroon: "root" } as const;
const bytes = TEN.map((text) => new TextEncoder().encode(text));
const compiled = TEN.map(compileCaveat);
if (clearTexts(bytes, facts).failures.length > 0) throw new Error("the ten caveats must pass");

// The hash that runs everywhere, and the one that the service verifies with.
const HASHES: readonly (readonly [name: string, hmac: Hmac])[] = [
  ["portable", defaultHmac],
  ["node", nodeHmac],
];

function tenHmacs(hmac: Hmac): Uint8Array {
  let tail: Uint8Array = new Uint8Array(32);
  for (const caveat of bytes) tail = hmac(tail, caveat);
  return tail;
}

const met = (reached: boolean): string => (reached ? "met" : "missed");

for (const [name, hmac] of HASHES) {
  const hmacs = microseconds(() => tenHmacs(hmac), 1_000);
  const both = microseconds(() => clearTexts(bytes, facts), 5_000);
  const alone = microseconds(() => clear(compiled, facts), 5_000);
  report(`ten chained HMACs, ${name} hash`, `${hmacs.toFixed(1)} µs`);
  report(
    "ten mixed caveats, parsed and cleared",
    `${both.toFixed(1)} µs = ${(both / hmacs).toFixed(2)} of them (below 1: ${met(both < hmacs)})`,
  );
  report("ten mixed caveats, cleared", `${alone.toFixed(1)} µs = ${(alone / hmacs).toFixed(2)} of them`);
}

const VALUE = 65_536;
const HOSTILE: readonly (readonly [pattern: string, value: string])[] = [
  [`${"*a".repeat(2_047)}*b`, "a".repeat(VALUE)],
  [`${"**a".repeat(1_365)}b`, "a".repeat(VALUE)],
  [`*${"a".repeat(4_000)}b*`, "a".repeat(VALUE)],
  [`**/${"*/".repeat(2_000)}x/**`, `${"a/".repeat(VALUE / 2 - 1)}a`],
  [`**a*/${"a*/".repeat(1_300)}x/**`, `${"a/".repeat(VALUE / 2 - 1)}a`],
  [`**${`*${"ab".repeat(30)}*/`.repeat(60)}x**`, `${`${"ab".repeat(100)}/`.repeat(326)}a`],
  ["**/a*a".repeat(680), `${"aa/".repeat(VALUE / 3 - 1)}a`],
];
for (const [pattern, value] of HOSTILE) {
  const chain = [`resource matches ${pattern}`];
  const context: JsonObject = new Map([["resource", value]]);
  const cost = microseconds(() => clearTexts(chain, { now: NOW, context, macaroon: "root" }), 1) / 1000;
  report(
    `hostile glob ${pattern.slice(0, 16)}… (${pattern.length} on ${value.length})`,
    `${cost.toFixed(2)} ms (below 5: ${met(cost < 5)})`,
  );
}

const deep = object(`${'{"a":'.repeat(100)}1${"}".repeat(100)}`);
const path = `${Array.from({ length: 100 }, () => "a").join(".")} = 1`;
const nested =
  microseconds(() => clearTexts([path], { now: NOW, context: deep, macaroon: "root" }), 100) / 1000;
report("context nested 100 deep", `${nested.toFixed(4)} ms (below 5: ${met(nested < 5)})`);

const everything = Array.from({ length: 256 }, (_, index) => `list not in ${index}, x${index}`);
const list: JsonObject = new Map([["list", Array.from({ length: 200_000 }, (_, index) => `é${index}`)]]);
const worst =
  microseconds(() => clearTexts(everything, { now: NOW, context: list, macaroon: "root" }), 1, 3) / 1000;
report("256 caveats on a list of 200,000: work is bounded", `${worst.toFixed(1)} ms`);
