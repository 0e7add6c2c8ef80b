import type { JsonObject } from "../json/value.ts";
import type { RefusalCode } from "../words/refusal-codes.ts";
import type { Place } from "../words/states.ts";
import { agentTrail } from "./agents.ts";
import type { Caveat } from "./caveat.ts";
import { type Condition, shownCaveat } from "./condition.ts";
import {
  explainAncestor,
  explainAudience,
  explainConditional,
  explainCost,
  explainCrowd,
  explainDepth,
  explainMisplaced,
  explainRefusal,
  explainTime,
  explainUncounted,
  explainUnissued,
  explainUnknown,
  explainUnproved,
} from "./explain.ts";
import { forbids } from "./forbids.ts";
import { isProvenClient } from "./proven-client.ts";
import type { Decimal } from "./values/decimal.ts";
import { compareInstants, type Instant } from "./values/instant.ts";
import { newWork, type Work } from "./values/work.ts";

/** The role of the macaroon that a chain of caveats belongs to. */
export type MacaroonRole = "root" | "discharge";

/** The facts that caveats are cleared against. */
export interface Facts {
  /** The service's clock, never the caller's. */
  readonly now: Instant;
  /** The facts of the request, without the members that {@link reservedMember} names. */
  readonly context: JsonObject;
  readonly macaroon: MacaroonRole;
  /** The canonical URI of the resource that asks; without it no `aud` passes. */
  readonly resource?: string | undefined;
  /** How many conditions at the front of the chain its issuer wrote; none unless said. */
  readonly issued?: number;
  /** Revocation ids of all links of the root macaroon, for `ancestor` in a discharge; without it none serves. */
  readonly ancestors?: ReadonlySet<string>;
  /**
   * What the call costs, by unit, where the caller of {@link clear} has the budgets of the chain counted. Without it
   * every budget forbids the request, because nobody would count the call.
   */
  readonly cost?: ReadonlyMap<string, Decimal> | undefined;
  /** Tells by its place why a `holder` of the chain forbids the request. Without it every `holder` does. */
  readonly vouched?: ((index: number) => HolderRefusal | undefined) | undefined;
}

/** Why the key of a `holder` has not vouched for a request. */
export interface HolderRefusal {
  readonly code: Extract<RefusalCode, "holder_proof_required" | "holder_proof_invalid">;
  readonly detail: string;
}

/** The code of a caveat's failure. `expired` is a failed `time <`. */
export type FailureCode = Extract<
  RefusalCode,
  "expired" | "depth_exceeded" | HolderRefusal["code"] | "caveat_unknown" | "caveat_failed"
>;

/** One caveat that forbids the request. */
export interface Failure {
  /** The caveat's position in its chain, third-party caveats counted. */
  readonly index: number;
  /** The caveat as it was written, unsafe characters escaped and cut after 256. */
  readonly caveat: string;
  /**
   * The nearest agent before the caveat, with instance: it was written since the hand-over to that agent. Null before the
   * first.
   */
  readonly agent: string | null;
  readonly placed: Place;
  readonly code: FailureCode;
  /** The value that was seen and the values that would have passed, in a sentence for people. */
  readonly detail: string;
}

/** The outcome of clearing a chain: the request passes if there are no failures. */
export interface Clearance {
  /** Every caveat that forbids the request, in the order of the chain. */
  readonly failures: readonly Failure[];
  /** The trail of agents with their instances: the names that holders claim, in order. */
  readonly agents: readonly string[];
}

type FailureReason = Pick<Failure, "code" | "detail">;

/**
 * Clears a chain of caveats, in chain order, and finds every one that forbids the request.
 *
 * Call it only with caveats under a verified signature. Pure, and never throws, for any caveats and any context.
 * Work is bounded for the chain as a whole: see {@link WORK_LIMIT}.
 *
 * @param work the rest of an allowance that several chains share, as those of one bundle do
 * @param most failures that are wanted: it ends with the last of them
 * @example
 * const chain = ["action in read, list", "time < 2099-01-01T00:00:00Z"].map(compileCaveat);
 * const now = instantFromMilliseconds(Date.now());
 * clear(chain, { now, context: new Map([["action", "read"]]), macaroon: "root" }).failures; // []
 */
export function clear(
  conditions: readonly Condition[],
  facts: Facts,
  work: Work = newWork(),
  most = Number.POSITIVE_INFINITY,
): Clearance {
  const agents = agentTrail(conditions);
  const failures: Failure[] = [];
  let passed = 0;
  let name: string | null = null;
  for (let index = 0; index < conditions.length; index++) {
    const condition = conditions[index] as Condition;
    if (condition.state === "third_party") continue;
    const handovers = agents.length - passed;
    const reason = failureOf(condition, conditions, index, handovers, facts, work);
    if (reason !== undefined) {
      const agent = agents[passed - 1] ?? null;
      const placed = placeOf(index, facts.issued ?? 0, agent);
      const since = placed === "handed_over" ? ` (since the hand-over to ${name})` : "";
      const detail = `${reason.detail}${since}`;
      failures.push({ index, caveat: shownCaveat(condition.text), agent, placed, code: reason.code, detail });
      if (failures.length >= most) break;
    } else if (condition.state === "known" && condition.caveat.kind === "agent") {
      passed++;
      name = condition.caveat.name;
    }
  }
  return { failures, agents };
}

/** @param agent the nearest agent before it */
export function placeOf(index: number, issued: number, agent: string | null): Place {
  if (index < issued) return "issued";
  return agent === null ? "first_holder" : "handed_over";
}

/**
 * The reason why one caveat forbids the request; undefined if it does not.
 *
 * @param conditions the chain, with the caveat at `index`
 * @param handovers the number of `agent` caveats behind it
 */
function failureOf(
  condition: Exclude<Condition, { readonly state: "third_party" }>,
  conditions: readonly Condition[],
  index: number,
  handovers: number,
  facts: Facts,
  work: Work,
): FailureReason | undefined {
  if (condition.state === "unknown") return unknown(explainUnknown(condition.text));
  const caveat: Caveat = condition.caveat;
  switch (caveat.kind) {
    case "time": {
      const order = compareInstants(facts.now, caveat.at);
      if (caveat.operator === "<" ? order < 0 : order > 0) return undefined;
      const code = caveat.operator === "<" ? "expired" : "caveat_failed";
      return { code, detail: explainTime(caveat, facts.now) };
    }
    case "agent":
      return undefined;
    case "depth":
      if (handovers <= caveat.most) return undefined;
      return { code: "depth_exceeded", detail: explainDepth(handovers, caveat.most) };
    case "uses":
    case "rate":
    case "spend":
      if (facts.cost === undefined) return unknown(explainUncounted(caveat.kind));
      if (--work.budgets < 0) return { code: "caveat_failed", detail: explainCrowd(caveat.kind) };
      if (caveat.kind !== "spend" || facts.cost.has(caveat.unit)) return undefined;
      return { code: "caveat_failed", detail: explainCost(caveat) };
    case "holder":
      return facts.vouched === undefined ? unknown(explainUnproved()) : facts.vouched(index);
    case "audience":
      if (facts.resource !== undefined && caveat.resources.includes(facts.resource)) return undefined;
      return { code: "caveat_failed", detail: explainAudience(caveat, facts.resource) };
    case "client":
      // Anybody can append the name of any client: only what was issued says to whom.
      return facts.macaroon === "root" && isProvenClient(conditions, index, facts.issued ?? 0)
        ? undefined
        : unknown(explainUnissued());
    case "ancestor":
      if (facts.macaroon !== "discharge") return unknown(explainMisplaced("ancestor"));
      if (facts.ancestors?.has(caveat.revocationId)) return undefined;
      return { code: "caveat_failed", detail: explainAncestor(caveat.revocationId) };
    case "approval":
      return facts.macaroon === "discharge" ? undefined : unknown(explainMisplaced("approval"));
    case "discharge_id":
      return facts.macaroon === "discharge" ? undefined : unknown(explainMisplaced("bh.discharge"));
    case "equality":
    case "membership":
    case "comparison":
    case "glob":
    case "network": {
      const refusal = forbids(caveat, facts.context, work, condition.prepared);
      if (refusal === undefined) return undefined;
      return { code: "caveat_failed", detail: explainRefusal(caveat, refusal, facts.context) };
    }
    case "conditional": {
      const { prepared } = condition;
      const limited = forbids(caveat.unless, facts.context, work, prepared?.unless);
      if (limited === undefined) return undefined;
      const refusal = forbids(caveat.test, facts.context, work, prepared);
      if (refusal === undefined) return undefined;
      return {
        code: "caveat_failed",
        detail: explainConditional(caveat, { limited, refusal }, facts.context),
      };
    }
    default:
      return caveat satisfies never;
  }
}

function unknown(detail: string): FailureReason {
  return { code: "caveat_unknown", detail };
}
