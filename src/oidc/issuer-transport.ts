import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { Readable } from "node:stream";
import { createSecureContext, getCACertificates } from "node:tls";

import type { Fetch } from "./issuer-fetch.ts";

/** The way to identity providers. */
export interface TransportOptions {
  /** Certificates, in PEM, of authorities that are believed besides the usual ones. */
  readonly authorities?: readonly string[];
  /** The proxy for an address; undefined to go there directly. */
  readonly proxyFor?: (url: URL) => string | undefined;
}

/** Milliseconds after which a proxy that has not opened a tunnel is given up. */
const TUNNEL_PATIENCE = 10_000;

const BODILESS = new Set([204, 205, 304]);

/**
 * Makes a fetch over `node:http`, with authorities and proxies that the built-in `fetch` can only be given for the whole
 * process, where they would reach notifications and databases too.
 *
 * It follows no redirect and keeps no connection. It rejects with the system's own errors, whose codes say why.
 */
export function createTransport(options: TransportOptions = {}): Fetch {
  const { authorities = [], proxyFor = () => undefined } = options;
  const trust =
    authorities.length === 0
      ? {}
      : { secureContext: createSecureContext({ ca: [...getCACertificates("default"), ...authorities] }) };
  const agents = new Map<string, HttpAgent>();

  function agentFor(url: URL): HttpAgent {
    const proxy = proxyFor(url);
    const name = `${url.protocol} ${proxy ?? ""}`;
    const known = agents.get(name);
    if (known !== undefined) return known;
    const proxyEnv = proxy === undefined ? {} : { proxyEnv: { HTTP_PROXY: proxy, HTTPS_PROXY: proxy } };
    const agent =
      url.protocol === "https:" ? new HttpsAgent({ ...trust, ...proxyEnv }) : new HttpAgent(proxyEnv);
    agents.set(name, agent);
    return agent;
  }

  return async (address, { method = "GET", headers, body, signal }) => {
    const url = new URL(address);
    // Reads every kind of body, and sets the type that goes with it.
    const asked = new Request(url, { method, headers: headers ?? {}, body: body ?? null });
    const bytes = new Uint8Array(await asked.arrayBuffer());
    const send = url.protocol === "https:" ? httpsRequest : httpRequest;
    return await new Promise<Response>((resolve, reject) => {
      const request = send(url, {
        method,
        agent: agentFor(url),
        timeout: TUNNEL_PATIENCE,
        headers: {
          ...Object.fromEntries(asked.headers),
          "accept-encoding": "identity",
          ...(body === undefined || body === null ? {} : { "content-length": bytes.length }),
        },
        ...(signal === undefined || signal === null ? {} : { signal }),
      });
      request.once("error", reject);
      request.once("response", (message) => {
        try {
          resolve(responseOf(message));
        } catch (error) {
          request.destroy();
          reject(error);
        }
      });
      request.end(bytes);
    });
  };
}

function responseOf(message: IncomingMessage): Response {
  const { statusCode: status = 0, rawHeaders } = message;
  const headers = new Headers();
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    headers.append(rawHeaders[at] ?? "", rawHeaders[at + 1] ?? "");
  }
  if (BODILESS.has(status)) {
    message.resume();
    return new Response(null, { status, headers });
  }
  return new Response(Readable.toWeb(message) as ReadableStream<Uint8Array>, { status, headers });
}
