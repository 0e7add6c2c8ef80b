import { clear } from "../../src/caveats/clear.ts";
import { createCaveatReader } from "../../src/caveats/memo.ts";
import { instantFromMilliseconds } from "../../src/caveats/values/instant.ts";
import { nodeChain, nodeHmac } from "../../src/domain/verify/node-hash.ts";
import { parseJson } from "../../src/json/parse.ts";
import {
  attenuate,
  type ChainHash,
  createLinks,
  decodeBundle,
  defaultHmac,
  encodeBundle,
  type Hmac,
  mint,
  signingKey,
  type UnverifiedMacaroon,
  type VerifiedLink,
  verifiedLink,
  verify,
  verifyFrom,
} from "../../src/macaroon/index.ts";
import { atLeast, type Contender, type Effort, type Findings, interleaved, ratio } from "./figures.ts";
import { peers } from "./peers.ts";
import { CONTEXT, descendants, NINE } from "./tokens.ts";

const KEY = new Uint8Array(32).fill(7);
/** Of a round: as many as fill about half a second. */
const TOKENS = 20_000;

type Task = (token: string) => boolean;

/** Verifications a second of tokens that are all different. */
function perSecond(tokens: readonly string[], task: Task): number {
  const begun = performance.now();
  for (const token of tokens) if (!task(token)) throw new Error("a good token was refused");
  return (tokens.length * 1000) / (performance.now() - begun);
}

/** Reads, verifies and clears as the service does, which keeps nothing of a token that it sees for the first time. */
function ours(hmac: Hmac, chain?: ChainHash): Task {
  const context = parseJson(JSON.stringify(CONTEXT));
  if (!(context instanceof Map)) throw new Error("the context is no object");
  const now = instantFromMilliseconds(Date.parse("2026-12-01T00:00:00Z"));
  const rootKey = signingKey(KEY, hmac);
  const readCaveat = createCaveatReader();
  return (token) => {
    const decoded = decodeBundle(token);
    if (!decoded.ok) return false;
    const verified = verify({
      root: decoded.macaroons[0],
      rootKey,
      ...(chain === undefined ? {} : { chain }),
    });
    if (!verified.ok) return false;
    const conditions = verified.macaroon.caveats.map(({ id }) => readCaveat(id));
    return clear(conditions, { now, context, macaroon: "root" }).failures.length === 0;
  };
}

/** The same of tokens below a link that is known, as the service does once two of them were seen. */
function oursFrom(link: UnverifiedMacaroon, hmac: Hmac, chain: ChainHash): Task {
  const context = parseJson(JSON.stringify(CONTEXT));
  if (!(context instanceof Map)) throw new Error("the context is no object");
  const now = instantFromMilliseconds(Date.parse("2026-12-01T00:00:00Z"));
  const readCaveat = createCaveatReader();
  const verified = verify({ root: link, rootKey: signingKey(KEY, hmac), chain });
  if (!verified.ok) throw new Error("a link that was made here");
  const known = verifiedLink(verified.macaroon, link.unverifiedCaveats.length, KEY, chain);
  if (known === undefined) throw new Error("a link that was made here");
  const links = createLinks<VerifiedLink>();
  links.add(known);
  const conditions = known.above.caveats.map(({ id }) => readCaveat(id));
  return (token) => {
    const found = links.find(token);
    const macaroon = found && verifyFrom(found.known, found.behind, chain);
    if (macaroon === undefined) return false;
    const all = [...conditions, ...macaroon.caveats.slice(conditions.length).map(({ id }) => readCaveat(id))];
    return clear(all, { now, context, macaroon: "root" }).failures.length === 0;
  };
}

/** Reading, verifying and clearing in one process, every token new, beside other libraries. */
export async function inProcess({ rounds }: Effort): Promise<Findings> {
  const minted = mint({ rootKey: KEY, identifier: "bench", location: "http://127.0.0.1:8080" });
  const root = attenuate(minted, ["time < 2037-01-01T00:00:00Z"]);
  const parent = attenuate(root, NINE.slice(0, -1));
  const link = attenuate(root, NINE.slice(0, 7));
  let next = 0;
  const fresh = () =>
    Array.from({ length: TOKENS }, () =>
      encodeBundle([attenuate(parent, [`agent = researcher#${String(next++).padStart(8, "0")}`])]),
    );
  const below = () => {
    next += TOKENS;
    return descendants(root, TOKENS, next);
  };
  const contender = (name: string, task: Task, tokens: () => readonly string[] = fresh): Contender => {
    for (let warmUp = 0; warmUp < 3; warmUp++) perSecond(tokens(), task);
    return { name, run: () => perSecond(tokens(), task) };
  };
  const others = await peers(root, KEY);
  const series = await interleaved("verifications/s", rounds, [
    contender("ours, cleared", ours(nodeHmac, nodeChain)),
    contender("ours, cleared, portable hash", ours(defaultHmac)),
    contender("ours, cleared, descendant", oursFrom(link, nodeHmac, nodeChain), below),
    ...others.contenders,
  ]);
  const of = (name: string) => ratio(series, "ours, cleared", name);
  return {
    part: "in-process",
    series,
    targets: [
      atLeast("in-process verify with clearing, new / npm macaroon", of("npm macaroon, nothing cleared"), 6),
      atLeast(
        "in-process verify with clearing, new / libmacaroons in C",
        of("libmacaroons in C, nothing cleared"),
        0.9,
      ),
      atLeast(
        "in-process verify with clearing, descendant / libmacaroons in C",
        ratio(series, "ours, cleared, descendant", "libmacaroons in C, nothing cleared"),
        2.5,
      ),
    ],
    notes: [
      ...others.notes,
      `${NINE.length + 1} caveats, every token new. Ours makes 11 HMACs of two hashes each, and 11 revocation ids, which the others have no word for: 33 hashes, against 24 of theirs.`,
    ],
  };
}
