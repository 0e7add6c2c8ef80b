import { DomainError } from "../parts/error.ts";
import type { Clock } from "../ports/clock.ts";
import type { DecisionCode, Meter } from "../ports/meter.ts";
import type { BatchResult, Decisions, Verdict } from "../service.ts";

/** Refusals of the asker and of the question: none of them says anything of a token. */
function unansweredCode(error: unknown): DecisionCode | undefined {
  if (!(error instanceof DomainError)) return "internal_error";
  return error.code === "unavailable" || error.code === "rate_limited" ? error.code : undefined;
}

/** Counts decisions of verify, and measures those that were asked for one by one: a batch is one answer. */
export function meteredDecisions(
  decisions: Decisions,
  meter: Meter,
  clock: Pick<Clock, "monotonic">,
): Decisions {
  function note(verdict: Verdict, milliseconds: number | undefined): void {
    if (verdict.allowed) meter.verified("allowed", "none", milliseconds);
    else meter.verified("refused", verdict.code, milliseconds);
  }

  function fail(error: unknown, milliseconds: number | undefined): void {
    const code = unansweredCode(error);
    if (code !== undefined) meter.verified("unanswered", code, milliseconds);
  }

  function noteOne(result: BatchResult): void {
    if (result instanceof DomainError) fail(result, undefined);
    else if ("fault" in result) fail(result.fault, undefined);
    else note(result, undefined);
  }

  return {
    async decide(caller, request) {
      const begun = clock.monotonic();
      try {
        const verdict = await decisions.decide(caller, request);
        note(verdict, clock.monotonic() - begun);
        return verdict;
      } catch (error) {
        fail(error, clock.monotonic() - begun);
        throw error;
      }
    },

    async decideBatch(caller, requests) {
      const results = await decisions.decideBatch(caller, requests);
      for (const result of results) noteOne(result);
      return results;
    },
  };
}
