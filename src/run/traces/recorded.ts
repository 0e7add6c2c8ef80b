import {
  type Attributes,
  type Context,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from "@opentelemetry/api";

import type { NoteName, PartName, Span } from "../../domain/ports/span.ts";

/** Audit events that one record names: a batch can have a thousand. */
const MOST_EVENTS = 16;

/** The names of facts there. */
const ATTRIBUTES: Readonly<Record<NoteName, string>> = { found: "bakehouse.found" };

/** The attribute that names audit events. */
const AUDIT_EVENTS = "bakehouse.audit_event_ids";

/** A record with this room's additions. */
export interface Recorded extends Span {
  begin(part: PartName): Recorded;
  /** Adds facts. */
  add(attributes: Attributes): void;
  /** A call to somewhere else, as a part of this. */
  call(name: string, attributes: Attributes, startTime?: Date): Recorded;
  traceparent(): { readonly traceId: string; readonly spanId: string; readonly sampled: boolean };
}

/** Begins records. */
export function createRecords(tracer: Tracer) {
  function record(
    name: string,
    kind: SpanKind,
    attributes: Attributes,
    parent: Context,
    startTime?: Date,
    top?: (eventId: string) => void,
  ): Recorded {
    const span = tracer.startSpan(
      name,
      { kind, attributes, ...(startTime !== undefined && { startTime }) },
      parent,
    );
    const context = trace.setSpan(ROOT_CONTEXT, span);
    const events: string[] = [];
    const audited =
      top ??
      ((eventId: string) => {
        if (events.length >= MOST_EVENTS || events.includes(eventId)) return;
        events.push(eventId);
        span.setAttribute(AUDIT_EVENTS, [...events]);
      });
    return {
      // Audit events are named by the whole: a search for one finds the request.
      begin: (part) => record(part, SpanKind.INTERNAL, {}, context, undefined, audited),
      call: (call, facts, at) => record(call, SpanKind.CLIENT, facts, context, at, audited),
      note: (fact, value) => void span.setAttribute(ATTRIBUTES[fact], value),
      add: (facts) => void span.setAttributes(facts),
      audited,
      traceparent() {
        const { traceId, spanId } = span.spanContext();
        return { traceId, spanId, sampled: true };
      },
      end(failed = false) {
        if (failed) span.setStatus({ code: SpanStatusCode.ERROR });
        span.end();
      },
    };
  }
  return record;
}
