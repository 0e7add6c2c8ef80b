import { DomainError } from "../../domain/parts/error.ts";
import { MAX_BODY, type MediaType, readBytes } from "./body.ts";
import type { HttpRequest } from "./context.ts";

/** What browsers and OAuth clients send forms as. */
export const FORM_TYPE = "application/x-www-form-urlencoded";

const FORM: MediaType = {
  pattern: /^application\/x-www-form-urlencoded[ \t]*(?:;[ \t]*charset=(?:utf-8|"utf-8")[ \t]*)?$/i,
  name: FORM_TYPE,
};

/**
 * Reads a form as OAuth sends it: no parameter more than once, and unknown ones ignored (RFC 6749 §3.1).
 *
 * @throws DomainError or HttpError
 */
export async function readForm(request: HttpRequest): Promise<ReadonlyMap<string, string>> {
  const bytes = await readBytes(request, MAX_BODY, FORM);
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new DomainError("invalid_request", "the body is not UTF-8");
  }
  const values = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(text)) {
    // The name is the caller's: it may be a secret in the wrong place.
    if (values.has(name)) throw new DomainError("invalid_request", "a parameter is repeated");
    values.set(name, value);
  }
  return values;
}
