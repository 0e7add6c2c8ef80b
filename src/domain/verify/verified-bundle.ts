import { agentsOf } from "../../caveats/agents.ts";
import { type Condition, thirdParty } from "../../caveats/condition.ts";
import { earliestExpiry } from "../../caveats/expiry.ts";
import type { CaveatReader } from "../../caveats/memo.ts";
import type { VerifiedCaveat, VerifiedChain, VerifiedMacaroon } from "../../macaroon/index.ts";
import type { Identifier } from "../../words/identifier.ts";
import { uuidv7Time } from "../../words/ids.ts";
import { MAX_TOKEN_LIFE } from "../parts/lifetimes.ts";
import { type Budget, budgetsOf } from "./bundle-budgets.ts";
import { type Holder, holdersOf } from "./bundle-holders.ts";
import { type BundleTexts, newTexts } from "./bundle-texts.ts";

/**
 * A bundle whose signatures are right, and everything that follows from its bytes alone. It is the same for every
 * request that presents the bundle, so it can be kept and used again under the same root key. Expiry, revocation and
 * the clearing of caveats differ from request to request and are no part of it.
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
  /** The caveats of each discharge, in the given order; empty for an invalid discharge. */
  readonly dischargeConditions: readonly (readonly Condition[])[];
  /** Every agent on the chain, and on those of its discharges, by name and by `name#instance`. */
  readonly agents: readonly string[];
  /** Every approval that its discharges name. */
  readonly approvals: readonly string[];
  /** Of every link, those of good discharges too, 16 bytes each. */
  readonly revocationIds: readonly Uint8Array[];
  /** Every budget, those of good discharges too; empty for nearly all tokens. */
  readonly budgets: readonly Budget[];
  /** Every `holder`, likewise. */
  readonly holders: readonly Holder[];
  readonly texts: BundleTexts;
}

/**
 * Puts together all that follows from a macaroon whose signature has just been found right.
 *
 * @param readChain reads the caveats of one of its chains
 */
export function readBundle(
  identifier: Identifier,
  macaroon: VerifiedMacaroon,
  readChain: (chain: VerifiedChain) => readonly Condition[],
): VerifiedBundle {
  const conditions = readChain(macaroon);
  const dischargeConditions: (readonly Condition[])[] = [];
  const revocationIds = macaroon.revocationIds.map(({ bytes }) => bytes);
  for (const discharge of macaroon.discharges) {
    dischargeConditions.push(discharge.state === "good" ? readChain(discharge) : []);
    if (discharge.state !== "good") continue;
    for (const { bytes } of discharge.revocationIds) revocationIds.push(bytes);
  }
  const ofDischarges = dischargeConditions.flat();
  const all = ofDischarges.length === 0 ? conditions : [...conditions, ...ofDischarges];
  const issuedAt = uuidv7Time(identifier.tokenId);
  const latest = issuedAt + MAX_TOKEN_LIFE;
  const issuedEnd = earliestExpiry(conditions.slice(0, identifier.issuedCaveats), latest);
  return {
    identifier,
    issuedAt,
    endsAt: earliestExpiry(all, latest),
    macaroon,
    conditions,
    dischargeConditions,
    agents: agentsOf(all),
    approvals: approvalsOf(ofDischarges),
    revocationIds,
    budgets: budgetsOf(macaroon, conditions, dischargeConditions, identifier.issuedCaveats, issuedEnd),
    holders: holdersOf(macaroon, conditions, dischargeConditions, identifier.issuedCaveats),
    texts: newTexts(),
  };
}

/** Reads the caveats of a chain, third-party ones in their places. */
export function conditionsOf(chain: VerifiedChain, readCaveat: CaveatReader): readonly Condition[] {
  return chain.caveats.map((caveat) => conditionOf(caveat, readCaveat));
}

/** Reads one caveat of a chain. */
export function conditionOf({ kind, id, location }: VerifiedCaveat, readCaveat: CaveatReader): Condition {
  return kind === "third" ? thirdParty(location ?? "") : readCaveat(id);
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
