import { z } from "zod";

import { parseAuthorization } from "../parts/authorization.ts";
import { problem } from "../parts/problem-document.ts";
import { json, problemReply } from "../parts/reply.ts";
import type { Exchange, HttpContext } from "../request/context.ts";
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

const readinessQuery = z.strictObject({
  for: z
    .literal("write")
    .optional()
    .meta({ description: "`write`: whether changes can be made, too. Other parameters are passed over." }),
});

/** `GET /readyz` */
export const readyz = defineRoute({
  method: "GET",
  path: "/readyz",
  operationId: "readyz",
  tag: "Service",
  summary: "Can it answer?",
  description:
    "For load balancers. Without `for`: whether verify can be answered, for which the database is not asked. `checks` of the " +
    "problem names each thing that must be so; with a service's credential each says what is wrong with it.",
  auth: "none",
  kind: "probe",
  query: readinessQuery,
  responses: {
    200: {
      description: "It can.",
      schema: z.strictObject({ status: z.literal("ready") }).meta({ id: "Readiness" }),
      example: { status: "ready" },
    },
  },
  problems: ["unavailable"],
  async handler({ service, query, exchange, context }) {
    const checks = await service.health.checks(query.for ?? "verify");
    const failed = checks.filter(({ ok }) => !ok);
    if (failed.length === 0) return json(200, { status: "ready" });
    const tells = await mayReadDetails(context, exchange);
    const detail = `not ready: ${failed.map((check) => check.name).join(", ")}`;
    const shown = checks.map(({ name, ok, detail }) =>
      tells && detail !== undefined ? { name, ok, detail } : { name, ok },
    );
    return problemReply({ ...problem("unavailable", detail), checks: shown });
  },
});

/** Not as other routes authenticate: one that does not know the newest revocations has to tell its operator so. */
async function mayReadDetails(
  { service }: HttpContext,
  { request, method, path, peer, ip }: Exchange,
): Promise<boolean> {
  const authorization = parseAuthorization(request.headers.get("authorization"));
  if (authorization.kind !== "bearer" || peer === undefined) return false;
  return service.authentication.mayReadHealth(authorization.token, { method, path, ip });
}
