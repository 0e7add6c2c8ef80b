import { z } from "zod";
import type { Caller } from "../../domain/caller.ts";
import { DomainError } from "../../domain/parts/error.ts";
import type { ProblemCode } from "../../words/problem-codes.ts";
import type { Reply } from "../parts/reply.ts";
import { authenticate } from "./authenticate.ts";
import { dischargeRequired, speaksBakery } from "./bakery-wire.ts";
import type { Exchange, HttpContext } from "./context.ts";
import { beginWait } from "./held-back.ts";
import { type JsonBody, receive } from "./json-body.ts";
import { requireShortQuery } from "./pairs.ts";
import { readQuery } from "./query.ts";

/** Whether a route needs a caller. `optional`: it takes one, and refuses a credential that is no good. */
export type Auth = "none" | "caller" | "optional";

/** The readers of a route. */
export type RouteKind = "api" | "page" | "probe" | "protocol";

type CallerOf<A extends Auth> = A extends "caller"
  ? Caller
  : A extends "optional"
    ? Caller | undefined
    : undefined;

/** An answer that a route gives, for openapi.yaml. */
export interface RouteResponse {
  readonly description: string;
  /** `application/json` by default. */
  readonly mediaType?: string;
  /** Absent if the answer has no body. */
  readonly schema?: z.ZodType;
  readonly example?: unknown;
  /** Other media types of the same answer, for requests that accept them. */
  readonly others?: Readonly<Record<string, z.ZodType>>;
  /** Headers and their descriptions. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** A header that a route reads, for openapi.yaml. */
export interface RouteHeader {
  readonly name: string;
  readonly schema: z.ZodType;
}

/** The input of a handler: everything read and checked. */
export interface RouteInput<A extends Auth, P, Q, B> {
  readonly context: HttpContext;
  readonly service: HttpContext["service"];
  readonly exchange: Exchange;
  readonly caller: CallerOf<A>;
  readonly params: P;
  readonly query: Q;
  readonly body: B;
  /** The body's bytes as received; empty if the route takes none. */
  readonly bytes: Uint8Array;
}

/** A route, described once: hono's handlers and openapi.yaml are both made from it. */
export interface RouteDefinition<A extends Auth, P, Q, B> {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** With parameters in braces, as OpenAPI writes them. */
  readonly path: string;
  readonly operationId: string;
  readonly tag: string;
  readonly summary: string;
  readonly description: string;
  readonly auth: A;
  /**
   * Refuses a caller that no body could help, so that nobody makes the service read megabytes for an answer that is
   * certain. The use case asks again, with all that it knows: this only saves work.
   *
   * @throws DomainError
   */
  authorize?(caller: CallerOf<A>, params: P): void;
  /**
   * `api` unless said. A `page` is for browsers and answers errors in HTML. A `protocol` is somebody else's, with
   * errors of its own form. All but `api` take any query if they have no query schema, and a `probe` takes parameters
   * beside those of its schema: others write their own there, and a health check must not fail by them.
   */
  readonly kind?: RouteKind;
  readonly params?: z.ZodType<P>;
  readonly query?: z.ZodType<Q>;
  /** Largest query, bytes; 16 KiB unless said. */
  readonly maxQuery?: number;
  readonly body?: JsonBody<B>;
  /** The body as a form. The handler reads it, since a form has no members of several types. */
  readonly form?: { readonly schema: z.ZodType; readonly example: unknown };
  readonly headers?: readonly RouteHeader[];
  readonly responses: Readonly<Record<number, RouteResponse>>;
  /** Codes of problems besides those that follow from credential, query and body. */
  readonly problems?: readonly ProblemCode[];
  /** False if a HEAD would have the effects of a GET. */
  readonly head?: boolean;
  handler(input: RouteInput<A, P, Q, B>): Promise<Reply> | Reply;
}

/** A route without the types of its parameters, query and body: routes of all types stand in one list. */
export interface Route
  extends Omit<RouteDefinition<Auth, unknown, unknown, unknown>, "handler" | "authorize" | "kind"> {
  readonly kind: RouteKind;
  /** Authenticates, authorises, reads, checks and answers, in this order. */
  run(context: HttpContext, exchange: Exchange): Promise<Reply>;
}

type Nothing = Readonly<Record<string, never>>;

const NOTHING: Nothing = {};
const NO_QUERY = z.strictObject({});

/** Defines a route. */
export function defineRoute<A extends Auth, P = Nothing, Q = Nothing, B = undefined>(
  definition: RouteDefinition<A, P, Q, B>,
): Route {
  const { handler, authorize, ...description } = definition;
  const kind = definition.kind ?? "api";

  async function run(context: HttpContext, exchange: Exchange): Promise<Reply> {
    requireShortQuery(exchange.search, definition.maxQuery);
    const { auth } = definition;
    const caller = auth === "none" ? undefined : await authenticate(context, exchange);
    if (caller === undefined && auth === "caller") throw await noCaller(context, exchange);
    const params = readParams(definition.params, exchange);
    const query = readRouteQuery(definition.query, kind, exchange);
    // `Route` forgot these types. The definition's own schemas made the values, so the types still hold.
    authorize?.(caller as CallerOf<A>, params as P);
    const receiving =
      definition.body && receive(exchange.request, definition.body, caller === undefined, context.clock);
    // A body that came with its head is not waited for, so nothing can end meanwhile.
    const waiting = receiving instanceof Promise ? beginWait(context.clock) : undefined;
    const received = receiving instanceof Promise ? await receiving : receiving;
    const still = waiting?.wasLong() ? await callerStill(caller, context, exchange) : caller;
    if (still !== caller) authorize?.(still as CallerOf<A>, params as P);
    return handler({
      context,
      service: context.service,
      exchange,
      caller: still as CallerOf<A>,
      params: params as P,
      query: query as Q,
      body: received?.value as B,
      bytes: received?.bytes ?? new Uint8Array(),
    });
  }

  return { ...description, kind, run };
}

/** The refusal of a request without a credential, where one is needed. */
async function noCaller(context: HttpContext, exchange: Exchange): Promise<Error> {
  if (speaksBakery(exchange.request)) return dischargeRequired(context);
  return new DomainError("unauthenticated", "this needs a bearer credential or a session");
}

/** Who sends a body can hold it back for half a minute: by then the session or the credential may have ended. */
async function callerStill(
  caller: Caller | undefined,
  context: HttpContext,
  exchange: Exchange,
): Promise<Caller | undefined> {
  if (caller === undefined) return undefined;
  const still = await authenticate(context, exchange);
  if (still === undefined) throw await noCaller(context, exchange);
  return still;
}

function readParams(schema: z.ZodType | undefined, exchange: Exchange): unknown {
  if (schema === undefined) return NOTHING;
  const result = schema.safeParse(exchange.params);
  // A malformed id names nothing, like an unknown one.
  if (!result.success) throw new DomainError("not_found", "no such thing");
  return result.data;
}

function readRouteQuery(schema: z.ZodType | undefined, kind: RouteKind, exchange: Exchange): unknown {
  if (schema !== undefined) {
    const names = kind === "probe" && schema instanceof z.ZodObject ? Object.keys(schema.shape) : undefined;
    return readQuery(exchange.search, schema, names && ((name) => names.includes(name)));
  }
  if (exchange.search === "") return NOTHING;
  return kind === "api" ? readQuery(exchange.search, NO_QUERY) : NOTHING;
}
