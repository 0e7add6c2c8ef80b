import { type AttributeCaveat, isOnAttribute } from "../../caveats/caveat.ts";
import { type Clearance, clear, type Facts, type Failure } from "../../caveats/clear.ts";
import type { Condition } from "../../caveats/condition.ts";
import { shownCaveat } from "../../caveats/condition.ts";
import type { Decimal } from "../../caveats/values/decimal.ts";
import { instantFromMilliseconds } from "../../caveats/values/instant.ts";
import { bareOrQuoted } from "../../caveats/values/quote.ts";
import { newWork } from "../../caveats/values/work.ts";
import type { JsonObject } from "../../json/value.ts";
import { type DischargeFault, type DischargeState, encodeBase64Url } from "../../macaroon/index.ts";
import { firstRefusal, type RefusalCode } from "../../words/refusal-codes.ts";
import type { AskingResource } from "../replica/known-resources.ts";
import type { CaveatFailure } from "../service.ts";
import { isTakenBy } from "./asking.ts";
import { linksOf } from "./bundle-texts.ts";
import { issuedInDischarges } from "./issued-discharges.ts";
import type { VerifiedToken } from "./verify-token.ts";
import type { Vouching } from "./vouching.ts";

/** A reason to refuse a request. */
export interface TokenRefusal {
  readonly code: RefusalCode;
  /** The reason in a sentence for people. */
  readonly detail: string;
}

/** The outcome of clearing a token for one request. */
export interface TokenClearance {
  /** The first refusal in the fixed order of codes; undefined if nothing forbids the request. */
  readonly refusal: TokenRefusal | undefined;
  readonly failures: readonly CaveatFailure[];
  readonly undischarged: readonly { readonly location: string; readonly caveatId: string }[];
  readonly agents: readonly string[];
}

const DISCHARGE_FAULTS = {
  signature: "has a wrong signature",
  unused: "proves nothing that was asked for",
  reused: "is given for more than one caveat",
  too_deep: "is nested too deep",
  no_such_caveat: "proves no caveat of this token",
  parent_invalid: "proves a caveat of a discharge that is invalid itself",
} as const satisfies Record<DischargeFault, string>;

function dischargeFault(discharge: DischargeState, conditions: readonly Condition[]): string | undefined {
  if (discharge.state === "invalid") return DISCHARGE_FAULTS[discharge.reason];
  if (discharge.binding === "bound") return undefined;
  const tied = conditions.some(
    (condition) => condition.state === "known" && condition.caveat.kind === "ancestor",
  );
  return tied ? undefined : "is neither bound to the token nor tied to one of its links";
}

/**
 * Failures that one verdict explains: each sentence takes microseconds to write, and a bundle of 64 KiB has thousands of caveats
 * that fail.
 */
const MOST_FAILURES = 250;

/** Nothing is missing in nearly all tokens. */
const NONE: readonly never[] = [];

/**
 * Clears a verified token's caveats, and those of its discharges, for one request.
 *
 * A revocation, an invalid discharge and a missing one refuse the request like a caveat that fails; the first of them
 * all in the fixed order is the refusal.
 *
 * @param now unix milliseconds, by the service's clock
 * @param asking the resource that asks: here alone it is held against the token, for every way of asking
 * @param cost what the call costs, by unit, where its budgets are charged if this lets it pass; without it they forbid it
 * @param vouching which keys vouch for the call; without it every `holder` forbids it
 */
export function clearToken(
  token: VerifiedToken,
  context: JsonObject,
  now: number,
  asking: AskingResource | undefined,
  cost?: ReadonlyMap<string, Decimal>,
  vouching?: Vouching,
): TokenClearance {
  const { macaroon } = token;
  const facts: Facts = {
    now: instantFromMilliseconds(now),
    context,
    cost,
    resource: asking?.uri,
    macaroon: "root",
    issued: token.identifier.issuedCaveats,
    vouched: vouching?.inChain(undefined),
  };
  const isTaken = asking === undefined || isTakenBy(token, asking);
  // All chains share one allowance of work. With one allowance each, 32 discharges would cost 32 times the work.
  const work = newWork();
  const root: Clearance = clear(token.conditions, facts, work, MOST_FAILURES);
  // The short way of nearly all tokens: no failure and no discharge.
  if (
    isTaken &&
    token.revoked === undefined &&
    root.failures.length === 0 &&
    macaroon.discharges.length === 0 &&
    macaroon.undischarged.length === 0
  ) {
    return { refusal: undefined, failures: root.failures, undischarged: NONE, agents: root.agents };
  }

  const ancestors = new Set(linksOf(token));
  const refusals: TokenRefusal[] = [];
  if (token.revoked !== undefined) refusals.push({ code: "revoked", detail: token.revoked });
  const failures: Failure[] = [...root.failures];
  const issuedIn = issuedInDischarges(macaroon, token.dischargeConditions, token.identifier.issuedCaveats);
  macaroon.discharges.forEach((discharge, index) => {
    const conditions = token.dischargeConditions[index] ?? [];
    const fault = dischargeFault(discharge, conditions);
    if (fault !== undefined)
      refusals.push({ code: "discharge_invalid", detail: `discharge ${index} ${fault}` });
    const vouched = vouching?.inChain(index);
    const issued = issuedIn[index] ?? 0;
    const left = Math.max(1, MOST_FAILURES - failures.length);
    const own = { ...facts, macaroon: "discharge", issued, ancestors, vouched } as const;
    const cleared = clear(conditions, own, work, left);
    for (const failure of cleared.failures) {
      failures.push({ ...failure, detail: `in discharge ${index}: ${failure.detail}` });
    }
  });

  const undischarged = macaroon.undischarged.map(({ location, ticket }) => ({
    location: shownCaveat(location ?? ""),
    caveatId: encodeBase64Url(ticket),
  }));
  refusals.push(...failures);
  // Behind a caveat that names others, which tells more.
  if (!isTaken) refusals.push(unbound(asking.uri));
  if (undischarged.length > 0) {
    const where = [...new Set(undischarged.map(({ location }) => location))].join(", ");
    const detail = `${undischarged.length} third-party caveat${undischarged.length === 1 ? "" : "s"} without a discharge: ask ${where}`;
    refusals.push({ code: "discharge_missing", detail });
  }
  return { refusal: firstRefusal(refusals), failures, undischarged, agents: root.agents };
}

function unbound(uri: string): TokenRefusal {
  const resource = bareOrQuoted(uri);
  return {
    code: "caveat_failed",
    detail: `the resource ${resource} takes only tokens that were issued for it, and this one was issued without such an aud`,
  };
}

/**
 * The refusal of a token that serves no request any more: it was revoked or has expired.
 *
 * @param now unix milliseconds, by the service's clock
 * @returns undefined while some request may pass
 */
export function refusalOfEnded(token: VerifiedToken, now: number): TokenRefusal | undefined {
  // Before `endsAt` every `time <` holds, those of the discharges too: there is nothing to clear.
  if (token.revoked === undefined && now < token.endsAt) return undefined;
  if (token.revoked !== undefined) return { code: "revoked", detail: token.revoked };
  const { refusal } = clearToken(onlyTimes(token), new Map(), now, undefined);
  return refusal?.code === "expired" ? refusal : undefined;
}

/** A caveat in whose place nothing is cleared. */
const PASSED_OVER: Condition = { state: "third_party", location: "" };

/** A token without what has nothing to do with its end: each sentence on why a caveat fails takes a while to write. */
function onlyTimes(token: VerifiedToken): VerifiedToken {
  const times = (conditions: readonly Condition[]) =>
    conditions.map((condition) => (isTimely(condition) ? condition : PASSED_OVER));
  return {
    ...token,
    conditions: times(token.conditions),
    dischargeConditions: token.dischargeConditions.map(times),
  };
}

/** A token without its conditions on `resource`, for the time before it is known. */
export function whateverResource(token: VerifiedToken): VerifiedToken {
  const { conditions, dischargeConditions } = token;
  // Nearly no credential has one.
  if (!conditions.some(isOnResource) && !dischargeConditions.some((all) => all.some(isOnResource)))
    return token;
  const others = (all: readonly Condition[]) =>
    all.map((condition) => (isOnResource(condition) ? PASSED_OVER : condition));
  return { ...token, conditions: others(conditions), dischargeConditions: dischargeConditions.map(others) };
}

function isOnResource(condition: Condition): boolean {
  if (condition.state !== "known") return false;
  const { caveat } = condition;
  if (caveat.kind === "conditional") return isOfResource(caveat.unless) || isOfResource(caveat.test);
  return isOnAttribute(caveat) && isOfResource(caveat);
}

function isOfResource({ attribute }: AttributeCaveat): boolean {
  return attribute === "resource" || attribute.startsWith("resource.");
}

/** A time, or an agent, which a sentence on a time names. */
function isTimely(condition: Condition): boolean {
  return (
    condition.state === "known" && (condition.caveat.kind === "time" || condition.caveat.kind === "agent")
  );
}
