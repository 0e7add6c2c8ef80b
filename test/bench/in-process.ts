import { clear } from "../../src/caveats/clear.ts";
import { compileCaveat } from "../../src/caveats/condition.ts";
import { instantFromMilliseconds } from "../../src/caveats/instant.ts";
import { nodeHmac, nodeSha256 } from "../../src/domain/node-hash.ts";
import { parseJson } from "../../src/json/parse.ts";
import type { JsonObject } from "../../src/json/value.ts";
import {
  attenuate,
  decodeBundle,
  defaultHmac,
  defaultSha256,
  type Hmac,
  mint,
  type Sha256,
  verify,
} from "../../src/macaroon/index.ts";
import { atLeast, type Effort, type Findings, interleaved, ratio } from "./figures.ts";
import { peers } from "./peers.ts";
import { CONTEXT, distinct, NINE } from "./tokens.ts";

const KEY = new Uint8Array(32).fill(7);
const TOKENS = 2_000;

/** Verifications a second of tokens that are all different. */
function perSecond(tokens: readonly string[], task: (token: string) => boolean): number {
  const startedAt = performance.now();
  for (const token of tokens) if (!task(token)) throw new Error("a good token was refused");
  return (tokens.length * 1000) / (performance.now() - startedAt);
}

/** Reading, verifying and clearing in one process, every token new, with and without a faster keyed hash. */
export async function inProcess({ rounds }: Effort): Promise<Findings> {
  const root = attenuate(mint({ rootKey: KEY, identifier: "bench", location: "http://127.0.0.1:8080" }), [
    "time < 2037-01-01T00:00:00Z",
  ]);
  const tokens = distinct(root, TOKENS);
  const context = parseJson(JSON.stringify(CONTEXT)) as JsonObject;
  const facts = {
    now: instantFromMilliseconds(Date.parse("2026-12-01T00:00:00Z")),
    context,
    place: "root",
  } as const;

  const ours = (hmac: Hmac, sha256: Sha256) => {
    return (token: string): boolean => {
      const decoded = decodeBundle(token);
      if (!decoded.ok) return false;
      const verified = verify({ root: decoded.macaroons[0], rootKey: KEY, hmac, sha256 });
      if (!verified.ok) return false;
      const conditions = verified.macaroon.caveats.map(({ id }) => compileCaveat(id));
      return clear(conditions, facts).failures.length === 0;
    };
  };
  const contenders = [
    { name: "ours, cleared, portable hash", task: ours(defaultHmac, defaultSha256) },
    { name: "ours, cleared, the service's hash", task: ours(nodeHmac, nodeSha256) },
  ];
  // Until the engine has compiled it.
  for (let pass = 0; pass < 5; pass++) for (const { task } of contenders) perSecond(tokens, task);
  const others = await peers(root, KEY);
  const series = await interleaved("verifications/s", rounds, [
    ...contenders.map(({ name, task }) => ({ name, run: () => perSecond(tokens, task) })),
    ...others.contenders,
  ]);
  const reached = ratio(series, "ours, cleared, the service's hash", "npm macaroon, nothing cleared");
  const level = ratio(series, "ours, cleared, the service's hash", "libmacaroons in C, nothing cleared");
  return {
    part: "in-process",
    series,
    targets: [
      atLeast("in-process verify with clearing, new / npm macaroon", reached, 6),
      atLeast("in-process verify with clearing, new / libmacaroons in C", level, 1),
    ],
    notes: [
      ...others.notes,
      `${NINE.length + 1} caveats, every token new. Of ours: 11 HMACs (two hashes each) and 11 revocation ids (one each) are 33 hashes; at 0.3 µs, which is what a call of Node's one-shot hash costs however short its input, they are the floor: 10 µs.`,
    ],
  };
}
