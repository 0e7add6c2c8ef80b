import { DomainError } from "../../domain/parts/error.ts";
import { nextTurn } from "../../domain/parts/turn.ts";
import { HttpError } from "../parts/problem.ts";
import type { HttpRequest } from "./context.ts";

/** Largest body, bytes. */
export const MAX_BODY = 1024 * 1024;

/** Largest body of a batch, bytes. */
export const MAX_BATCH_BODY = 16 * 1024 * 1024;

/**
 * Largest body that is received as fast as it comes, bytes. Of a larger one a piece is taken each turn of the event loop:
 * else the system hands over megabytes in one, of every caller that sends some.
 */
export const RECEIVED_AT_ONCE = 256 * 1024;

/** The media type that a body must name. */
export interface MediaType {
  readonly pattern: RegExp;
  readonly name: string;
}

// RFC 8259 §11 defines no parameter; `charset=utf-8` is tolerated because many clients send it.
const JSON_TYPE: MediaType = {
  pattern: /^application\/json[ \t]*(?:;[ \t]*charset=(?:utf-8|"utf-8")[ \t]*)?$/i,
  name: "application/json",
};

/** Reads a JSON request's bytes: at once where they came with the head, since nearly all do, and to wait would cost each. */
export function readJsonBytes(request: HttpRequest, maxBytes: number): Uint8Array | Promise<Uint8Array> {
  const bytes = readBytes(request, maxBytes, JSON_TYPE);
  return bytes instanceof Promise ? bytes.then(requireSome) : requireSome(bytes);
}

function requireSome(bytes: Uint8Array): Uint8Array {
  if (bytes.length > 0) return bytes;
  throw new DomainError("invalid_request", "the body is empty; where no member is needed, send {}");
}

/**
 * Reads a request's bytes, at once where they came with the head. The announced size is checked before anything is read,
 * and the size again while reading, because a chunked body announces nothing.
 *
 * @param type undefined if the request may name any media type, or none
 * @throws HttpError for another type, a compressed body of the type, and a body that is too large; or rejects with it
 * @throws DomainError for a body that breaks off; or rejects with it
 */
export function readBytes(
  request: HttpRequest,
  maxBytes: number,
  type: MediaType | undefined,
): Uint8Array | Promise<Uint8Array> {
  if (type !== undefined) requireType(request, type);
  const announced = request.headers.get("content-length");
  if (announced !== null && !(Number(announced) <= maxBytes)) throw tooLarge(maxBytes);
  const whole = request.read?.();
  if (whole instanceof Uint8Array) {
    if (whole.length > maxBytes) throw tooLarge(maxBytes);
    return whole;
  }
  const isShort = announced !== null && Number(announced) <= RECEIVED_AT_ONCE;
  return received(maxBytes, () => whole ?? (isShort ? readAtOnce(request) : readStream(request, maxBytes)));
}

function requireType({ headers }: HttpRequest, { pattern, name }: MediaType): void {
  if (!pattern.test(headers.get("content-type") ?? "")) {
    throw new HttpError("unsupported_media_type", `Content-Type must be ${name}`);
  }
  const encoding = headers.get("content-encoding") ?? "identity";
  if (encoding.toLowerCase() !== "identity") {
    throw new HttpError("unsupported_media_type", "the body must not be compressed");
  }
}

function tooLarge(maxBytes: number): HttpError {
  return new HttpError("payload_too_large", `the body is over ${maxBytes} bytes`);
}

/** A connection that breaks off is the caller's doing and no fault of the service. */
async function received(maxBytes: number, read: () => Promise<Uint8Array>): Promise<Uint8Array> {
  try {
    const bytes = await read();
    if (bytes.length > maxBytes) throw tooLarge(maxBytes);
    return bytes;
  } catch (error) {
    if (error instanceof HttpError) throw error;
    throw new DomainError("invalid_request", "the body could not be read to its end");
  }
}

async function readAtOnce(request: HttpRequest): Promise<Uint8Array> {
  return new Uint8Array(await request.arrayBuffer());
}

async function readStream(request: HttpRequest, maxBytes: number): Promise<Uint8Array> {
  if (request.body === null) return new Uint8Array();
  const reader: ReadableStreamDefaultReader<Uint8Array> = request.body.getReader();
  const chunks: Uint8Array[] = [];
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return joined(chunks, length);
    length += value.length;
    if (length > maxBytes) {
      // Not cancelled: that may reset the connection before the answer is out. The server drops the rest.
      reader.releaseLock();
      throw tooLarge(maxBytes);
    }
    chunks.push(value);
    if (length > RECEIVED_AT_ONCE) await nextTurn();
  }
}

function joined(chunks: readonly Uint8Array[], length: number): Uint8Array {
  const [first] = chunks;
  if (chunks.length === 1 && first !== undefined) return first;
  const bytes = new Uint8Array(length);
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.length;
  }
  return bytes;
}
