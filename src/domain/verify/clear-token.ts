import { type Clearance, clear, type Failure } from "../../caveats/clear.ts";
import type { Condition } from "../../caveats/condition.ts";
import { shownCaveat } from "../../caveats/condition.ts";
import { instantFromMilliseconds } from "../../caveats/values/instant.ts";
import { newWork } from "../../caveats/values/work.ts";
import type { JsonObject } from "../../json/value.ts";
import { type DischargeFault, type DischargeState, encodeBase64Url } from "../../macaroon/index.ts";
import { REFUSAL_CODES, type RefusalCode } from "../../words/refusal-codes.ts";
import type { CaveatFailure } from "../service.ts";
import { linksOf } from "./verified-bundle.ts";
import type { GoodToken } from "./verify-token.ts";

/** What a good token is worth for one request. */
export interface Judgement {
  /** The refusal, undefined where nothing forbids the request. */
  readonly refusal: { readonly code: RefusalCode; readonly detail: string } | undefined;
  readonly failures: readonly CaveatFailure[];
  readonly undischarged: readonly { readonly location: string; readonly caveatId: string }[];
  readonly agents: readonly string[];
}

interface Reason {
  readonly code: RefusalCode;
  readonly detail: string;
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

function first(reasons: readonly Reason[]): Reason | undefined {
  for (const code of REFUSAL_CODES) {
    const reason = reasons.find((candidate) => candidate.code === code);
    if (reason !== undefined) return reason;
  }
  return undefined;
}

/**
 * Clears a good token's caveats, and those of its discharges, for one request.
 *
 * @param now unix milliseconds, by the service's clock
 */
export function judge(token: GoodToken, context: JsonObject, now: number): Judgement {
  const { macaroon } = token;
  const facts = { now: instantFromMilliseconds(now), context };
  // One allowance for all: with one for each, 32 discharges would be 32 times the work for the same bytes.
  const work = newWork();
  const root: Clearance = clear(token.conditions, { ...facts, place: "root" }, work);
  // What nearly all tokens are: nothing to say, and nothing that discharges would need.
  if (
    token.revoked === undefined &&
    root.failures.length === 0 &&
    macaroon.discharges.length === 0 &&
    macaroon.undischarged.length === 0
  ) {
    return { refusal: undefined, failures: [], undischarged: [], agents: root.agents };
  }

  const ancestors = new Set(linksOf(token));
  const reasons: Reason[] = [];
  if (token.revoked !== undefined) reasons.push({ code: "revoked", detail: token.revoked });
  const failures: Failure[] = [...root.failures];
  macaroon.discharges.forEach((discharge, index) => {
    const conditions = token.dischargeConditions[index] ?? [];
    const fault = dischargeFault(discharge, conditions);
    if (fault !== undefined)
      reasons.push({ code: "discharge_invalid", detail: `discharge ${index} ${fault}` });
    const cleared = clear(conditions, { ...facts, place: "discharge", ancestors }, work);
    for (const failure of cleared.failures) {
      failures.push({ ...failure, detail: `in discharge ${index}: ${failure.detail}` });
    }
  });

  const undischarged = macaroon.undischarged.map(({ location, ticket }) => ({
    location: shownCaveat(location ?? ""),
    caveatId: encodeBase64Url(ticket),
  }));
  reasons.push(...failures);
  if (undischarged.length > 0) {
    const where = [...new Set(undischarged.map(({ location }) => location))].join(", ");
    const detail = `${undischarged.length} third-party caveat${undischarged.length === 1 ? "" : "s"} without a discharge: ask ${where}`;
    reasons.push({ code: "discharge_missing", detail });
  }
  return { refusal: first(reasons), failures, undischarged, agents: root.agents };
}
