import { z } from "zod";

import { problem } from "../parts/problem.ts";
import { json, problemReply } from "../parts/reply.ts";
import { defineRoute } from "../request/route.ts";
import { instant, printInstant } from "../wire/text.ts";

/** `GET /healthz` */
export const healthz = defineRoute({
  method: "GET",
  path: "/healthz",
  operationId: "healthz",
  tag: "Service",
  summary: "Is the process serving?",
  description: "Asks nothing else: a database that is down is no reason to restart the process.",
  auth: "none",
  kind: "probe",
  responses: {
    200: {
      description: "It is.",
      schema: z
        .strictObject({ status: z.literal("ok"), version: z.string(), started_at: instant })
        .meta({ id: "Health" }),
      example: { status: "ok", version: "1.0.0", started_at: "2026-11-22T13:00:00.000Z" },
    },
  },
  handler({ context }) {
    const started_at = printInstant(context.startedAt);
    return json(200, { status: "ok", version: context.version, started_at });
  },
});

/** `GET /readyz` */
export const readyz = defineRoute({
  method: "GET",
  path: "/readyz",
  operationId: "readyz",
  tag: "Service",
  summary: "Can it answer?",
  description: "For load balancers. `detail` of the problem says what stands in the way.",
  auth: "none",
  kind: "probe",
  responses: {
    200: {
      description: "It can.",
      schema: z.strictObject({ status: z.literal("ready") }).meta({ id: "Readiness" }),
      example: { status: "ready" },
    },
  },
  problems: ["unavailable"],
  async handler({ service }) {
    const problems = await service.health.problems();
    if (problems.length === 0) return json(200, { status: "ready" });
    return problemReply(problem("unavailable", problems.join("; ")));
  },
});
