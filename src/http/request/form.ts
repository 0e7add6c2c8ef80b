import { DomainError } from "../../domain/parts/error.ts";
import { HttpError } from "../parts/problem.ts";
import type { HttpRequest } from "./context.ts";

/** Largest form, bytes: a token and a ticket, percent-encoded. */
const MAX_FORM = 256 * 1024;

/** Parameters of a query or a form, as bytes: macaroon-bakery's clients send ids that are no text, NUL among them. */
export type Parameters = ReadonlyMap<string, Uint8Array>;

const HEX = /^[0-9A-Fa-f]{2}$/;

function decodeBytes(text: string): Uint8Array {
  const bytes: number[] = [];
  for (let at = 0; at < text.length; at++) {
    const character = text.charAt(at);
    const hex = text.slice(at + 1, at + 3);
    if (character === "%" && HEX.test(hex)) {
      bytes.push(Number.parseInt(hex, 16));
      at += 2;
    } else if (character === "+") {
      bytes.push(0x20);
    } else {
      bytes.push(text.charCodeAt(at) & 0xff);
    }
  }
  return Uint8Array.from(bytes);
}

/**
 * Reads `application/x-www-form-urlencoded` (WHATWG URL §5.1), keeping values as bytes.
 *
 * @param text ASCII, as it stands in a query or a body
 * @throws DomainError for a parameter that is repeated: two readers must never see two different values
 */
export function parseForm(text: string): Parameters {
  const parameters = new Map<string, Uint8Array>();
  for (const pair of text.split("&")) {
    if (pair === "") continue;
    const equals = pair.indexOf("=");
    const name = new TextDecoder().decode(decodeBytes(equals < 0 ? pair : pair.slice(0, equals)));
    if (parameters.has(name)) throw new DomainError("invalid_request", "a parameter is repeated");
    parameters.set(name, decodeBytes(equals < 0 ? "" : pair.slice(equals + 1)));
  }
  return parameters;
}

/** Reads a request's body as a form. One without a body, or without a media type, has no parameters or is taken for one. */
export async function readForm(request: HttpRequest): Promise<Parameters> {
  if (Number(request.headers.get("content-length") ?? 0) > MAX_FORM) throw tooLarge();
  if (request.body === null) return new Map();
  const reader: ReadableStreamDefaultReader<Uint8Array> = request.body.getReader();
  const decoder = new TextDecoder("latin1");
  let text = "";
  for (;;) {
    const { done, value } = await reader.read().catch(() => {
      throw new DomainError("invalid_request", "the body could not be read to its end");
    });
    if (done) return parseForm(text);
    text += decoder.decode(value, { stream: true });
    if (text.length > MAX_FORM) {
      reader.releaseLock();
      throw tooLarge();
    }
  }
}

function tooLarge(): HttpError {
  return new HttpError("payload_too_large", `the form is over ${MAX_FORM} bytes`);
}

/** A parameter as text; undefined where it is absent, and where it is no UTF-8. */
export function textOf(parameters: Parameters, name: string): string | undefined {
  const bytes = parameters.get(name);
  if (bytes === undefined) return undefined;
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
