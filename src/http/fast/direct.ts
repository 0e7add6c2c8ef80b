import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { REQUEST_ID } from "../../words/http.ts";

import { type AppOptions, contextOf } from "../app.ts";
import { requestId } from "../log/request-id.ts";
import { plainAddress } from "../parts/peer.ts";
import type { Reply } from "../parts/reply.ts";
import type { Exchange } from "../request/context.ts";
import { createPipeline } from "../request/pipeline.ts";
import type { Route } from "../request/route.ts";
import { verify, verifyBatch } from "../routes/verify.ts";
import type { Departure } from "../serving/departure.ts";
import { headerOf, incomingRequest } from "./incoming-request.ts";
import { createTurns } from "./turns.ts";

/** The routes that are called for every call of somebody else's. None has parameters in its path. */
const DIRECT: readonly Route[] = [verify, verifyBatch];

// A name or an address of version 4, and a port: all else is left to whoever reads URLs.
const PLAIN_HOST = /^[a-z0-9.-]{1,255}(?::[1-5]?\d{1,4})?$/i;

/** The headers of every answer: their names, and names and values in turn, as `writeHead` takes them. */
interface CommonHeaders {
  readonly names: ReadonlySet<string>;
  readonly inTurn: readonly string[];
}

/** Milliseconds in which the rest of a body may come that nobody reads; then the connection is closed. */
const DRAIN = 500;

/**
 * Answers the hottest requests straight from `node:http`, and hands all others to the app.
 *
 * The same routes, the same pipeline, the same answers. What is spared is a `Request`, a router's match, a `Headers`
 * and a `Response`, which together cost as much as verifying a token that was seen before. Only plain requests come
 * this way: a path as it stands in the route, a plain host, a body of an announced and allowed length.
 *
 * @param app answers every other request
 * @param departure ends connections by their answers
 */
export function createListener(
  options: AppOptions,
  app: RequestListener,
  departure: Departure,
): RequestListener {
  const context = contextOf(options);
  const pipeline = createPipeline(context, options.clock);
  const turns = createTurns();
  const common = {
    names: new Set(Object.keys(pipeline.common)),
    inTurn: Object.entries(pipeline.common).flat(),
  };
  const routes = new Map(DIRECT.map((route) => [`${route.method} ${route.path}`, route]));

  return (incoming, response) => {
    departure.arrived(response);
    const route = routes.get(`${incoming.method} ${incoming.url}`);
    if (route === undefined || !isPlain(incoming, route)) {
      departure.track(response);
      return app(incoming, response);
    }
    const exchange = exchangeOf(route, incoming);
    turns.begin(() => {
      pipeline
        .settle(exchange, route, () => route.run(context, exchange))
        .then((reply) => turns.end(() => answer(incoming, response, reply, exchange.requestId)))
        // Nothing that is foreseen gets here: `settle` never rejects.
        .catch(() => response.destroy());
    });
  };

  function answer(incoming: IncomingMessage, response: ServerResponse, reply: Reply, id: string): void {
    try {
      write(response, reply, id, common, departure.isLast(response));
      if (!incoming.complete) drain(incoming);
    } catch {
      // A fault of this module, and there is no telling what has been written.
      response.destroy();
    }
  }
}

function isPlain({ rawHeaders }: IncomingMessage, { body }: Route): boolean {
  const length = headerOf(rawHeaders, "content-length");
  // What Number takes besides digits, node's parser has refused. Where both are there, node has refused, too.
  return (
    length !== null &&
    Number(length) <= (body?.maxBytes ?? 0) &&
    headerOf(rawHeaders, "transfer-encoding") === null &&
    PLAIN_HOST.test(headerOf(rawHeaders, "host") ?? "")
  );
}

function exchangeOf(route: Route, incoming: IncomingMessage): Exchange {
  const { remoteAddress } = incoming.socket;
  return {
    request: incomingRequest(incoming),
    method: route.method,
    path: route.path,
    params: {},
    search: "",
    peer: remoteAddress === undefined ? undefined : plainAddress(remoteAddress),
    requestId: requestId(headerOf(incoming.rawHeaders, REQUEST_ID)),
    seen: { caller: "none", credential: "none" },
  };
}

/**
 * @param common headers that the reply's own take the place of
 * @param isLast whether the connection ends with this answer
 */
function write(
  response: ServerResponse,
  reply: Reply,
  id: string,
  common: CommonHeaders,
  isLast: boolean,
): void {
  const { body, headers, cookies } = reply;
  if (typeof body !== "string") throw new TypeError("a direct route answers with text");
  const length = Buffer.byteLength(body);
  const names = Object.keys(headers);
  const replaced = names.some((name) => common.names.has(name));
  const head = replaced ? without(common.inTurn, names) : [...common.inTurn];
  for (const name of names) head.push(name, headers[name] ?? "");
  for (const cookie of cookies ?? []) head.push("set-cookie", cookie);
  head.push(REQUEST_ID, id, "content-length", String(length));
  if (isLast) head.push("connection", "close");
  response.writeHead(reply.status, head);
  // As text, head and body leave in one write; and where each character is one byte, without being transcoded.
  response.end(body, length === body.length ? "latin1" : "utf8");
}

/** @param inTurn names and values in turn */
function without(inTurn: readonly string[], names: readonly string[]): string[] {
  return inTurn.filter((_, at) => !names.includes(inTurn[at - (at % 2)] ?? ""));
}

/** Takes what is left of a body that was not read, so that the answer arrives, but not for ever. */
function drain(incoming: IncomingMessage): void {
  const { socket } = incoming;
  const timer = setTimeout(() => socket.destroySoon(), DRAIN).unref();
  incoming.once("close", () => clearTimeout(timer));
  incoming.once("end", () => clearTimeout(timer));
  incoming.resume();
}
