import { type Caveat, isBudget, isForDischarges } from "../../caveats/caveat.ts";
import { caveatFault } from "../../caveats/fault.ts";
import { parseCaveat } from "../../caveats/parse.ts";
import {
  addSealedCondition,
  attenuate,
  decodeBase64,
  encodeBundle,
  LIMITS,
  MacaroonError,
  mint,
  revocationId,
  type SealedCondition,
  sealCondition,
  type UnverifiedMacaroon,
} from "../../macaroon/index.ts";
import { type Identifier, printIdentifier } from "../../words/identifier.ts";
import { readResourceUri } from "../../words/resource-uri.ts";
import type { RootKey } from "../keys/root-keys.ts";
import { DomainError } from "../parts/error.ts";
import { rfc3339 } from "../parts/instants.ts";
import { mapInSlices, type SliceClock, type TimeSlice } from "../parts/time-slice.ts";
import type { Randomness } from "../ports/randomness.ts";
import type { IssuedCaveat, TokenRecord } from "../ports/tokens.ts";
import { nodeHmac } from "../verify/node-hash.ts";

/** A third-party caveat that is ready to be written. */
export interface ThirdParty {
  readonly location: string;
  readonly condition: SealedCondition;
  /** The request's member that asked for it. */
  readonly member: string;
}

/** A root macaroon as it is handed out, and the facts that the service keeps. */
export interface Minted {
  readonly token: string;
  /** 16 bytes, of the last issued link. */
  readonly revocationId: Uint8Array;
  readonly revocationIdText: string;
  readonly caveats: readonly IssuedCaveat[];
}

/**
 * The revocation ids of the links that were issued, computed anew: any of them kills the token. Only those
 * between two third-party caveats are missing, since tickets are not on record.
 */
export function issuedLinks(rootKey: RootKey | undefined, token: TokenRecord): readonly Uint8Array[] {
  if (rootKey === undefined) return [token.revocationId];
  const { id: tokenId, keyId, principalId, caveats } = token;
  const identifier = printIdentifier({ keyId, tokenId, principalId, issuedCaveats: caveats.length });
  let macaroon = mint({ rootKey: rootKey.key.reveal(), identifier }, nodeHmac);
  const links = [revocationId(macaroon.signature).bytes];
  for (const caveat of caveats) {
    if (!("text" in caveat)) break;
    macaroon = attenuate(macaroon, [caveat.text], nodeHmac);
    links.push(revocationId(macaroon.signature).bytes);
  }
  return [...links, token.revocationId];
}

function invalid(error: unknown, member: string): unknown {
  return error instanceof MacaroonError ? new DomainError("invalid_request", error.message, member) : error;
}

function readPublicKey(text: string, member: string): Uint8Array {
  try {
    const key = decodeBase64(text);
    if (key.length === 32) return key;
  } catch (error) {
    if (!(error instanceof MacaroonError)) throw error;
  }
  throw new DomainError("invalid_request", "must be 32 bytes in base64", member);
}

/**
 * Seals a condition and a fresh caveat key to a third party.
 *
 * @param member the request's member that asks for it
 * @throws {DomainError} `invalid_request` for a key of another length or alphabet, and for a condition that does not fit into a ticket
 */
export function sealThirdParty(
  asked: { readonly location: string; readonly condition: string; readonly publicKey: string },
  randomness: Randomness,
  member: string,
): ThirdParty {
  const { location, condition } = asked;
  const publicKey = readPublicKey(asked.publicKey, `${member}.public_key`);
  let sealed: SealedCondition | undefined;
  try {
    sealed = sealCondition({ condition, publicKey }, randomness.bytes);
  } catch (error) {
    throw invalid(error, member);
  }
  if (sealed !== undefined) return { location, condition: sealed, member };
  const why = "is no key that a secret can be sealed to";
  throw new DomainError("invalid_request", why, `${member}.public_key`);
}

function add(macaroon: UnverifiedMacaroon, party: ThirdParty, randomness: Randomness): UnverifiedMacaroon {
  const { location, condition, member } = party;
  try {
    return addSealedCondition(macaroon, location, condition, randomness.bytes);
  } catch (error) {
    throw invalid(error, member);
  }
}

/**
 * Refuses caveats that would never be cleared, or that no token has room for, while the asker can still mend them.
 *
 * @param member the request's member that holds them
 * @param share of the process, or the clock for one: a caveat of four kilobytes takes a millisecond to read
 * @param use `credential` for macaroons of this API, with which no call is counted
 */
export async function requireCaveats(
  caveats: readonly string[],
  member: string,
  share: TimeSlice | SliceClock,
  use: "token" | "credential" = "token",
): Promise<void> {
  const characters = caveats.reduce((sum, { length }) => sum + length, 0);
  if (characters > LIMITS.bundleBytes) {
    throw new DomainError("invalid_request", `have more than ${LIMITS.bundleBytes} characters`, member);
  }
  await mapInSlices(caveats, share, (text, index) => {
    const never = whyNever(text, use);
    if (never !== undefined) throw new DomainError(never.code, never.why, `${member}[${index}]`);
  });
}

function whyNever(
  text: string,
  use: "token" | "credential",
): { readonly code: "invalid_request" | "unprocessable"; readonly why: string } | undefined {
  const caveat: Caveat | undefined = parseCaveat(text);
  if (caveat === undefined) return { code: "invalid_request", why: caveatFault(text) ?? "is no caveat" };
  if (isForDischarges(caveat)) return { code: "unprocessable", why: "goes into discharges only" };
  if (caveat.kind === "client") return { code: "unprocessable", why: "is the token endpoint's to write" };
  if (caveat.kind === "audience") {
    const strange = caveat.resources.map((uri) => whyNotCanonical(uri)).find((why) => why !== undefined);
    if (strange !== undefined) return { code: "unprocessable", why: strange };
  }
  if (use === "token") return undefined;
  if (caveat.kind === "audience") {
    return { code: "unprocessable", why: "never passes here: a credential is bound by its resource" };
  }
  if (isBudget(caveat)) {
    return { code: "unprocessable", why: "is a budget, and calls with a credential are not counted" };
  }
  return caveat.kind === "holder"
    ? { code: "unprocessable", why: "asks for a proof, and calls with a credential have none" }
    : undefined;
}

/** An `aud` is compared letter by letter with canonical URIs. */
function whyNotCanonical(uri: string): string | undefined {
  const read = readResourceUri(uri);
  if (!read.ok) return `${read.why}: no such resource ever asks`;
  return read.uri === uri ? undefined : `no resource is known by that spelling: ${read.uri}`;
}

/**
 * Mints a root macaroon: `time <` first, so that every one expires, then the other caveats in order. Those of third parties,
 * each of which is sealed, are added in turns of the event loop.
 *
 * @returns rejects with `invalid_request` if it would be larger than the service accepts
 */
export async function mintRoot(options: {
  readonly rootKey: RootKey;
  readonly identifier: Omit<Identifier, "keyId" | "issuedCaveats">;
  readonly location: string;
  /** The instant of its first caveat, unix milliseconds. Other caveats may end it sooner. */
  readonly endsAt: number;
  readonly caveats: readonly string[];
  readonly thirdParties: readonly ThirdParty[];
  readonly randomness: Randomness;
  readonly slice: TimeSlice;
}): Promise<Minted> {
  const { rootKey, thirdParties, randomness, slice } = options;
  const first = [`time < ${rfc3339(options.endsAt)}`, ...options.caveats];
  const identifier = printIdentifier({
    ...options.identifier,
    keyId: rootKey.id,
    issuedCaveats: first.length + thirdParties.length,
  });
  try {
    const root = mint({ rootKey: rootKey.key.reveal(), identifier, location: options.location }, nodeHmac);
    let macaroon = attenuate(root, first, nodeHmac);
    for (const party of thirdParties) {
      if (slice.isOver()) await slice.next();
      macaroon = add(macaroon, party, randomness);
    }
    const last = revocationId(macaroon.signature);
    return {
      token: encodeBundle([macaroon]),
      revocationId: last.bytes,
      revocationIdText: last.text,
      caveats: [...first.map((text) => ({ text })), ...thirdParties.map(({ location }) => ({ location }))],
    };
  } catch (error) {
    throw invalid(error, "caveats");
  }
}
