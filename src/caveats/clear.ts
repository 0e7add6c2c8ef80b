import type { JsonObject } from "../json/value.ts";
import type { RefusalCode } from "../words/refusal-codes.ts";
import { agentText, type Caveat } from "./caveat.ts";
import { type Condition, compileCaveat, shownCaveat } from "./condition.ts";
import {
  explainAncestor,
  explainDepth,
  explainMisplaced,
  explainRefusal,
  explainTime,
  explainUnknown,
} from "./explain.ts";
import { forbids } from "./forbids.ts";
import { compareInstants, type Instant } from "./values/instant.ts";
import { newWork, type Work } from "./values/work.ts";

/** Where a chain of caveats stands. */
export type Place = "root" | "discharge";

/** What caveats are cleared against. */
export interface Facts {
  /** The service's clock, never the caller's. */
  readonly now: Instant;
  /** The facts of the request, without the members that {@link reservedMember} names. */
  readonly context: JsonObject;
  readonly place: Place;
  /** Revocation ids of all links of the root macaroon, for `ancestor` in a discharge; without it none serves. */
  readonly ancestors?: ReadonlySet<string>;
}

/** Why a caveat forbids a request. `expired` is a failed `time <`. */
export type FailureCode = Extract<
  RefusalCode,
  "expired" | "depth_exceeded" | "caveat_unknown" | "caveat_failed"
>;

/** One caveat that forbids the request. */
export interface Failure {
  /** The caveat's position in its chain, third-party caveats counted. */
  readonly index: number;
  /** The caveat as it was written, unsafe characters escaped and cut after 256. */
  readonly caveat: string;
  /**
   * The agent, with instance, in whose span the caveat stands: the nearest `agent` caveat before it. It was
   * added by that agent, or by whoever handed the token to it in the same step. Null before the first.
   */
  readonly agent: string | null;
  readonly code: FailureCode;
  /** What was seen and what would have passed, in a sentence for people. */
  readonly detail: string;
}

/** The outcome of clearing a chain: the request passes if there are no failures. */
export interface Clearance {
  /** Every caveat that forbids the request, in the order of the chain. */
  readonly failures: readonly Failure[];
  /** The trail of agents with their instances: what holders claim, in order. */
  readonly agents: readonly string[];
  /** The chain as it was read, for {@link summarise} or to be cleared again. */
  readonly conditions: readonly Condition[];
}

/** Undefined where the caveat does not forbid the request. */
type Verdict = { readonly code: FailureCode; readonly detail: string } | undefined;

/**
 * Clears a chain of caveats, in chain order, and finds every one that forbids the request.
 *
 * Call it only with caveats whose signature has been verified. Pure, and never throws, whatever the
 * caveats and the context are. Work is bounded for the chain as a whole: see {@link WORK_LIMIT}.
 *
 * @param work what is left of an allowance that several chains share, as those of one bundle do
 */
export function clear(
  chain: readonly (string | Uint8Array | Condition)[],
  facts: Facts,
  work: Work = newWork(),
): Clearance {
  const conditions: Condition[] = [];
  const agents: string[] = [];
  for (const link of chain) {
    const condition = typeof link === "string" || link instanceof Uint8Array ? compileCaveat(link) : link;
    conditions.push(condition);
    if (condition.state === "known" && condition.caveat.kind === "agent") {
      agents.push(agentText(condition.caveat));
    }
  }

  const failures: Failure[] = [];
  let passed = 0;
  let name: string | null = null;
  for (let index = 0; index < conditions.length; index++) {
    const condition = conditions[index] as Condition;
    if (condition.state === "third_party") continue;
    const handovers = agents.length - passed;
    const verdict = judge(condition, facts, handovers, work);
    if (verdict !== undefined) {
      const agent = agents[passed - 1] ?? null;
      const detail = name === null ? verdict.detail : `${verdict.detail} (added by ${name})`;
      failures.push({ index, caveat: shownCaveat(condition.text), agent, code: verdict.code, detail });
    } else if (condition.state === "known" && condition.caveat.kind === "agent") {
      passed++;
      name = condition.caveat.name;
    }
  }
  return { failures, agents, conditions };
}

function judge(
  condition: Exclude<Condition, { readonly state: "third_party" }>,
  facts: Facts,
  handovers: number,
  work: Work,
): Verdict {
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
    case "ancestor":
      if (facts.place !== "discharge") return unknown(explainMisplaced("ancestor"));
      if (facts.ancestors?.has(caveat.revocationId)) return undefined;
      return { code: "caveat_failed", detail: explainAncestor(caveat.revocationId) };
    case "approval":
      return facts.place === "discharge" ? undefined : unknown(explainMisplaced("approval"));
    case "equality":
    case "membership":
    case "comparison":
    case "glob":
    case "network": {
      const refusal = forbids(caveat, facts.context, work, condition.prepared);
      if (refusal === undefined) return undefined;
      return { code: "caveat_failed", detail: explainRefusal(caveat, refusal, facts.context) };
    }
    default:
      return caveat satisfies never;
  }
}

function unknown(detail: string): Verdict {
  return { code: "caveat_unknown", detail };
}
