import { connect } from "node:net";

/** What came back over a connection. */
export interface WireAnswer {
  readonly status: number;
  /** In the order in which they came. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Buffer;
  /** The bytes as they came: what is searched for secrets. */
  readonly raw: Buffer;
  /** Milliseconds until the last byte. */
  readonly took: number;
  /** Whether it is an event stream, of which only the beginning was read. */
  readonly isStream: boolean;
}

/** What is written to a connection. */
export interface Sent {
  readonly port: number;
  readonly bytes: Uint8Array;
  /** Whether our side of the connection is ended after that: for what would wait for more. */
  readonly ends: boolean;
  /** Milliseconds after which no answer is awaited any more. */
  readonly patience: number;
}

/** How a connection ended. */
export type Exchanged =
  | { readonly kind: "answered"; readonly answer: WireAnswer }
  /** Closed without a byte. */
  | { readonly kind: "silent" }
  /** Closed within an answer. */
  | { readonly kind: "cut"; readonly raw: Buffer }
  | { readonly kind: "late"; readonly raw: Buffer };

/**
 * Writes bytes to a connection of their own and reads one answer, whatever it is. The request has to say
 * `Connection: close`, or be so wrong that the connection ends with the answer.
 */
export function exchange({ port, bytes, ends, patience }: Sent): Promise<Exchanged> {
  return new Promise((resolve) => {
    const begun = performance.now();
    const chunks: Buffer[] = [];
    const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    const late = setTimeout(() => finish("late"), patience);

    function finish(how: "closed" | "late" | "stream"): void {
      clearTimeout(late);
      socket.destroy();
      const raw = Buffer.concat(chunks);
      if (how === "late") resolve({ kind: "late", raw });
      else if (raw.length === 0) resolve({ kind: "silent" });
      else {
        const read = readAnswer(raw, performance.now() - begun, how === "stream");
        resolve(read === undefined ? { kind: "cut", raw } : { kind: "answered", answer: read });
      }
    }

    socket.on("data", (chunk: Buffer) => {
      chunks.push(chunk);
      if (chunks.length === 1 && /^content-type: text\/event-stream/im.test(chunk.toString("latin1")))
        finish("stream");
    });
    socket.on("end", () => finish("closed"));
    socket.on("close", () => finish("closed"));
    socket.on("error", () => finish("closed"));
    socket.write(bytes);
    if (ends) socket.end();
  });
}

/** Reads one answer of HTTP/1.1. @returns undefined where it is cut */
export function readAnswer(raw: Buffer, took: number, isStream: boolean): WireAnswer | undefined {
  const end = raw.indexOf("\r\n\r\n");
  if (end < 0) return undefined;
  const [first = "", ...lines] = raw.toString("latin1", 0, end).split("\r\n");
  const status = Number(/^HTTP\/1\.1 ([0-9]{3}) /.exec(first)?.[1]);
  if (!Number.isInteger(status)) return undefined;
  const rest = raw.subarray(end + 4);
  // What is said before the answer proper.
  if (status < 200) return readAnswer(rest, took, isStream);
  const headers = lines.map((line) => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const;
  });
  const headerOf = (name: string) => headers.find(([key]) => key === name)?.[1];
  const length = headerOf("content-length");
  const body = isStream
    ? Buffer.alloc(0)
    : headerOf("transfer-encoding") === "chunked"
      ? dechunked(rest)
      : length === undefined
        ? rest
        : rest.subarray(0, Number(length));
  if (body === undefined) return undefined;
  return { status, headers, body, raw, took, isStream };
}

function dechunked(bytes: Buffer): Buffer | undefined {
  const parts: Buffer[] = [];
  let at = 0;
  for (;;) {
    const line = bytes.indexOf("\r\n", at);
    if (line < 0) return undefined;
    const size = Number.parseInt(bytes.toString("latin1", at, line), 16);
    if (!(size >= 0)) return undefined;
    if (size === 0) return Buffer.concat(parts);
    const from = line + 2;
    if (from + size > bytes.length) return undefined;
    parts.push(bytes.subarray(from, from + size));
    at = from + size + 2;
  }
}
