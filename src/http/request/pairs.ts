import { HttpError } from "../parts/problem.ts";

/** Most parameters of a query or a form, unless a route allows fewer. */
export const MOST_PAIRS = 32;

/** Largest query, bytes, unless a route takes tokens in it. */
const MAX_QUERY = 16 * 1024;

const AMPERSAND = 0x26;

/**
 * Counts the parameters of a query or a form before any of them is read: reading half a million of them takes seconds,
 * and nobody else is answered meanwhile.
 *
 * @param member `query` or `body`, for the refusal
 * @throws HttpError
 */
export function requireFewPairs(bytes: Uint8Array, most: number, member: "query" | "body"): void {
  let count = 1;
  for (let at = bytes.indexOf(AMPERSAND); at >= 0; at = bytes.indexOf(AMPERSAND, at + 1)) {
    if (++count > most) throw tooLarge(`the ${member} has over ${most} parameters`, member);
  }
}

/**
 * Holds a query to a size and a number of parameters before it is read.
 *
 * @param search what stands behind `?`
 * @throws HttpError
 */
export function requireShortQuery(search: string, maxBytes = MAX_QUERY): void {
  if (search === "") return;
  // A target holds one byte a character: the parser of HTTP refuses all others.
  if (search.length > maxBytes) throw tooLarge(`the query is over ${maxBytes} bytes`, "query");
  requireFewPairs(new TextEncoder().encode(search), MOST_PAIRS, "query");
}

function tooLarge(detail: string, member: string): HttpError {
  return new HttpError("payload_too_large", detail, {}, member);
}
