import {
  type Attributes,
  type Context,
  type Span as OpenSpan,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from "@opentelemetry/api";

import type { NoteName, PartName, Span } from "../../domain/ports/span.ts";

/** Audit events that one record names: a batch can have a thousand. */
const MOST_EVENTS = 16;

/** Parts of one request that are recorded: a batch has a thousand look-ups, and a caller may ask for a hundred requests a second. */
const MOST_PARTS = 100;

/** The names of facts there. */
const ATTRIBUTES: Readonly<Record<NoteName, string>> = { found: "bakehouse.found" };

/** The attribute that names audit events. */
const AUDIT_EVENTS = "bakehouse.audit_event_ids";

/** The attribute that says how many parts are not recorded. */
const LEFT_OUT = "bakehouse.parts_left_out";

/** A record with this room's additions. */
export interface Recorded extends Span {
  begin(part: PartName): Recorded;
  /** Adds facts. */
  add(attributes: Attributes): void;
  /** A call to somewhere else, as a part of this. */
  call(name: string, attributes: Attributes, startTime?: Date): Recorded;
  traceparent(): { readonly traceId: string; readonly spanId: string; readonly sampled: boolean };
}

/** A request, or another piece of work that is nobody's part, as its parts know it. */
interface Whole {
  parts: number;
  readonly audited: (eventId: string) => void;
  readonly leftOut: (count: number) => void;
}

function wholeOf(span: OpenSpan): Whole {
  const events: string[] = [];
  return {
    parts: 0,
    audited(eventId) {
      if (events.length >= MOST_EVENTS || events.includes(eventId)) return;
      events.push(eventId);
      span.setAttribute(AUDIT_EVENTS, [...events]);
    },
    leftOut: (count) => void span.setAttribute(LEFT_OUT, count),
  };
}

/** A part that is not recorded. What it is told of the whole is. */
function unrecorded({ audited, traceparent }: Pick<Recorded, "audited" | "traceparent">): Recorded {
  const part: Recorded = {
    begin: () => part,
    call: () => part,
    note() {},
    add() {},
    audited,
    traceparent,
    end() {},
  };
  return part;
}

/** Begins records. */
export function createRecords(tracer: Tracer) {
  function record(
    name: string,
    kind: SpanKind,
    attributes: Attributes,
    parent: Context,
    startTime?: Date,
    above?: Whole,
  ): Recorded {
    const span = tracer.startSpan(
      name,
      { kind, attributes, ...(startTime !== undefined && { startTime }) },
      parent,
    );
    const context = trace.setSpan(ROOT_CONTEXT, span);
    const whole = above ?? wholeOf(span);

    function part(partName: string, partKind: SpanKind, facts: Attributes, at?: Date): Recorded {
      whole.parts += 1;
      if (whole.parts <= MOST_PARTS) return record(partName, partKind, facts, context, at, whole);
      whole.leftOut(whole.parts - MOST_PARTS);
      return unrecorded(own);
    }

    const own: Recorded = {
      begin: (partName) => part(partName, SpanKind.INTERNAL, {}),
      call: (callName, facts, at) => part(callName, SpanKind.CLIENT, facts, at),
      note: (fact, value) => void span.setAttribute(ATTRIBUTES[fact], value),
      add: (facts) => void span.setAttributes(facts),
      // Audit events are named by the whole: a search for one finds the request.
      audited: whole.audited,
      traceparent() {
        const { traceId, spanId } = span.spanContext();
        return { traceId, spanId, sampled: true };
      },
      end(failed = false) {
        if (failed) span.setStatus({ code: SpanStatusCode.ERROR });
        span.end();
      },
    };
    return own;
  }

  return (name: string, kind: SpanKind, attributes: Attributes, parent: Context): Recorded =>
    record(name, kind, attributes, parent);
}
