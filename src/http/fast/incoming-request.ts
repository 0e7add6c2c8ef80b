import type { IncomingMessage } from "node:http";

import { currentPayer, nextTurn } from "../../domain/parts/turn.ts";
import { RECEIVED_AT_ONCE } from "../request/body.ts";

import type { HttpRequest } from "../request/context.ts";

/**
 * A request of `node:http` with a body of an announced length, as routes read it. It is its own `headers`, and a class: so each
 * request makes one small object, and no functions of its own.
 */
class DirectRequest implements HttpRequest {
  readonly #incoming: IncomingMessage;

  constructor(incoming: IncomingMessage) {
    this.#incoming = incoming;
  }

  get method(): string {
    return this.#incoming.method ?? "";
  }

  get headers(): this {
    return this;
  }

  get(name: string): string | null {
    return headerOf(this.#incoming.rawHeaders, name.toLowerCase());
  }

  has(name: string): boolean {
    return this.get(name) !== null;
  }

  get body(): never {
    throw new Error("a direct route takes its body whole");
  }

  arrayBuffer(): never {
    throw new Error("a direct route takes its body without a copy");
  }

  read(): Uint8Array | Promise<Uint8Array> {
    return bodyOf(this.#incoming);
  }
}

/** A request of `node:http` with a body of an announced length, as routes read it. */
export function incomingRequest(incoming: IncomingMessage): HttpRequest {
  return new DirectRequest(incoming);
}

/**
 * A header's value; several of a name are joined, as `Headers` joins them. Node's own `headers` keeps the first of
 * two Authorization headers, and a proxy may have checked the second.
 *
 * @param raw names and values in turn
 * @param name in lower case
 */
export function headerOf(raw: readonly string[], name: string): string | null {
  let value: string | null = null;
  for (let at = 0; at < raw.length; at += 2) {
    const candidate = raw[at] ?? "";
    if (candidate.length !== name.length) continue;
    if (candidate !== name && candidate.toLowerCase() !== name) continue;
    value = value === null ? (raw[at + 1] ?? "") : `${value}, ${raw[at + 1] ?? ""}`;
  }
  return value;
}

/** The authority of a target in absolute form (RFC 9112 §3.2.2). */
const AUTHORITY = /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)/i;

/** Whether a request names several hosts: a proxy may have gone by another of them (RFC 9112 §3.2). */
export function hasSeveralHosts({ rawHeaders, url = "" }: IncomingMessage): boolean {
  const host = headerOf(rawHeaders, "host");
  if (host === null) return false;
  const authority = url.startsWith("/") ? undefined : AUTHORITY.exec(url)?.[1];
  return host.includes(",") || (authority !== undefined && authority.toLowerCase() !== host.toLowerCase());
}

/**
 * The body. If it came in the same packets as the head, it is there by the time that the caller is known, and is
 * taken without waiting for events. Node's parser holds a body to the length that it announces.
 */
function bodyOf(incoming: IncomingMessage): Uint8Array | Promise<Uint8Array> {
  const announced = Number(headerOf(incoming.rawHeaders, "content-length"));
  if (announced === 0) return new Uint8Array();
  if (incoming.readableLength < announced) return restOf(incoming, announced);
  // Without a length, read() gives one piece as it came, and more may follow.
  const bytes: Uint8Array = incoming.read(announced);
  return bytes;
}

function restOf(incoming: IncomingMessage, announced: number): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const bytes = new Uint8Array(announced);
    const takesTurns = announced > RECEIVED_AT_ONCE;
    const payer = currentPayer();
    let length = 0;
    const cut = () => {
      if (length < announced) reject(new Error("the connection ended within the body"));
    };
    // The connection may have closed before the body was asked for.
    if (incoming.destroyed) return cut();
    incoming.on("data", (chunk: Uint8Array) => {
      bytes.set(chunk, length);
      length += chunk.length;
      if (length === announced) resolve(bytes);
      else if (takesTurns) {
        incoming.pause();
        void nextTurn(payer).then(() => incoming.resume());
      }
    });
    incoming.on("error", cut);
    incoming.on("close", cut);
  });
}
