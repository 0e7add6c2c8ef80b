import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import type { Block } from "../../caveats/values/address.ts";
import { DomainError } from "../../domain/parts/error.ts";
import { type Bill, idleTurn, nextTurn, onBill, payerFrom } from "../../domain/parts/turn.ts";
import { REQUEST_ID } from "../../words/http.ts";
import { type AppOptions, contextOf } from "../app.ts";
import { requestId } from "../log/request-id.ts";
import { oauthIntrospect } from "../oauth/introspect.ts";
import { originOf } from "../parts/forwarded.ts";
import { writeInTurns } from "../parts/long-body.ts";
import { plainAddress } from "../parts/peer.ts";
import type { Reply } from "../parts/reply.ts";
import { authenticate } from "../request/authenticate.ts";
import { type Exchange, seenFrom } from "../request/context.ts";
import { OAUTH_FORM } from "../request/form.ts";
import { createPipeline } from "../request/pipeline.ts";
import type { Route } from "../request/route.ts";
import { verify, verifyBatch } from "../routes/verify.ts";
import type { Departure } from "../serving/departure.ts";
import { createIntake, type Intake } from "../serving/intake.ts";
import { createLanes } from "../serving/lanes.ts";
import { hasSeveralHosts, headerOf, incomingRequest } from "./incoming-request.ts";
import { createTurns } from "./turns.ts";

/** The routes that platforms call for each of their own calls. None has parameters in its path. */
const DIRECT: readonly Route[] = [verify, verifyBatch, oauthIntrospect];

// A name or an IPv4 address, and a port. The app, which parses URLs, answers for any other host.
const PLAIN_HOST = /^[a-z0-9.-]{1,255}(?::[1-5]?\d{1,4})?$/i;

/** The headers of every answer: their names, and the alternating names and values that `writeHead` takes. */
interface CommonHeaders {
  readonly names: ReadonlySet<string>;
  readonly inTurn: readonly string[];
}

/** Milliseconds that a client has to send the rest of a refused body before its connection is closed. */
const DRAIN = 2_000;

/** Milliseconds for which a connection is kept at least whose body was refused because there are too many; twice as long at most. */
const LINGER = 10_000;

/**
 * Answers the hottest requests straight from `node:http`, and hands all others to the app.
 *
 * Routes, pipeline and answers are the same. This way spares a `Request`, a router's match, a `Headers` and a
 * `Response`, which together cost as much as verifying a token that was presented before. It takes plain requests only:
 * the path of a route to the letter, a plain host, a body of an announced and allowed length.
 *
 * @param app answers every other request
 * @param departure ends connections by their answers
 * @param intake bounds the bodies that are on their way, whichever route they are for
 */
export function createListener(
  options: AppOptions,
  app: RequestListener,
  departure: Departure,
  intake: Intake = createIntake(),
): RequestListener {
  const context = contextOf(options);
  const pipeline = createPipeline(context, options.clock);
  const turns = createTurns();
  const inLane = createLanes();
  const { trustedProxies = [] } = options;
  const common = {
    names: new Set(Object.keys(pipeline.common)),
    inTurn: Object.entries(pipeline.common).flat(),
  };
  const routes = new Map(DIRECT.map((route) => [`${route.method} ${route.path}`, route]));

  return (incoming, response) => {
    departure.arrived(response);
    inLane(response, () => handle(incoming, response));
  };

  function handle(incoming: IncomingMessage, response: ServerResponse): void {
    const route = routes.get(`${incoming.method} ${incoming.url}`);
    if (route === undefined || !isPlain(incoming, route)) {
      departure.track(response);
      if (hasSeveralHosts(incoming)) {
        const refusal = new DomainError("invalid_request", "must be there once", "Host");
        const exchange = exchangeOf(undefined, incoming, trustedProxies);
        settle(incoming, response, exchange, undefined, () => Promise.reject(refusal));
      } else passOn(incoming, response);
      return;
    }
    const exchange = exchangeOf(route, incoming, trustedProxies);
    turns.begin(() => {
      const refusal = admit(incoming, exchange);
      settle(incoming, response, exchange, route, () =>
        refusal === undefined
          ? route.run(context, exchange)
          : admitKnown(incoming, exchange, refusal).then(() => route.run(context, exchange)),
      );
    });
  }

  function settle(
    incoming: IncomingMessage,
    response: ServerResponse,
    exchange: Exchange,
    route: Route | undefined,
    run: () => Promise<Reply>,
  ): void {
    pipeline
      .settle(exchange, route, run)
      .then((reply) => turns.end(() => answer(incoming, response, reply, exchange)))
      // `settle` never rejects, so only a fault of this file gets here.
      .catch(() => response.destroy());
  }

  function admit(
    incoming: IncomingMessage,
    { peer = "" }: Exchange,
    isKnown = false,
  ): DomainError | undefined {
    const announced = headerOf(incoming.rawHeaders, "content-length");
    const length = announced === null ? undefined : Number(announced);
    return intake.admit(incoming, length, peer, isKnown);
  }

  /** Admits a body to the part that is kept for callers whose credential, in the head, is good. @throws the refusal */
  async function admitKnown(
    incoming: IncomingMessage,
    exchange: Exchange,
    refusal: DomainError,
  ): Promise<void> {
    // Who floods has a thousand refused in one turn of the event loop.
    await nextTurn();
    const caller = await authenticate(context, exchange).catch(() => undefined);
    const refused = caller === undefined ? refusal : admit(incoming, exchange, true);
    if (refused !== undefined) throw refused;
  }

  /** Hands a request to the app, once it is known whether its body is still on its way. */
  function passOn(incoming: IncomingMessage, response: ServerResponse): void {
    if (!hasBody(incoming)) {
      app(incoming, response);
      return;
    }
    // Before the answer's end, at which Node would begin to read the rest by itself.
    const leave = () => {
      if (!incoming.complete) drain(incoming);
    };
    response.once("prefinish", leave);
    setImmediate(() => {
      const exchange = exchangeOf(undefined, incoming, trustedProxies);
      const refusal = admit(incoming, exchange);
      if (refusal === undefined) {
        app(incoming, response);
        return;
      }
      onBill(exchange.seen, () => admitKnown(incoming, exchange, refusal)).then(
        () => app(incoming, response),
        (error) => {
          response.off("prefinish", leave);
          settle(incoming, response, exchange, undefined, () => Promise.reject(error));
        },
      );
    });
  }

  function answer(
    incoming: IncomingMessage,
    response: ServerResponse,
    reply: Reply,
    exchange: Exchange,
  ): void {
    try {
      write(response, reply, exchange, common, departure.isLast(response));
      if (!incoming.complete) leaveRest(incoming, reply.code);
    } catch {
      // A fault of this file. Part of the answer may have been written already, so the connection cannot go on.
      response.destroy();
    }
  }
}

function hasBody({ rawHeaders }: IncomingMessage): boolean {
  return (
    headerOf(rawHeaders, "transfer-encoding") !== null ||
    (headerOf(rawHeaders, "content-length") ?? "0") !== "0"
  );
}

function isPlain({ rawHeaders }: IncomingMessage, { body, form }: Route): boolean {
  const most = body?.maxBytes ?? (form === undefined ? 0 : OAUTH_FORM.maxBytes);
  const length = headerOf(rawHeaders, "content-length");
  // Node's parser has refused a length that is not all digits, and a length beside a transfer encoding.
  return (
    length !== null &&
    Number(length) <= most &&
    headerOf(rawHeaders, "transfer-encoding") === null &&
    PLAIN_HOST.test(headerOf(rawHeaders, "host") ?? "")
  );
}

/** @param route undefined for a request that is refused before its route is sought */
function exchangeOf(
  route: Route | undefined,
  incoming: IncomingMessage,
  trustedProxies: readonly Block[],
): Exchange {
  const { remoteAddress } = incoming.socket;
  const socketPeer = remoteAddress === undefined ? undefined : plainAddress(remoteAddress);
  const header = (name: string) => headerOf(incoming.rawHeaders, name);
  const from = originOf(socketPeer, header, trustedProxies);
  return {
    request: incomingRequest(incoming),
    method: incoming.method ?? "",
    path: route?.path ?? "",
    params: {},
    search: "",
    ...from,
    requestId: requestId(headerOf(incoming.rawHeaders, REQUEST_ID)),
    seen: seenFrom(from.peer),
  };
}

/**
 * @param common headers of every answer; a header of the reply replaces one of the same name
 * @param isLast whether the connection ends with this answer
 */
function write(
  response: ServerResponse,
  reply: Reply,
  { requestId: id, seen }: { readonly requestId: string; readonly seen: Bill },
  common: CommonHeaders,
  isLast: boolean,
): void {
  const { body, headers, cookies } = reply;
  const isLong = Array.isArray(body);
  if (typeof body !== "string" && !isLong) throw new TypeError("a direct route answers with text");
  const own: string[] = [];
  let replaces = false;
  for (const name in headers) {
    own.push(name, headers[name] ?? "");
    if (common.names.has(name)) replaces = true;
  }
  const inTurn = replaces ? without(common.inTurn, Object.keys(headers)) : common.inTurn;
  for (const cookie of cookies ?? []) own.push("set-cookie", cookie);
  own.push(REQUEST_ID, id);
  if (isLast) own.push("connection", "close");
  if (isLong) {
    response.writeHead(reply.status, inTurn.concat(own));
    writeInTurns(body, response, seen).catch(() => response.destroy());
    return;
  }
  const length = Buffer.byteLength(body);
  own.push("content-length", String(length));
  response.writeHead(reply.status, inTurn.concat(own));
  // A text leaves in one write with the head. Latin-1 spares the transcoding of a text whose characters are one byte.
  response.end(body, length === body.length ? "latin1" : "utf8");
}

/** @param inTurn names and values in turn */
function without(inTurn: readonly string[], names: readonly string[]): readonly string[] {
  return inTurn.filter((_, at) => !names.includes(inTurn[at - (at % 2)] ?? ""));
}

/** Leaves the rest of a body that was refused. @param code of the refusal */
function leaveRest(incoming: IncomingMessage, code: string | undefined): void {
  if (code === "rate_limited" || code === "unavailable") linger(incoming);
  else drain(incoming);
}

/**
 * Reads nothing more of a connection, and closes it after a while. There is too much already, so that to read on, and to
 * have the connection opened anew at once, is what a flood is made of; the answer is out.
 */
function linger(incoming: IncomingMessage): void {
  const { socket } = incoming;
  // Not all of a crowd at once: they would all come back at once.
  const timer = setTimeout(() => socket.destroy(), LINGER * (1 + Math.random())).unref();
  socket.once("close", () => clearTimeout(timer));
  // With a listener for its data Node does not read it by itself.
  incoming.on("data", () => {});
  incoming.pause();
  // Thrown away while it is young: what a crowd leaves lying until its connections end is found by whole collections alone.
  incoming.read();
  // After the turn in which Node reads on because there is room again.
  process.nextTick(() => socket.pause());
}

/**
 * Reads the rest of a refused body for a while, and slowly: a connection closed at once might lose the answer, and each
 * piece is memory that the collector has to find.
 */
function drain(incoming: IncomingMessage): void {
  const { socket } = incoming;
  const timer = setTimeout(() => socket.destroySoon(), DRAIN).unref();
  incoming.once("close", () => clearTimeout(timer));
  incoming.once("end", () => clearTimeout(timer));
  incoming.on("data", () => {
    incoming.pause();
    void idleTurn(payerFrom(socket.remoteAddress)).then(() => incoming.resume());
  });
  incoming.resume();
}
