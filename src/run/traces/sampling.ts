import { type Context, ROOT_CONTEXT, SpanKind } from "@opentelemetry/api";
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  type IdGenerator,
  ParentBasedSampler,
  type Sampler,
  SamplingDecision,
  TraceIdRatioBasedSampler,
} from "@opentelemetry/sdk-trace";

import type { SamplerConfig } from "../../config/traces.ts";

/** Requests that callers may have recorded beyond the operator's share, each second and at once. */
const ASKED_FOR = 100;

function ownSampler({ kind, ratio }: SamplerConfig): Sampler {
  if (kind === "always_on") return new AlwaysOnSampler();
  return kind === "always_off" ? new AlwaysOffSampler() : new TraceIdRatioBasedSampler(ratio);
}

/**
 * Says which requests are recorded.
 *
 * A caller's trace decides for its part of it, and a caller may choose its id. Somebody could so have every request recorded, at
 * the operator's cost and in the place of others' records: beyond the operator's own share, callers have a hundred a second.
 *
 * @param monotonic milliseconds
 */
export function createSampling(config: SamplerConfig, ids: IdGenerator, monotonic: () => number) {
  const own = ownSampler(config);
  const sampler = config.parentBased ? new ParentBasedSampler({ root: own }) : own;
  let left = ASKED_FOR;
  let filledAt = monotonic();

  const wants = (one: Sampler, context: Context, traceId: string) =>
    one.shouldSample(context, traceId, "", SpanKind.SERVER, {}, []).decision ===
    SamplingDecision.RECORD_AND_SAMPLED;

  function take(): boolean {
    const now = monotonic();
    left = Math.min(ASKED_FOR, left + ((now - filledAt) * ASKED_FOR) / 1_000);
    filledAt = now;
    if (left < 1) return false;
    left -= 1;
    return true;
  }

  return {
    /** Whether a trace that begins here is recorded. */
    begins: (traceId: string) => wants(own, ROOT_CONTEXT, traceId),
    /** Whether a caller's trace is. @param context has the caller's span */
    goesOn: (context: Context, traceId: string) =>
      wants(sampler, context, traceId) && (wants(own, ROOT_CONTEXT, ids.generateTraceId()) || take()),
  };
}
