import { type Context, Hono } from "hono";
import type { Block } from "../caveats/values/address.ts";
import { DomainError } from "../domain/parts/error.ts";
import type { Clock } from "../domain/ports/clock.ts";
import type { Service } from "../domain/service.ts";
import { REQUEST_ID } from "../words/http.ts";
import type { HttpLog } from "./log/log.ts";
import { requestId } from "./log/request-id.ts";
import type { RequestMeter } from "./log/request-meter.ts";
import type { RequestTracer } from "./log/request-tracer.ts";
import { pages } from "./pages/all.tsx";
import { cookieNames } from "./parts/cookies.ts";
import { createDocsFiles } from "./parts/docs-files.ts";
import { originOf } from "./parts/forwarded.ts";
import { socketPeer } from "./parts/peer.ts";
import { HttpError } from "./parts/problem.ts";
import { type Reply, seeOther } from "./parts/reply.ts";
import { rightHost } from "./parts/right-host.ts";
import {
  type CommandLineLogin,
  type Exchange,
  type HttpContext,
  type Scrape,
  seenFrom,
} from "./request/context.ts";
import { createPipeline } from "./request/pipeline.ts";
import type { Route } from "./request/route.ts";
import { ROUTES } from "./routes/all.ts";
import { metrics } from "./routes/metrics.ts";

/** The parts of the HTTP adapter. */
export interface AppOptions {
  readonly service: Service;
  /** The origin at which callers reach the service. */
  readonly publicUrl: string;
  readonly log: HttpLog;
  readonly meter?: RequestMeter | undefined;
  readonly tracer?: RequestTracer | undefined;
  /** Answers a scrape on this port: without it there is no such path. */
  readonly scrape?: Scrape | undefined;
  readonly clock: Clock;
  readonly version: string;
  /** The text of openapi.yaml. */
  readonly openapi: string;
  /** The folder that holds the files of swagger-ui-dist. */
  readonly docsFolder: string;
  /** Told to everyone; undefined if the command line has no client id at the issuer. */
  readonly commandLineLogin?: CommandLineLogin | undefined;
  /** Peers that are believed when they say for whom they ask; none unless said. */
  readonly trustedProxies?: readonly Block[];
  /** Origins whose pages may call the API; none unless said. */
  readonly allowedOrigins?: readonly string[];
  /** The address of a request's peer; the socket's unless said. */
  readonly peer?: (c: Context) => string | undefined;
}

/** The HTTP adapter: every route, and an answer to everything that is none. */
export function createApp(options: AppOptions): Hono {
  const context = contextOf(options);
  const { answer } = createPipeline(context, options.clock);
  const { peer = socketPeer, trustedProxies = [] } = options;
  const app = new Hono();

  function exchangeOf(c: Context, pattern: string): Exchange {
    const request = c.req.raw;
    const params: Readonly<Record<string, string>> = c.req.param();
    const from = originOf(peer(c), (name) => request.headers.get(name), trustedProxies);
    return {
      request,
      method: request.method,
      path: pattern.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(params[name] ?? "")),
      params,
      search: searchOf(request.url),
      ...from,
      requestId: requestId(request.headers.get(REQUEST_ID)),
      seen: seenFrom(from.peer),
    };
  }

  function pageElsewhere(c: Context, { method, path, search }: Exchange): string | undefined {
    if (method !== "GET") return undefined;
    return rightHost(context.publicUrl, c.req.url, search === "" ? path : `${path}?${search}`);
  }

  const there = ROUTES.filter((route) => route !== metrics || options.scrape !== undefined);
  for (const [path, routes] of byPath(there)) {
    const pattern = path.replace(/\{(\w+)\}/g, ":$1");
    for (const route of routes) {
      app.on(route.method, pattern, (c) => {
        const exchange = exchangeOf(c, path);
        return answer(exchange, route, () => {
          if (exchange.method === "HEAD" && route.head === false) return wrongMethod(exchange, routes);
          const elsewhere = route.kind === "page" ? pageElsewhere(c, exchange) : undefined;
          if (elsewhere !== undefined) return Promise.resolve(seeOther(elsewhere, []));
          return route.run(context, exchange);
        });
      });
    }
    app.all(pattern, (c) => {
      const exchange = exchangeOf(c, path);
      return answer(exchange, routes[0], () => wrongMethod(exchange, routes));
    });
  }
  app.notFound((c) =>
    answer(exchangeOf(c, ""), undefined, async () => {
      throw new DomainError("not_found", "no such path");
    }),
  );
  // The pipeline answers everything that routes throw: an error here is a fault of the pipeline.
  app.onError((error, c) =>
    answer(exchangeOf(c, ""), undefined, async () => {
      throw error;
    }),
  );
  return app;
}

/** The context of routes. */
export function contextOf(options: AppOptions): HttpContext {
  const publicUrl = new URL(options.publicUrl);
  const https = publicUrl.protocol === "https:";
  const { service, log, version, openapi, clock, docsFolder } = options;
  return {
    service,
    publicUrl,
    https,
    cookies: cookieNames(https),
    log,
    meter: options.meter,
    tracer: options.tracer,
    scrape: options.scrape,
    pages,
    version,
    startedAt: clock.now(),
    clock,
    openapi,
    docsFile: createDocsFiles(docsFolder),
    allowedOrigins: new Set(options.allowedOrigins),
    commandLineLogin: options.commandLineLogin,
  };
}

function byPath(routes: readonly Route[]): ReadonlyMap<string, readonly Route[]> {
  return Map.groupBy(routes, ({ path }) => path);
}

/** Answers a method that the path does not have: OPTIONS with the list, all others with a refusal. */
async function wrongMethod(exchange: Exchange, routes: readonly Route[]): Promise<Reply> {
  const methods = routes.flatMap(({ method, head }) =>
    method === "GET" && head !== false ? ["GET", "HEAD"] : [method],
  );
  const allow = [...methods, "OPTIONS"].join(", ");
  if (exchange.method === "OPTIONS") return { status: 204, body: null, headers: { allow } };
  throw new HttpError("method_not_allowed", "this path does not have that method", { allow });
}

function searchOf(url: string): string {
  const query = url.indexOf("?");
  if (query < 0) return "";
  const hash = url.indexOf("#", query);
  return url.slice(query + 1, hash < 0 ? undefined : hash);
}
