import { createHash } from "node:crypto";

import { hmac as nobleHmac } from "@noble/hashes/hmac.js";
import { sha256 as nobleSha256 } from "@noble/hashes/sha2.js";
import { expect } from "vitest";

import { nodeChain, nodeHmac } from "../../src/domain/verify/node-hash.ts";
import { computeTails } from "../../src/macaroon/chain.ts";
import { defaultChain } from "../../src/macaroon/hash/chain-hash.ts";
import {
  addThirdPartyCaveat,
  attenuate,
  type ChainHash,
  chainOf,
  createLinks,
  decodeBundle,
  defaultHmac,
  defaultSha256,
  encode,
  type Hmac,
  mint,
  type Sha256,
  signingKey,
  type UnverifiedMacaroon,
  type Verification,
  type VerifiedLink,
  type VerifiedMacaroon,
  type VerifyOptions,
  verifiedLink,
  verify,
  verifyFrom,
  verifyInSteps,
} from "../../src/macaroon/index.ts";

/** Noble's, which the portable one is held to. */
export const NOBLE = {
  hmac: (key: Uint8Array, message: Uint8Array) => nobleHmac(nobleSha256, key, message),
  sha256: (message: Uint8Array) => nobleSha256(message),
};

const nodeSha256: Sha256 = (message) => new Uint8Array(createHash("sha256").update(message).digest());

/** Every implementation of the two hashes, and the one that they are held to. */
export const KEYED_HASHES: readonly (readonly [name: string, keyed: { hmac: Hmac; sha256: Sha256 }])[] = [
  ["noble", NOBLE],
  ["portable", { hmac: defaultHmac, sha256: defaultSha256 }],
  ["node", { hmac: nodeHmac, sha256: nodeSha256 }],
];

/** Everything that a chain can be hashed with: what walks it as a whole, and pairs of functions. */
export const CHAINS: readonly (readonly [name: string, chain: ChainHash])[] = [
  ["portable", defaultChain],
  ["node", nodeChain],
  ...KEYED_HASHES.map(([name, { hmac, sha256 }]) => [`of ${name}`, chainOf(hmac, sha256)] as const),
];

/** Those that are three different programs, and not one of them by another way. The first is what `verify` uses unasked. */
const OTHERS = [nodeChain, chainOf(NOBLE.hmac, NOBLE.sha256)] as const;

/** Verifies with every hash: each must come to the same answer. A hash of the caller's own stays the only one. */
export function verifyWithEach(options: VerifyOptions): Verification {
  const verification = verify(options);
  if (options.chain !== undefined) return verification;
  for (const chain of OTHERS) expect(verify({ ...options, chain })).toEqual(verification);
  // Another verification, by the same hash, between any two of its steps.
  expectSameFromLinks(options, verification);
  const steps = verifyInSteps({ ...options, chain: nodeChain });
  for (let step = steps.next(); ; step = steps.next()) {
    verify({ ...options, chain: nodeChain, discharges: [] });
    if (!step.done) continue;
    expect(step.value).toEqual(verification);
    break;
  }
  return verification;
}

/** From each link of it that is tried, each by another hash, a macaroon is what it is from its root key. */
function expectSameFromLinks(
  { root, discharges = [], rootKey, limits }: VerifyOptions,
  verification: Verification,
): void {
  if (discharges.length > 0 || limits !== undefined || !(rootKey instanceof Uint8Array)) return;
  if (!verification.ok && verification.code !== "bad_signature") return;
  const signature = lastTail(root, rootKey);
  const good = verify({ root: { ...root, signature }, rootKey });
  if (!good.ok) throw new Error("a macaroon that was signed here");
  const { length } = root.unverifiedCaveats;
  const isPlain = root.unverifiedCaveats.every(({ verificationId }) => verificationId === undefined);
  for (const [at, chain] of [
    [0, defaultChain],
    [length >> 1, OTHERS[0]],
    [length, OTHERS[1]],
  ] as const) {
    const known = verifiedLink(good.macaroon, at, rootKey, chain);
    expect(known !== undefined).toBe(isPlain);
    if (known === undefined) continue;
    const links = createLinks<VerifiedLink>();
    links.add(known);
    const found = links.find(encode(root));
    const from = found && verifyFrom(found.known, found.behind, chain);
    expect(from).toEqual(verification.ok ? verification.macaroon : undefined);
  }
}

function lastTail({ identifier, unverifiedCaveats }: UnverifiedMacaroon, rootKey: Uint8Array): Uint8Array {
  const key = signingKey(rootKey).signing;
  const [tail, ...others] = computeTails(
    key,
    { identifier, unverifiedCaveats, signature: key },
    defaultChain,
  );
  return others.at(-1) ?? tail ?? key;
}

export const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
export const fromHex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, "hex"));
export const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
export const fromUtf8 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("utf8");

/** The root key of whatever these tests mint. */
export const KEY = utf8("root key");

/** The macaroons of a text that must be a bundle. */
export function decoded(text: string | Uint8Array): readonly [UnverifiedMacaroon, ...UnverifiedMacaroon[]] {
  const result = decodeBundle(text);
  if (!result.ok) throw new Error(result.detail);
  return result.macaroons;
}

/** The macaroon of a verification that must have succeeded. */
export function verified(verification: Verification): VerifiedMacaroon {
  if (!verification.ok) throw new Error(verification.code);
  return verification.macaroon;
}

/** A root macaroon with first-party caveats. */
export function rootWith(...predicates: string[]): UnverifiedMacaroon {
  return attenuate(
    mint({ rootKey: KEY, identifier: "root", location: "https://tokens.example" }),
    predicates,
  );
}

/** A macaroon with one more third-party caveat; the nonce is derived, so that tests repeat. */
export function withThirdParty(macaroon: UnverifiedMacaroon, ticket: string, caveatKey = `key of ${ticket}`) {
  return addThirdPartyCaveat(macaroon, {
    location: "https://third.example",
    ticket,
    caveatKey: utf8(caveatKey),
    nonce: utf8(ticket.padEnd(24, "-").slice(0, 24)),
  });
}

/** An unbound discharge. */
export function dischargeFor(ticket: string, predicates: string[] = [], caveatKey = `key of ${ticket}`) {
  return attenuate(mint({ rootKey: utf8(caveatKey), identifier: ticket, location: "d" }), predicates);
}
