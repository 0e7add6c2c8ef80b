import { type Bill, payerFrom } from "../../domain/parts/turn.ts";
import type { Clock } from "../../domain/ports/clock.ts";
import type { Service } from "../../domain/service.ts";
import type { CallerKind, HttpLog } from "../log/log.ts";
import type { RequestMeter } from "../log/request-meter.ts";
import type { RequestTracer } from "../log/request-tracer.ts";
import type { Pages } from "../pages/pages.ts";
import type { CookieNames } from "../parts/cookies.ts";
import type { DocsFiles } from "../parts/docs-files.ts";

/** The things that every route can use. */
export interface HttpContext {
  readonly service: Service;
  readonly publicUrl: URL;
  /** Whether browsers reach the service by https: what PUBLIC_URL says, not what the socket is. */
  readonly https: boolean;
  readonly cookies: CookieNames;
  readonly log: HttpLog;
  /** Counts requests; undefined if nobody wants to know. */
  readonly meter: RequestMeter | undefined;
  /** Records requests; undefined if nobody wants to know. */
  readonly tracer: RequestTracer | undefined;
  /** Answers a scrape; undefined if none is answered on this port. */
  readonly scrape: Scrape | undefined;
  readonly pages: Pages;
  readonly version: string;
  /** Unix milliseconds. */
  readonly startedAt: number;
  readonly clock: Clock;
  /** The text of openapi.yaml. */
  readonly openapi: string;
  readonly docsFile: DocsFiles;
  readonly commandLineLogin: CommandLineLogin | undefined;
  /** Origins whose pages may call the API. */
  readonly allowedOrigins: ReadonlySet<string>;
}

/** Writes the metrics in the form that `Accept` asks for. */
export type Scrape = (
  accept: string | null,
) => Promise<{ readonly contentType: string; readonly text: string }>;

/** The login of people at the command line: the OIDC issuer, and the public client id there. */
export interface CommandLineLogin {
  readonly issuer: string;
  readonly clientId: string;
}

/** The members of a `Request` that this adapter needs. */
export interface HttpRequest {
  readonly method: string;
  /** Names in any case; several values of one name come joined by a comma and a space. */
  readonly headers: Pick<Headers, "get" | "has"> & Partial<Pick<Headers, "keys">>;
  /** The body as it arrives; null if there is none. */
  readonly body: ReadableStream<Uint8Array> | null;
  arrayBuffer(): Promise<ArrayBuffer>;
  /** Reads a body of an announced length, in place of `arrayBuffer`, without copying it. */
  readonly read?: () => Uint8Array | Promise<Uint8Array>;
}

/** One request on its way through the adapter. */
export interface Exchange {
  readonly request: HttpRequest;
  readonly method: string;
  /** The route's path with this request's parameters, each written in one way only: what caveats on `path` see. */
  readonly path: string;
  readonly params: Readonly<Record<string, string>>;
  /** The text behind `?`. */
  readonly search: string;
  /** The address that limits and the log count for: the peer's, or what a trusted proxy says; undefined if it is gone. */
  readonly peer: string | undefined;
  /** The address that caveats on `ip` are cleared against; undefined if it cannot be told behind a proxy. */
  readonly ip: string | undefined;
  readonly requestId: string;
  /** Filled in as it becomes known, for the log, for the answer's headers and for turns of the event loop. */
  readonly seen: Bill & { caller: CallerKind; credential: "none" | "bearer" | "cookie" };
}

/** The address that a request's look-ups and asks are counted for; all that hung up are one asker. */
export function askerOf({ peer }: Exchange): string {
  return peer ?? "unknown";
}

/** The facts of a request that has just come from a peer. @param peer as {@link Exchange} has it */
export function seenFrom(peer: string | undefined): Exchange["seen"] {
  return { caller: "none", credential: "none", payer: payerFrom(peer) };
}
