import { OAuthError } from "../oauth-error.ts";

/** Most scopes of one request. */
const MOST_SCOPES = 100;
/** Most characters of the parameter. */
const MOST_CHARACTERS = 2_000;

const TOKEN = /^[\x21\x23-\x5b\x5d-\x7e]+$/;

/**
 * Reads the parameter `scope` (RFC 6749 §3.3).
 *
 * @returns each scope once, in the order of the text; undefined for a text of another form
 * @example readScope("files:read files:write") // ["files:read", "files:write"]
 */
export function readScope(text: string): readonly string[] | undefined {
  if (text === "") return [];
  if (text.length > MOST_CHARACTERS) return undefined;
  const scopes = text.split(" ");
  if (!scopes.every((scope) => TOKEN.test(scope))) return undefined;
  const distinct = [...new Set(scopes)];
  return distinct.length <= MOST_SCOPES ? distinct : undefined;
}

/** As {@link readScope}, of a request's parameter. @param text undefined if there is none. @throws OAuthError `invalid_scope` */
export function scopesAsked(text: string | undefined): readonly string[] {
  const scopes = readScope(text ?? "");
  if (scopes === undefined) throw new OAuthError("invalid_scope", "scope is malformed");
  return scopes;
}

/** Whether every one of `some` is among `all`. */
export function isWithin(some: readonly string[], all: readonly string[]): boolean {
  return some.every((one) => all.includes(one));
}
