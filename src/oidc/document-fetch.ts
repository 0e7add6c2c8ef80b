import { lookup, Resolver } from "node:dns/promises";
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { isIP } from "node:net";
import { createSecureContext, getCACertificates } from "node:tls";
import { type DocumentFetch, type FetchedDocument, MAX_DOCUMENT } from "../domain/oauth/outside.ts";
import { isLoopbackAddress, isPublicAddress } from "../domain/parts/public-address.ts";

/** For name, connection, headers and body together, milliseconds. */
const PATIENCE = 3_000;

/** Fetches under way at a time: each holds a socket for as long as its server likes, up to the patience. */
const AT_ONCE = 16;

const JSON_TYPE = /^application\/(?:[a-z0-9.+-]+\+)?json[ \t]*(?:;.*)?$/i;

/** How documents are fetched; a test puts its own names and addresses here. */
export interface DocumentFetchOptions {
  /** Whether documents on this very machine are fetched, over http too: with the development identity provider alone. */
  readonly allowsLoopback: boolean;
  /** Certificates, in PEM, of authorities that are believed besides the usual ones. */
  readonly authorities?: readonly string[];
  /** All addresses of a name; what the name servers say unless said. */
  readonly resolve?: (host: string, signal: AbortSignal) => Promise<readonly string[]>;
  /** Name servers, `address:port`; the system's unless said. */
  readonly nameServers?: readonly string[];
  /** Whether an address may be connected to; those of the public internet unless said. */
  readonly isReachable?: (address: string) => boolean;
  /** Milliseconds; three seconds unless said. */
  readonly patience?: number;
}

const refused = (why: string): FetchedDocument => ({ ok: false, why });

/** Milliseconds for which a name server's answer is waited for, and how often it is asked. */
const NAME_SERVERS = { timeout: 1_000, tries: 2 };

/**
 * Asks the name servers by itself. The system's own look-up cannot be stopped and has two places in the whole process: a few
 * names whose servers never answer would keep it from issuers, webhooks and new connections of the database.
 */
async function resolveBy(
  servers: readonly string[] | undefined,
  host: string,
  signal: AbortSignal,
): Promise<readonly string[]> {
  // Told by no server, and at once by the system's table (RFC 6761 §6.3).
  if (host === "localhost") return (await lookup(host, { all: true })).map(({ address }) => address);
  const resolver = new Resolver(NAME_SERVERS);
  if (servers !== undefined) resolver.setServers(servers);
  const cancel = () => resolver.cancel();
  signal.addEventListener("abort", cancel, { once: true });
  const found = await Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)]);
  signal.removeEventListener("abort", cancel);
  return found.flatMap((one) => (one.status === "fulfilled" ? one.value : []));
}

/**
 * Makes the guarded fetch: https alone, the host resolved once and that very address connected to, no address but the public
 * internet's, no redirect, no proxy, no kept connection, five kilobytes, three seconds, JSON.
 *
 * A name with any address that may not be reached is refused whole. Nothing of an answer but a document is told to callers:
 * whoever names an inner address learns no more than of one that does not exist.
 */
export function createDocumentFetch(options: DocumentFetchOptions): DocumentFetch {
  const { allowsLoopback, authorities = [], patience = PATIENCE } = options;
  const resolve =
    options.resolve ?? ((host: string, signal: AbortSignal) => resolveBy(options.nameServers, host, signal));
  const isReachable = options.isReachable ?? isPublicAddress;
  const trust =
    authorities.length === 0
      ? {}
      : { secureContext: createSecureContext({ ca: [...getCACertificates("default"), ...authorities] }) };
  let underWay = 0;

  async function addressOf(url: URL, signal: AbortSignal): Promise<string | undefined> {
    const host = url.hostname.replace(/^\[|\]$/g, "");
    const addresses = isIP(host) === 0 ? await orAborted(resolve(host, signal), signal) : [host];
    if (addresses.length === 0) throw new Error("the name has no address");
    const isHere = allowsLoopback && addresses.every(isLoopbackAddress);
    if (!isHere && (url.protocol !== "https:" || !addresses.every(isReachable))) return undefined;
    return addresses[0];
  }

  async function fetchNow(url: URL): Promise<FetchedDocument> {
    const signal = AbortSignal.timeout(patience);
    try {
      const address = await addressOf(url, signal);
      if (address === undefined) return refused("its address is not one of the public internet's");
      const answer = await ask(url, address, signal, trust);
      return await read(answer, signal);
    } catch {
      return refused(signal.aborted ? "it did not come in time" : "it could not be had");
    }
  }

  return {
    async fetch(url) {
      if (url.protocol !== "https:" && !(allowsLoopback && url.protocol === "http:")) {
        return refused("its address is not https");
      }
      if (underWay >= AT_ONCE) return refused("too many documents are being fetched");
      underWay += 1;
      try {
        return await fetchNow(url);
      } finally {
        underWay -= 1;
      }
    },
  };
}

/** Waits for work that cannot be stopped, and no longer than the signal allows. */
function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    signal.addEventListener("abort", () => reject(new Error("aborted")), { once: true });
    work.then(resolve, reject);
  });
}

/** Sends the request to one address, with the name in TLS and in `Host`. */
function ask(url: URL, address: string, signal: AbortSignal, trust: object): Promise<IncomingMessage> {
  const isSecure = url.protocol === "https:";
  const name = url.hostname.replace(/^\[|\]$/g, "");
  // An agent of its own: the global one follows the environment's proxies, and would keep the connection.
  const agent = isSecure
    ? new HttpsAgent({ keepAlive: false, ...trust })
    : new HttpAgent({ keepAlive: false });
  return new Promise((resolve, reject) => {
    const request = (isSecure ? httpsRequest : httpRequest)({
      host: address,
      port: url.port === "" ? undefined : Number(url.port),
      path: `${url.pathname}${url.search}`,
      method: "GET",
      agent,
      signal,
      maxHeaderSize: 16 * 1024,
      ...(isSecure && isIP(name) === 0 ? { servername: name } : {}),
      headers: {
        host: url.host,
        accept: "application/json",
        "accept-encoding": "identity",
        "user-agent": "bakehouse",
      },
    });
    request.once("response", resolve);
    request.once("error", reject);
    request.end();
  });
}

async function read(answer: IncomingMessage, signal: AbortSignal): Promise<FetchedDocument> {
  const { statusCode, headers } = answer;
  const refuse = (why: string) => {
    answer.destroy();
    return refused(why);
  };
  if (statusCode !== 200) return refuse("it was answered with another status than 200");
  if (!JSON_TYPE.test(headers["content-type"] ?? "")) return refuse("it is not JSON by its content type");
  if (!["", "identity"].includes(headers["content-encoding"] ?? "")) return refuse("it is compressed");
  if (Number(headers["content-length"] ?? 0) > MAX_DOCUMENT)
    return refuse(`it has over ${MAX_DOCUMENT} bytes`);
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of answer as AsyncIterable<Uint8Array>) {
    length += chunk.length;
    if (length > MAX_DOCUMENT) return refuse(`it has over ${MAX_DOCUMENT} bytes`);
    chunks.push(chunk);
  }
  if (signal.aborted || !answer.complete) return refuse("it did not come whole");
  const age = Number(headers.age ?? 0);
  return {
    ok: true,
    bytes: new Uint8Array(Buffer.concat(chunks)),
    cacheControl: headers["cache-control"] ?? "",
    age: Number.isSafeInteger(age) && age >= 0 ? age : 0,
  };
}
