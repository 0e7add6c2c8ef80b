import { DomainError } from "../../domain/parts/error.ts";
import { type MediaType, readBytes } from "./body.ts";
import type { HttpRequest } from "./context.ts";
import { MOST_PAIRS, requireFewPairs } from "./pairs.ts";

/** The media type of forms, as browsers and OAuth clients send them. */
export const FORM_TYPE = "application/x-www-form-urlencoded";

/** How a form is read. */
export interface FormRules {
  /** Largest body, bytes. */
  readonly maxBytes: number;
  /** Most parameters. They are counted before any is read. */
  readonly maxPairs: number;
  /** The media type that the request must name; without it any will do. A body of that type must be UTF-8. */
  readonly type?: MediaType;
}

/** Pages: a decision and a reason. */
export const PAGE_FORM: FormRules = { maxBytes: 16 * 1024, maxPairs: MOST_PAIRS };

/** Anybody's form that carries a token or a ticket. */
const TOKEN_FORM = { maxBytes: 96 * 1024, maxPairs: 8 };

/** macaroon-bakery's clients: Go's names no media type. Their queries are held to the same bounds. */
export const BAKERY_FORM: FormRules = TOKEN_FORM;

/** OAuth's clients (RFC 6749 appendix B). */
export const OAUTH_FORM: FormRules = {
  ...TOKEN_FORM,
  type: {
    pattern: /^application\/x-www-form-urlencoded[ \t]*(?:;[ \t]*charset=(?:utf-8|"utf-8")[ \t]*)?$/i,
    name: FORM_TYPE,
  },
};

/** The token endpoint's clients: a grant, and the client's own way to authenticate. */
export const GRANT_FORM: FormRules = { ...OAUTH_FORM, maxPairs: 16 };

/** Parameters of a query or a form, as bytes: ids of macaroon-bakery's clients are no text, and may hold NUL. */
export type Parameters = ReadonlyMap<string, Uint8Array>;

const AMPERSAND = 0x26;
const EQUALS = 0x3d;
const PERCENT = 0x25;
const PLUS = 0x2b;
const SPACE = 0x20;

function decoded(encoded: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(encoded.length);
  let length = 0;
  for (let at = 0; at < encoded.length; at++) {
    const byte = encoded[at] ?? 0;
    const escaped = byte === PERCENT ? 16 * digit(encoded[at + 1]) + digit(encoded[at + 2]) : Number.NaN;
    if (Number.isNaN(escaped)) {
      bytes[length++] = byte === PLUS ? SPACE : byte;
    } else {
      bytes[length++] = escaped;
      at += 2;
    }
  }
  return bytes.subarray(0, length);
}

/** The value of a hexadecimal digit, NaN for any other byte. */
function digit(byte = SPACE): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x61 + 10 : Number.NaN;
}

/** The bytes between two `&`, one parameter each. */
function* pairsOf(bytes: Uint8Array): Generator<Uint8Array> {
  for (let from = 0; from < bytes.length; ) {
    const ampersand = bytes.indexOf(AMPERSAND, from);
    const end = ampersand < 0 ? bytes.length : ampersand;
    if (end > from) yield bytes.subarray(from, end);
    from = end + 1;
  }
}

/**
 * Reads `application/x-www-form-urlencoded` (WHATWG URL §5.1), keeping values as bytes.
 *
 * @param source a body, or the query behind `?`
 * @param maxPairs most parameters
 * @throws DomainError for a parameter that is repeated: two readers must never see two different values
 * @throws HttpError for too many parameters
 */
export function parseForm(source: Uint8Array | string, maxPairs = MOST_PAIRS): Parameters {
  const parameters = new Map<string, Uint8Array>();
  for (const [name, value] of parametersOf(source, maxPairs)) {
    // The error does not repeat the name: it may be a secret in the wrong place.
    if (parameters.has(name)) throw new DomainError("invalid_request", "a parameter is repeated");
    parameters.set(name, value);
  }
  return parameters;
}

/** The parameters as they come: one may come twice. */
function* parametersOf(
  source: Uint8Array | string,
  maxPairs: number,
): Generator<readonly [name: string, value: Uint8Array]> {
  const bytes = typeof source === "string" ? new TextEncoder().encode(source) : source;
  requireFewPairs(bytes, maxPairs, typeof source === "string" ? "query" : "body");
  const names = new TextDecoder("utf-8", { ignoreBOM: true });
  for (const pair of pairsOf(bytes)) {
    const equals = pair.indexOf(EQUALS);
    const name = names.decode(decoded(equals < 0 ? pair : pair.subarray(0, equals)));
    yield [name, decoded(equals < 0 ? new Uint8Array() : pair.subarray(equals + 1))];
  }
}

/**
 * Reads the parameters of an OAuth request, repeated ones too: which of them may not be has a code of its own.
 *
 * @throws DomainError for a value that is no UTF-8, HttpError for too many
 */
export function oauthParameters(
  source: Uint8Array | string,
  maxPairs = MOST_PAIRS,
): readonly (readonly [name: string, value: string])[] {
  return Array.from(parametersOf(source, maxPairs), ([name, bytes]) => {
    const value = strictText(bytes);
    if (value === undefined) throw new DomainError("invalid_request", "a parameter is not UTF-8");
    return [name, value] as const;
  });
}

/**
 * Reads a request's body as a form. An empty body has no parameters.
 *
 * @throws DomainError or HttpError for a body that breaks the rules, or a parameter that is repeated
 */
export async function readForm(request: HttpRequest, rules: FormRules): Promise<Parameters> {
  return parseForm(await readFormBytes(request, rules), rules.maxPairs);
}

/** Reads a request's body as the form of an OAuth client. */
export async function readOAuthForm(
  request: HttpRequest,
  rules: FormRules,
): Promise<ReturnType<typeof oauthParameters>> {
  return oauthParameters(await readFormBytes(request, rules), rules.maxPairs);
}

async function readFormBytes(request: HttpRequest, { maxBytes, type }: FormRules): Promise<Uint8Array> {
  const bytes = await readBytes(request, maxBytes, type);
  if (type !== undefined && strictText(bytes) === undefined) {
    throw new DomainError("invalid_request", "the body is not UTF-8");
  }
  return bytes;
}

function strictText(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** A parameter as text; undefined if it is absent or no UTF-8. */
export function textOf(parameters: Parameters, name: string): string | undefined {
  const bytes = parameters.get(name);
  return bytes && strictText(bytes);
}

/** A parameter as text, with U+FFFD for all that is no UTF-8; undefined if it is absent. */
export function anyTextOf(parameters: Parameters, name: string): string | undefined {
  const bytes = parameters.get(name);
  return bytes && new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
}
