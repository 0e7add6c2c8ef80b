import { z } from "zod";
import { notOfThisMachine } from "../../domain/access/this-machine.ts";
import { DomainError } from "../../domain/parts/error.ts";
import type { Exchange } from "../request/context.ts";
import { defineRoute } from "../request/route.ts";

/** Whether a program of this machine asks by itself: no proxy's client, and no page of a browser under a name of its own. */
function isOfThisMachine({ peer, request: { headers } }: Exchange): boolean {
  if (headers.keys === undefined) return false;
  const host = headers.get("host") ?? undefined;
  return notOfThisMachine({ peer, headers: headers.keys(), host }) === undefined;
}

/** `GET /metrics` */
export const metrics = defineRoute({
  method: "GET",
  path: "/metrics",
  operationId: "metrics",
  tag: "Service",
  summary: "Metrics, for this machine",
  description:
    "Prometheus' text format; OpenMetrics where `Accept` asks for it. Here only where the service listens on loopback with the embedded database, and to programs of this machine that ask without a proxy; 404 for everybody else. `METRICS_ADDRESS` serves them on a port of their own instead.",
  auth: "none",
  kind: "probe",
  responses: {
    200: {
      description: "The metrics.",
      mediaType: "text/plain",
      schema: z.string(),
      others: { "application/openmetrics-text": z.string() },
    },
  },
  problems: ["not_found"],
  async handler({ context, exchange }) {
    if (context.scrape === undefined || !isOfThisMachine(exchange)) {
      throw new DomainError("not_found", "no such path");
    }
    const { contentType, text } = await context.scrape(exchange.request.headers.get("accept"));
    return { status: 200, body: text, headers: { "content-type": contentType, "cache-control": "no-store" } };
  },
});
