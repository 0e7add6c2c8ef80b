import { agentsOf } from "../../caveats/agents.ts";
import { type Condition, shownCaveat, thirdParty, thirdPartyText } from "../../caveats/condition.ts";
import { earliestExpiry } from "../../caveats/expiry.ts";
import type { CaveatReader } from "../../caveats/memo.ts";
import { summarise } from "../../caveats/together/summary.ts";
import { instantFromMilliseconds } from "../../caveats/values/instant.ts";
import type { VerifiedChain, VerifiedMacaroon } from "../../macaroon/index.ts";
import type { Identifier } from "../../words/identifier.ts";
import { uuidv7Time } from "../../words/ids.ts";
import { MAX_TOKEN_LIFE } from "../parts/lifetimes.ts";

/**
 * What a right signature tells of a bundle: all that is the same for every request that presents it. So it can be
 * kept and used again under the same root key; whether it has expired, been revoked, or serves a request cannot.
 */
export interface VerifiedBundle {
  readonly identifier: Identifier;
  /** Unix milliseconds. */
  readonly issuedAt: number;
  /** The earliest instant at which the token, or a discharge that it needs, expires; unix milliseconds. */
  readonly endsAt: number;
  readonly macaroon: VerifiedMacaroon;
  /** The root macaroon's caveats, read. */
  readonly conditions: readonly Condition[];
  /** Those of each discharge, in the given order; empty for one that is invalid. */
  readonly dischargeConditions: readonly (readonly Condition[])[];
  /** Every agent on the chain, and on those of its discharges, by name and by `name#instance`. */
  readonly agents: readonly string[];
  /** Every approval that its discharges name. */
  readonly approvals: readonly string[];
  /** Of every link, those of good discharges too, 16 bytes each. */
  readonly revocationIds: readonly Uint8Array[];
  /** What answers say of it, made when one first does. */
  readonly said: Said;
}

/** What answers repeat of a bundle. */
export interface Said {
  /** The root macaroon's caveats as they are shown. */
  caveats: readonly string[] | undefined;
  /** Of every link of the root macaroon, base64url. */
  links: readonly string[] | undefined;
  summary: { readonly day: number; readonly text: string } | undefined;
}

/** Reads what a macaroon says whose signature has just been found right. */
export function readBundle(
  identifier: Identifier,
  macaroon: VerifiedMacaroon,
  readCaveat: CaveatReader,
): VerifiedBundle {
  const conditions = read(macaroon, readCaveat);
  const dischargeConditions: (readonly Condition[])[] = [];
  const revocationIds = macaroon.revocationIds.map(({ bytes }) => bytes);
  for (const discharge of macaroon.discharges) {
    dischargeConditions.push(discharge.state === "good" ? read(discharge, readCaveat) : []);
    if (discharge.state !== "good") continue;
    for (const { bytes } of discharge.revocationIds) revocationIds.push(bytes);
  }
  const ofDischarges = dischargeConditions.flat();
  const all = ofDischarges.length === 0 ? conditions : [...conditions, ...ofDischarges];
  const issuedAt = uuidv7Time(identifier.tokenId);
  return {
    identifier,
    issuedAt,
    endsAt: earliestExpiry(all, issuedAt + MAX_TOKEN_LIFE),
    macaroon,
    conditions,
    dischargeConditions,
    agents: agentsOf(all),
    approvals: approvalsOf(ofDischarges),
    revocationIds,
    said: { caveats: undefined, links: undefined, summary: undefined },
  };
}

function read(chain: VerifiedChain, readCaveat: CaveatReader): readonly Condition[] {
  return chain.caveats.map(({ kind, id, location }) =>
    kind === "third" ? thirdParty(location ?? "") : readCaveat(id),
  );
}

function approvalsOf(conditions: readonly Condition[]): readonly string[] {
  const approvals: string[] = [];
  for (const condition of conditions) {
    if (condition.state === "known" && condition.caveat.kind === "approval") {
      approvals.push(condition.caveat.id);
    }
  }
  return approvals;
}

/** The root macaroon's caveats, as answers show them. */
export function caveatsOf({ said, conditions }: VerifiedBundle): readonly string[] {
  said.caveats ??= conditions.map((condition) =>
    condition.state === "third_party" ? thirdPartyText(shownCaveat(condition.location)) : condition.text,
  );
  return said.caveats;
}

/** The revocation ids of the root macaroon's links, as answers show them. */
export function linksOf({ said, macaroon }: VerifiedBundle): readonly string[] {
  said.links ??= macaroon.revocationIds.map(({ text }) => text);
  return said.links;
}

/** Milliseconds. */
const DAY = 86_400_000;

/**
 * What an allowed token allows, in a sentence. It is not over, or nobody would ask: so all that time changes
 * about the sentence is what stands without a date because it is today.
 *
 * @param now unix milliseconds
 */
export function summaryOf({ said, conditions }: VerifiedBundle, now: number): string {
  const day = Math.floor(now / DAY);
  if (said.summary?.day !== day) {
    said.summary = { day, text: summarise(conditions, { now: instantFromMilliseconds(now) }) };
  }
  return said.summary.text;
}

/**
 * About what a bundle takes in memory, its text left out; bytes.
 *
 * By what its caveats have become and not by their length alone: a list of the shortest blocks takes twenty times
 * the bytes that it had in the token, and whoever narrows a token chooses what stands in it.
 */
export function bundleWeight(bundle: VerifiedBundle): number {
  const { revocationIds, macaroon } = bundle;
  let weight = WEIGHT * (1 + macaroon.discharges.length) + WEIGHT_OF_LINK * revocationIds.length;
  for (const condition of bundle.conditions) weight += conditionWeight(condition);
  for (const conditions of bundle.dischargeConditions) {
    for (const condition of conditions) weight += conditionWeight(condition);
  }
  return weight;
}

function conditionWeight(condition: Condition): number {
  if (condition.state === "third_party") return 2 * condition.location.length;
  const text = 2 * condition.text.length;
  if (condition.state === "unknown") return text;
  const { caveat } = condition;
  if (caveat.kind === "membership") return text + WEIGHT_OF_ITEM * caveat.items.length;
  return caveat.kind === "network" ? text + WEIGHT_OF_BLOCK * caveat.blocks.length : text;
}

// Measured, and rounded up.
const WEIGHT = 3_000;
const WEIGHT_OF_LINK = 750;
const WEIGHT_OF_ITEM = 64;
const WEIGHT_OF_BLOCK = 160;
