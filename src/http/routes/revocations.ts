import { z } from "zod";
import type { RevocationView } from "../../domain/log-news.ts";
import { DomainError } from "../../domain/parts/error.ts";
import { EVENT_STREAM } from "../../words/http.ts";
import { HttpError } from "../parts/problem.ts";
import { json, jsonArray, jsonParts } from "../parts/reply.ts";
import { authenticate } from "../request/authenticate.ts";
import type { HttpRequest } from "../request/context.ts";
import { defineRoute } from "../request/route.ts";
import { toBase64url } from "../wire/base64url.ts";
import { limit, limitOf } from "../wire/page.ts";
import { revocationSchema, revocationWire, revokeBody } from "../wire/revocation.ts";
import { sequence } from "../wire/text.ts";
import { wouldStopSchema, wouldStopWire } from "../wire/tree.ts";
import { eventStream, wantsEvents } from "./event-stream.ts";

const example = {
  id: "019a8b40-0000-7000-8000-000000000001",
  target: { revocation_id: "q83vEjRWeJCrze8SNFZ4kA" },
  revoked_at: "2026-11-22T13:30:00.000Z",
  sequence: "k3v9Qm2x-42",
  scope: "platform",
};

/** Most targets of a revocation without a credential. */
const ANONYMOUS_TARGETS = 32;

/** `POST /v1/revocations` */
export const revoke = defineRoute({
  method: "POST",
  path: "/v1/revocations",
  operationId: "revoke",
  tag: "Revocations",
  summary: "Revoke links, and everything below them",
  description:
    "All targets or none. Where every target is a `token`, holding the tokens suffices and no credential is needed, for up to 32 of them. An entry matches only within its author's scope, so naming a link that one does not own does nothing to its owner. The same target in the same scope answers the first entry again. From this answer on, this replica refuses what was revoked; give `sequence` to verify as `min_sequence` to have any replica do so.",
  auth: "optional",
  body: revokeBody,
  responses: {
    200: {
      description: "Revoked; of a dry run, what would be.",
      schema: z.union([
        z.strictObject({ revocations: z.array(revocationSchema), sequence }),
        z.strictObject({ would_stop: wouldStopSchema }).meta({ description: "The answer to a dry run." }),
      ]),
      example: { revocations: [example], sequence: "k3v9Qm2x-42" },
    },
  },
  problems: ["not_found", "unprocessable"],
  async handler({ context, service, caller, body }) {
    if (caller === undefined && body.targets.length > ANONYMOUS_TARGETS) {
      const detail = `over ${ANONYMOUS_TARGETS} targets need a credential`;
      throw new HttpError("payload_too_large", detail, {}, "targets");
    }
    const { dryRun, ...request } = body;
    if (dryRun) {
      return json(200, { would_stop: wouldStopWire(await service.revocations.wouldStop(caller, request)) });
    }
    const revoked = await service.revocations.revoke(caller, request);
    const written = await jsonArray(revoked.revocations, context.clock, revocationJson);
    return jsonParts(200, [
      '{"revocations":',
      ...written,
      `,"sequence":${JSON.stringify(revoked.sequence)}}`,
    ]);
  },
});

const revocationJson = (view: RevocationView) => JSON.stringify(revocationWire(view));

/** The position from which a stream goes on: the last event that its reader has seen, or else the requested one. */
function resumeFrom(request: HttpRequest, after: string | undefined): string | undefined {
  const last = request.headers.get("last-event-id");
  if (last === null || last === "") return after;
  if (sequence.safeParse(last).success) return last;
  throw new DomainError("invalid_request", "must be the id of an event of this stream", "Last-Event-ID");
}

/** `GET /v1/revocations` */
export const revocationLog = defineRoute({
  method: "GET",
  path: "/v1/revocations",
  operationId: "revocationLog",
  tag: "Revocations",
  summary: "Read the revocation log",
  description: `Oldest first, and of it what is in the caller's scope: for a platform its own entries, and of the others those that can match its tokens, without reason, with agents as hashes (\`opaque\`) and with people by the ids that they have there: a person with two stands there twice, in one page. \`next_cursor\` is a sequence, for \`after\`; where it is null, everything up to \`sequence\` has been read: go on from there later.

Where \`Accept\` is \`text/event-stream\`, the log is streamed: entries as events \`revocation\` and, every few seconds, a \`heartbeat\` with \`staleness_ms\`, which says how old the knowledge is that has been sent (null before all of the log was), and \`open_ms\`, the time since the stream was opened: who knows when they asked learns from it when the heartbeat was said, however long it was on its way. A platform's stream begins with an event \`hash_key\`, whose data hold the member of that name. Every other event's id is a sequence; \`Last-Event-ID\` goes on after it. A reader that takes nothing for 30 seconds is disconnected.`,
  auth: "caller",
  query: z.strictObject({
    after: sequence
      .optional()
      .meta({ description: "Only entries after this. Left out: from the beginning." }),
    limit: limit.optional(),
  }),
  headers: [{ name: "Last-Event-ID", schema: sequence }],
  responses: {
    200: {
      description: "A page of the log.",
      schema: z.strictObject({
        items: z.array(revocationSchema),
        next_cursor: sequence.nullable().meta({ description: "For `after`; null at the end." }),
        sequence: sequence.meta({ description: "Up to where the log was read for this answer." }),
        hash_key: z.string().optional().meta({
          description:
            "For a platform: the key of `agent_hash`, base64url of 32 bytes. It changes where the log begins anew, and with the master key.",
        }),
      }),
      example: { items: [example], next_cursor: null, sequence: "k3v9Qm2x-42" },
      others: { [EVENT_STREAM]: z.string() },
    },
  },
  problems: ["gone"],
  async handler({ service, context, exchange, caller, query }) {
    if (wantsEvents(exchange.request)) {
      const after = resumeFrom(exchange.request, query.after);
      const stream = await service.revocations.follow(caller, after, () => authenticate(context, exchange));
      return {
        status: 200,
        body: eventStream(stream),
        // Proxies that collect an answer before they pass it on would hold back urgent entries.
        headers: { "content-type": EVENT_STREAM, "x-accel-buffering": "no" },
      };
    }
    const log = await service.revocations.log(caller, query.after, limitOf(query.limit));
    const rest = JSON.stringify({
      next_cursor: log.next ?? null,
      sequence: log.sequence,
      ...(log.hashKey !== undefined && { hash_key: toBase64url(log.hashKey) }),
    });
    const items = await jsonArray(log.items, context.clock, revocationJson);
    return jsonParts(200, ['{"items":', ...items, `,${rest.slice(1)}`]);
  },
});
