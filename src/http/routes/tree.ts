import { z } from "zod";
import { beginTimeSlice } from "../../domain/parts/time-slice.ts";
import { json, jsonParts, type Reply } from "../parts/reply.ts";
import { defineRoute } from "../request/route.ts";
import { DRAWING_POLICY, drawingOf } from "../tree/drawing.ts";
import { outlineOf } from "../tree/outline.ts";
import { revocationId, tokenId } from "../wire/text.ts";
import { linkSchema, linkWire, treeJson, treeSchema } from "../wire/tree.ts";

const DRAWING = "image/svg+xml";
const OUTLINE = "text/plain";

const part = {
  revocation_id: "q83vEjRWeJCrze8SNFZ4kA",
  agent: null,
  placed: "issued",
  caveats: ["time < 2026-11-22T14:00:00.000Z", "action in read, list"],
  first_seen: "2026-11-22T13:04:00.000Z",
  last_seen: "2026-11-22T13:20:00.000Z",
  allowed: 3,
  refused: 0,
  revoked: null,
  budgets: [],
};
const child = {
  ...part,
  revocation_id: "ASNFZ4mrze8BI0VniavN7w",
  agent: "researcher#1",
  placed: "handed_over",
  caveats: ["agent = researcher#1", "action in read"],
};

/** `GET /v1/tokens/{id}/tree` */
export const getTree = defineRoute({
  method: "GET",
  path: "/v1/tokens/{id}/tree",
  operationId: "getTree",
  tag: "Tokens",
  summary: "Show how a token was handed on, as verify saw it",
  description:
    "Who may see the token may see this. Recorded behind verify by all replicas, within a few seconds, and kept as long as the token's record. A dry run leaves no trace in it. A call that is refused adds no part: it counts at the nearest link that is on record. Of one link 256 links right below are recorded, and of all below a hand-over a quarter of what its parent may have. As `image/svg+xml` it is drawn, up to 200 parts, and as `text/plain` outlined.",
  auth: "caller",
  params: z.strictObject({ id: tokenId }),
  responses: {
    200: {
      description: "The tree.",
      schema: treeSchema,
      example: {
        token_id: "019a8b3c-5d7e-7f10-8a2b-3c4d5e6f7081",
        root: { ...part, children: [{ ...child, children: [] }] },
        complete: true,
        as_of: "2026-11-22T13:30:00.000Z",
      },
      others: { [DRAWING]: z.string(), [OUTLINE]: z.string() },
    },
  },
  problems: ["not_found"],
  async handler({ context, service, caller, params, exchange }): Promise<Reply> {
    const tree = await service.trees.of(caller, params.id);
    const accept = exchange.request.headers.get("accept") ?? "";
    const vary = { vary: "accept" };
    if (accepts(accept, DRAWING)) {
      const headers = { ...vary, "content-type": DRAWING, "content-security-policy": DRAWING_POLICY };
      return { status: 200, body: drawingOf(tree), headers };
    }
    if (accepts(accept, OUTLINE)) {
      const headers = { ...vary, "content-type": `${OUTLINE}; charset=utf-8` };
      return { status: 200, body: outlineOf(tree), headers };
    }
    const parts: string[] = [];
    const slice = beginTimeSlice(context.clock);
    for (const text of treeJson(tree)) {
      if (slice.isOver()) await slice.next();
      parts.push(text);
    }
    const reply = jsonParts(200, parts);
    return { ...reply, headers: { ...reply.headers, ...vary } };
  },
});

function accepts(header: string, type: string): boolean {
  return header.split(",").some((range) => range.split(";", 1)[0]?.trim().toLowerCase() === type);
}

/** `GET /v1/links/{revocation_id}` */
export const getLink = defineRoute({
  method: "GET",
  path: "/v1/links/{revocation_id}",
  operationId: "getLink",
  tag: "Tokens",
  summary: "Find one link that verify has seen",
  description:
    "By its revocation id, for whoever may see the token that it descends from. A foreign link looks like one that was never seen.",
  auth: "caller",
  params: z.strictObject({ revocation_id: revocationId }),
  responses: {
    200: {
      description: "The link.",
      schema: linkSchema,
      example: {
        token_id: "019a8b3c-5d7e-7f10-8a2b-3c4d5e6f7081",
        platform: "default",
        parent: "q83vEjRWeJCrze8SNFZ4kA",
        agents: ["researcher#1"],
        ...child,
      },
    },
  },
  problems: ["not_found"],
  async handler({ service, caller, params }) {
    return json(200, linkWire(await service.trees.link(caller, params.revocation_id)));
  },
});
