import { z } from "zod";

import { DomainError } from "../../domain/parts/error.ts";
import type { SliceClock } from "../../domain/parts/time-slice.ts";
import type { Page, PageRequest } from "../../domain/ports/parts/page.ts";
import type { LongText } from "../parts/long-body.ts";
import { jsonArray, jsonParts, type Reply } from "../parts/reply.ts";
import { fromBase64url, toBase64url } from "./base64url.ts";

const DEFAULT_LIMIT = 100;
const CURSOR = /^[A-Za-z0-9_-]{1,684}$/;

interface PageContext {
  readonly clock: SliceClock;
}

/** The query parameter `limit`, as text. */
export const limit = z
  .string()
  .regex(/^(?:[1-9][0-9]{0,2}|1000)$/, "must be a whole number from 1 to 1000")
  .meta({
    type: "integer",
    minimum: 1,
    maximum: 1000,
    default: DEFAULT_LIMIT,
    description: "Most items to answer.",
  });

/** The query parameter `cursor`. */
const cursor = z
  .string()
  .regex(CURSOR, "must be a next_cursor of this list")
  .meta({ description: "The `next_cursor` of the page before." });

/** The query parameters of a list. */
export const pageParameters = { limit: limit.optional(), cursor: cursor.optional() };

/** Reads the limit. */
export function limitOf(text: string | undefined): number {
  return text === undefined ? DEFAULT_LIMIT : Number(text);
}

/**
 * A list's cursors: the page's key behind the list's name, so that one list's cursor is not another's.
 * Opaque is a promise to callers, not a secret from them: keys give no power, and a cursor that comes back is
 * checked against the list's own keys.
 */
export function cursors(list: string, key: RegExp) {
  const prefix = `${list}:`;

  function decode(text: string): string | undefined {
    const decoded = new TextDecoder().decode(fromBase64url(text) ?? new Uint8Array());
    if (!decoded.startsWith(prefix)) return undefined;
    const after = decoded.slice(prefix.length);
    return key.test(after) ? after : undefined;
  }

  function reply({ next }: Page<unknown>, items: LongText): Reply {
    const cursor = next === undefined ? null : toBase64url(new TextEncoder().encode(prefix + next));
    return jsonParts(200, ['{"items":', ...items, `,"next_cursor":${JSON.stringify(cursor)}}`]);
  }

  return {
    /** @throws DomainError for a cursor that this list never gave */
    request(query: {
      readonly limit?: string | undefined;
      readonly cursor?: string | undefined;
    }): PageRequest {
      const after = query.cursor === undefined ? undefined : decode(query.cursor);
      if (query.cursor !== undefined && after === undefined) {
        throw new DomainError("invalid_request", "cursor must be a next_cursor of this list", "cursor");
      }
      return { limit: limitOf(query.limit), after };
    },
    /** The answer with a page, written in turns of the event loop. */
    async answer<T>(page: Page<T>, { clock }: PageContext, wire: (value: T) => object): Promise<Reply> {
      return reply(page, await jsonArray(page.items, clock, (item) => JSON.stringify(wire(item))));
    },
    /** The answer with a page whose items are written already. */
    answerWith: (page: Page<unknown>, written: readonly LongText[]): Reply =>
      reply(page, ["[", ...written.flatMap((item, index) => (index > 0 ? [",", ...item] : item)), "]"]),
  };
}

/** The shape of a list's answer. */
export function pageOf<T extends z.ZodType>(item: T) {
  return z.strictObject({
    items: z.array(item),
    next_cursor: z.string().nullable().meta({ description: "Where the next page begins; null at the end." }),
  });
}
