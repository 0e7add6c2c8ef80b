import { z } from "zod";

import { DomainError } from "../../domain/parts/error.ts";
import { requireAdministratorOrPlatformRole } from "../../domain/permission.ts";
import { parseTilePath } from "../../tlog/tiles.ts";
import { UUID } from "../../words/ids.ts";
import { json, type Reply } from "../parts/reply.ts";
import { defineRoute, type Route } from "../request/route.ts";
import { auditEventSchema, auditEventWire, auditQuery, toAuditQuery } from "../wire/audit.ts";
import { cursors, pageOf, pageParameters } from "../wire/page.ts";

const list = cursors("audit", UUID);

const ORIGIN = "bakehouse.example/v1/audit/9f86d081884c7d659a2feaa0c55ad015";

const example = {
  id: "019a8b40-0000-7000-8000-000000000001",
  at: "2026-11-22T13:30:00.000Z",
  action: "token.issued",
  actor: { kind: "credential", token_id: "019a8b3c-5d7e-7f10-8a2b-3c4d5e6f7081", role: "platform:default" },
  platform: "default",
  details: { token_id: "019a8b3f-5d7e-7f10-8a2b-3c4d5e6f7081", expires_at: 1763821800000 },
  leaf: { origin: ORIGIN, index: 41 },
};

const checkpointExample = `${ORIGIN}\n42\nKn8Q2LJYVNN2O9vSzTvJQ6ZfUu4lzXcZ3wOMLL2bZ0E=\n\n\u2014 ${ORIGIN} q83vEg==\n`;

/** `GET /v1/audit` */
export const auditEvents = defineRoute({
  method: "GET",
  path: "/v1/audit",
  operationId: "listAuditEvents",
  tag: "Audit",
  summary: "List audit events",
  description:
    "Newest first: a platform's own, or for an administrator all. Every filter that is given has to match. A filter that matches little is answered in pages that are short, or empty, and yet not the last: go on while there is a `next_cursor`.",
  auth: "caller",
  authorize: (caller) => requireAdministratorOrPlatformRole(caller, "audit"),
  query: z.strictObject({ ...auditQuery, ...pageParameters }),
  responses: {
    200: {
      description: "A page of events.",
      schema: pageOf(auditEventSchema),
      example: { items: [example], next_cursor: null },
    },
  },
  problems: ["not_found"],
  async handler({ context, service, caller, query }) {
    const { limit, cursor, ...filter } = query;
    const page = await service.audit.list(caller, toAuditQuery(filter), list.request({ limit, cursor }));
    return list.answer(page, context, auditEventWire);
  },
});

/** `GET /v1/audit/export` */
export const auditExport = defineRoute({
  method: "GET",
  path: "/v1/audit/export",
  operationId: "exportAuditEvents",
  tag: "Audit",
  summary: "Export audit events with their proofs",
  description: `Lines of JSON, each with a \`kind\`. First a \`checkpoint\` for each tree: \`tree\`, its \`key\`, and \`checkpoint\`, a signed note. Without a filter, \`tile\` lines follow: \`hashes\` of up to 256 leaves from leaf 256 × \`index\` on, and the \`proof\` that leads from their root to that of the checkpoint; and behind each its \`event\` lines, whose \`leaf\` is the text that was hashed. With a filter, and for a platform, each \`event\` has a \`proof\` of its own (RFC 9162 §2.1.3). The \`end\` says how many \`events\` there were, and how many are \`waiting\` for a checkpoint. Whoever has the lines can check them without this service.`,
  auth: "caller",
  authorize: (caller) => requireAdministratorOrPlatformRole(caller, "audit"),
  query: z.strictObject(auditQuery),
  head: false,
  responses: {
    200: {
      description: "The events, oldest first.",
      mediaType: "application/x-ndjson",
      schema: z.string(),
      example: `${JSON.stringify({ kind: "end", events: 0, waiting: 0 })}\n`,
    },
  },
  problems: ["not_found", "rate_limited"],
  async handler({ service, caller, query }) {
    const lines = await service.audit.export(caller, toAuditQuery(query));
    return { status: 200, body: streamLines(lines), headers: { "content-type": "application/x-ndjson" } };
  },
});

/** Lines that are sent together: they are short, and each piece of a body costs. */
const PIECE = 64 * 1024;

/** Nothing is read before the connection can take it. */
function streamLines(lines: AsyncIterable<string>): ReadableStream<Uint8Array> {
  const iterator = lines[Symbol.asyncIterator]();
  const encoder = new TextEncoder();
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        let piece = "";
        while (piece.length < PIECE) {
          const { value, done } = await iterator.next();
          if (done === true) {
            if (piece !== "") controller.enqueue(encoder.encode(piece));
            controller.close();
            return;
          }
          piece += `${value}\n`;
        }
        controller.enqueue(encoder.encode(piece));
      },
      async cancel() {
        await iterator.return?.();
      },
    },
    { highWaterMark: 0 },
  );
}

/** `GET /v1/audit/checkpoint` */
export const auditCheckpoint = defineRoute({
  method: "GET",
  path: "/v1/audit/checkpoint",
  operationId: "auditCheckpoint",
  tag: "Audit",
  summary: "The newest checkpoint",
  description:
    "A signed note (C2SP tlog-checkpoint): how many leaves the tree has and their root. For anyone with a credential, and for everyone where `AUDIT_PUBLIC=true`. The first line changes where the log begins anew.",
  auth: "optional",
  responses: {
    200: {
      description: "The checkpoint.",
      mediaType: "text/plain",
      schema: z.string(),
      example: checkpointExample,
    },
  },
  problems: ["unauthenticated", "forbidden", "unavailable"],
  async handler({ service, caller }) {
    return plain(await service.audit.checkpoint(caller));
  },
});

const treeSchema = z.strictObject({
  number: z.int(),
  origin: z.string(),
  key: z.string().meta({ description: "As tools for transparency logs read it: `NAME+ID+BASE64`." }),
  checkpoint: z.string().nullable().meta({ description: "The last one that was signed." }),
});

/** `GET /v1/audit/key` */
export const auditKey = defineRoute({
  method: "GET",
  path: "/v1/audit/key",
  operationId: "auditKey",
  tag: "Audit",
  summary: "The key of checkpoints",
  description:
    "The Ed25519 key that checkpoints are signed with, under the name of each tree: write it down, and compare it later. A tree ends where the database is restored from a backup; the next one's first leaf holds its last checkpoint. Where `Accept` is `text/plain`: the key of the newest tree alone.",
  auth: "optional",
  responses: {
    200: {
      description: "The key, and all trees, oldest first.",
      schema: z
        .strictObject({ key: z.string().nullable(), trees: z.array(treeSchema) })
        .meta({ id: "AuditKey" }),
      example: {
        key: `${ORIGIN}+2b1c0f7e+AQID`,
        trees: [{ number: 1, origin: ORIGIN, key: `${ORIGIN}+2b1c0f7e+AQID`, checkpoint: checkpointExample }],
      },
      others: { "text/plain": z.string() },
    },
  },
  problems: ["unauthenticated", "forbidden"],
  async handler({ service, caller, exchange }) {
    const trees = await service.audit.trees(caller);
    const key = trees.at(-1)?.key ?? null;
    const accept = exchange.request.headers.get("accept") ?? "";
    if (key !== null && /^\s*text\/plain\b/i.test(accept)) return plain(`${key}\n`);
    return json(200, { key, trees });
  },
});

function plain(body: string): Reply {
  return { status: 200, body, headers: { "content-type": "text/plain; charset=utf-8" } };
}

/** The segments of a tile's number, the partial width among them, for the largest tree that one will ever see. */
const SEGMENTS = ["first", "second", "third", "fourth"] as const;

function tileRoute(count: 1 | 2 | 3 | 4): Route {
  const names = SEGMENTS.slice(0, count);
  const segment = z.string().regex(/^x?[0-9]{1,3}(?:\.p)?$/);
  return defineRoute({
    method: "GET",
    path: `/v1/audit/tile/{level}/${names.map((name) => `{${name}}`).join("/")}`,
    operationId: count === 1 ? "auditTile" : `auditTileOf${count}`,
    tag: "Audit",
    summary: "Hashes of the tree",
    description:
      "A tile (C2SP tlog-tiles) of the newest tree, or with `tree` of an earlier one: up to 256 hashes of 32 bytes. The path is the tile's, such as `0/x001/067`, or `0/x001/067.p/5` for the first five. Whoever may read checkpoints may read tiles. Entries are served by `/v1/audit/export` alone.",
    auth: "optional",
    params: z.strictObject({
      level: z.string().regex(/^[0-9]{1,2}$/),
      ...(Object.fromEntries(names.map((name) => [name, segment])) as Record<string, typeof segment>),
    }),
    query: z.strictObject({
      tree: z
        .string()
        .regex(/^[1-9][0-9]{0,8}$/, "must be the number of a tree")
        .optional(),
    }),
    responses: {
      200: {
        description: "The hashes, end to end.",
        mediaType: "application/octet-stream",
        schema: z.string().meta({ format: "binary" }),
      },
    },
    problems: ["unauthenticated", "forbidden", "not_found"],
    async handler({ service, caller, params, query }) {
      const given = params as Readonly<Record<string, string>>;
      const path = parseTilePath(`tile/${given["level"]}/${names.map((name) => given[name]).join("/")}`);
      if (path === undefined) throw new DomainError("not_found", "no such tile");
      const tree = query.tree === undefined ? undefined : Number(query.tree);
      const hashes = await service.audit.tile(caller, { tree, ...path });
      return {
        status: 200,
        body: new Uint8Array(hashes),
        headers: { "content-type": "application/octet-stream" },
      };
    },
  });
}

/** `GET /v1/audit/tile/…` */
export const auditTiles: readonly Route[] = [tileRoute(1), tileRoute(2), tileRoute(3), tileRoute(4)];
