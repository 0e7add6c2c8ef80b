import { randomUUID } from "node:crypto";

import { type Context, ROOT_CONTEXT, SpanKind, TraceFlags, trace } from "@opentelemetry/api";
import { OTLPTraceExporter as JsonExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { OTLPTraceExporter as ProtobufExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import { resourceFromAttributes } from "@opentelemetry/resources";
import {
  AlwaysOnSampler,
  BatchSpanProcessor,
  RandomIdGenerator,
  TracerProvider,
} from "@opentelemetry/sdk-trace";

import type { TracesConfig } from "../../config/traces.ts";
import { currentSpan, onBill } from "../../domain/parts/turn.ts";
import type { Span } from "../../domain/ports/span.ts";
import { readTraceparent, writeTraceparent } from "../../words/traceparent.ts";
import { auditedStore } from "./audited-store.ts";
import { createRecords, type Recorded } from "./recorded.ts";
import { reportedExporter } from "./reported-exporter.ts";
import { createSampling } from "./sampling.ts";
import type { TracedService, Tracing } from "./tracing.ts";

/** Methods that a record is called by: no word of a caller's is. */
const METHODS: ReadonlySet<string> = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);

const nothing = () => undefined;

/** Opens the way to a collector, with OpenTelemetry's SDK. This file alone loads it, and nobody else loads this file at the start. */
export function openTracing(config: TracesConfig, about: TracedService): Tracing {
  const { version, worker, log } = about;
  const ids = new RandomIdGenerator();
  const sampling = createSampling(config.sampler, ids, () => performance.now());
  // The decision is made before there is a span: most requests have none, and cost next to nothing.
  let nextTraceId = "";
  const exporter = new (config.encoding === "json" ? JsonExporter : ProtobufExporter)({ url: config.url });
  const reported = reportedExporter(exporter, {
    failing: () => log.warn({ event: "traces not exported", detail: "the collector takes none" }),
    again: () => log.info({ event: "traces exported again" }),
  });
  const provider = new TracerProvider({
    sampler: new AlwaysOnSampler(),
    idGenerator: { generateTraceId: () => nextTraceId, generateSpanId: ids.generateSpanId },
    resource: resourceFromAttributes({
      "service.version": version,
      "service.instance.id": randomUUID(),
      ...(worker === undefined ? {} : { "bakehouse.worker": worker }),
      ...config.resource,
    }),
    spanProcessors: [new BatchSpanProcessor({ ...config.batch, exporter: reported })],
  });
  const record = createRecords(provider.getTracer("bakehouse", version));

  function root(name: string, kind: SpanKind, traceId: string, attributes: Record<string, string>): Recorded {
    nextTraceId = traceId;
    return record(name, kind, attributes, ROOT_CONTEXT);
  }

  function parentOf(header: string | null) {
    return header === null || !config.propagates ? undefined : readTraceparent(header);
  }

  return {
    begin({ requestId, method, route }, header) {
      const parent = parentOf(header);
      const traceId = parent?.traceId ?? ids.generateTraceId();
      let context: Context | undefined;
      if (parent === undefined) {
        if (!sampling.begins(traceId)) return undefined;
      } else {
        const traceFlags = parent.sampled ? TraceFlags.SAMPLED : TraceFlags.NONE;
        context = trace.setSpanContext(ROOT_CONTEXT, {
          traceId,
          spanId: parent.spanId,
          traceFlags,
          isRemote: true,
        });
        if (!sampling.goesOn(context, traceId)) return { traceId, span: undefined, end: nothing };
      }
      const verb = METHODS.has(method) ? method : "_OTHER";
      const attributes = {
        "http.request.method": verb,
        ...(route !== null && { "http.route": route }),
        "bakehouse.request_id": requestId,
      };
      nextTraceId = traceId;
      const name = `${verb === "_OTHER" ? "HTTP" : verb}${route === null ? "" : ` ${route}`}`;
      const span = record(name, SpanKind.SERVER, attributes, context ?? ROOT_CONTEXT);
      return {
        traceId,
        span,
        end({ status, caller, code }) {
          span.add({
            "http.response.status_code": status,
            "bakehouse.caller": caller,
            ...(code !== null && { "bakehouse.code": code }),
          });
          span.end(status >= 500);
        },
      };
    },

    queried(operation, milliseconds, failed) {
      const span = mine();
      if (span === undefined) return;
      const facts = { "db.system.name": "postgresql", "db.query.summary": operation };
      span.call(operation, facts, new Date(Date.now() - milliseconds)).end(failed);
    },

    issuerCalls(fetch) {
      return async (url, options) => {
        const span = mine();
        if (span === undefined) return fetch(url, options);
        const { hostname } = new URL(url);
        const call = span.call("issuer", { "server.address": hostname });
        try {
          const response = await fetch(url, options);
          call.add({ "http.response.status_code": response.status });
          call.end(response.status >= 500);
          return response;
        } catch (error) {
          call.end(true);
          throw error;
        }
      };
    },

    deliveries: (webhook) => ({
      async send(message) {
        const traceId = ids.generateTraceId();
        if (!sampling.begins(traceId)) return webhook.send(message);
        const span = root("webhook", SpanKind.CLIENT, traceId, { "bakehouse.notification_id": message.id });
        const payer = { kind: "service", name: "" } as const;
        const taken = await onBill({ payer, span }, () => webhook.send(message));
        span.end(!taken);
        return taken;
      },
    }),

    outgoing() {
      const span = config.propagates ? mine() : undefined;
      return span && writeTraceparent(span.traceparent());
    },

    auditedStore,

    flush: () => provider.forceFlush().catch(nothing),

    async close(patience) {
      let late: NodeJS.Timeout | undefined;
      const end = new Promise<void>((resolve) => {
        late = setTimeout(resolve, reported.isFailing() ? 0 : patience);
      });
      await Promise.race([provider.shutdown().catch(nothing), end]);
      clearTimeout(late);
    },
  };
}

/** The record of the work that is being done. */
function mine(): Recorded | undefined {
  const span = currentSpan();
  return span !== undefined && isRecorded(span) ? span : undefined;
}

function isRecorded(span: Span): span is Recorded {
  return "traceparent" in span;
}
