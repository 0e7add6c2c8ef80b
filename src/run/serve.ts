import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";

import { getRequestListener } from "@hono/node-server";

import type { Config } from "../config.ts";
import { DomainError } from "../domain/parts/error.ts";
import { SERVICE_PLATFORM } from "../domain/ports/platforms.ts";
import { type Bootstrapped, DEFAULT_PLATFORM } from "../domain/upkeep/bootstrap.ts";
import { createApp } from "../http/app.ts";
import { createListener } from "../http/fast/direct.ts";
import { pinoHttpLog } from "../http/log/pino-log.ts";
import { createConnectionCrowd } from "../http/serving/connection-crowd.ts";
import { createDeparture, type Departure } from "../http/serving/departure.ts";
import { targetRefused } from "../http/serving/http-refusals.ts";
import { createHttpServer, type HttpServer } from "../http/serving/http-server.ts";
import { createLogger, errorFields, logBindings } from "./log.ts";
import { type Metering, startMetering, tallyFor } from "./metrics/metering.ts";
import type { Reported } from "./metrics/samples.ts";
import { type Opened, open } from "./open.ts";
import { standardOutput } from "./output.ts";
import { docsFolder, readOpenapi, VERSION } from "./package.ts";
import { waitToOpen } from "./start-wait.ts";
import { systemClock } from "./system.ts";
import { startTracing } from "./traces/start.ts";
import type { Tracing } from "./traces/tracing.ts";

/** A service that answers. */
export interface Serving {
  /** The port that it listens on; a worker's is another process's. */
  readonly port: number;
  /** The port that scrapes are answered on; undefined if it is none of their own. */
  readonly metricsPort: number | undefined;
  /** Answers requests over a connection that another process has accepted. */
  take(connection: Socket): void;
  /** The things that the first start made; undefined if that is not this process's business. */
  readonly bootstrapped: Bootstrapped | undefined;
  /**
   * Fails readiness, waits for balancers to notice, takes no new connections, answers open requests, and closes
   * everything, within five seconds besides `delay`. Asked again, it waits for the same end.
   *
   * @param delay milliseconds between failing readiness and closing the port; as configured unless said
   */
  stop(delay?: number): Promise<void>;
  /** Fails readiness alone. */
  announceStop(): void;
  /** This process's metrics, as they were a moment ago; undefined if nobody can ask for them. */
  numbers(): Promise<readonly Reported[]> | undefined;
  /** The same as they are, for the last time. */
  lastNumbers(): Promise<readonly Reported[]> | undefined;
}

/** Milliseconds after which every connection is closed, even with a request on it, and after which all else is given up. */
const CUT_OFF = 3_200;
const GIVE_UP = 3_800;

/** Milliseconds for which the collector of traces may hold up a stop. */
const LAST_SPANS = 1_000;

function requestListener(
  config: Config,
  opened: Opened,
  worker: number | undefined,
  departure: Departure,
  metering: Metering | undefined,
  tracer: Tracing | undefined,
) {
  const options = {
    service: opened.service,
    publicUrl: config.publicUrl,
    trustedProxies: config.trustedProxies,
    allowedOrigins: config.allowedOrigins,
    log: pinoHttpLog(opened.log, {
      write: standardOutput().hold,
      now: Date.now,
      bindings: logBindings(worker),
      share: config.logRequests,
    }),
    meter: metering?.tally,
    tracer,
    scrape: metering?.scrape,
    clock: systemClock,
    version: VERSION,
    openapi: readOpenapi(),
    docsFolder: docsFolder(),
    commandLineLogin: opened.people.commandLineLogin,
  };
  const app = getRequestListener(createApp(options).fetch, {
    errorHandler: targetRefused,
    // The listener reads the rest of a refused body itself, in turns.
    autoCleanupIncoming: false,
  });
  const provider = opened.people.developmentProvider;
  const others = (request: IncomingMessage, response: ServerResponse): void => {
    const path = (request.url ?? "/").split("?", 1)[0] ?? "/";
    if (provider?.owns(path)) void provider.handler(request, response);
    else void app(request, response);
  };
  return createListener(options, others, departure);
}

async function bootstrap(opened: Opened): Promise<Bootstrapped> {
  const done = await opened.bootstrap.run(false);
  if (done.outcome === "made") {
    // A real provider may have a whole company as its people. The development provider has the two that it was made for.
    const level = opened.people.developmentProvider === undefined ? "warn" : "info";
    opened.log[level]({
      event: "default platform made",
      platform: DEFAULT_PLATFORM,
      detail: "its policy admits every principal of OIDC_ISSUER for up to a day",
    });
  }
  return done;
}

/** A service with its keys and revocations read, and the things that its first start made. */
interface Started {
  readonly opened: Opened;
  readonly bootstrapped: Bootstrapped | undefined;
  close(): Promise<void>;
}

async function openAndStart(config: Config, overrides: Parameters<typeof open>[1]): Promise<Started> {
  const opened = await open(config, overrides);
  try {
    const bootstrapped = opened.embedded ? await bootstrap(opened) : undefined;
    await opened.start();
    if (!opened.embedded && (await opened.isBootstrapped()) === false) {
      opened.log.warn({
        event: "no platform yet",
        detail: "run `bakehouse bootstrap` once",
        platform: SERVICE_PLATFORM,
      });
    }
    return { opened, bootstrapped, close: opened.close };
  } catch (error) {
    await opened.close();
    throw error;
  }
}

/**
 * Serves until told to stop. A worker opens no port, and takes connections instead. A database that does not answer is
 * waited for, as long as the configuration says.
 *
 * @param overrides parts that a drill replaces, and a signal that ends that wait
 * @throws the signal's reason; if the database, the data folder or the port cannot be had, or the master key does not open the stored keys
 */
export async function serve(
  config: Config,
  overrides: Parameters<typeof open>[1] & { readonly signal?: AbortSignal } = {},
): Promise<Serving> {
  const { worker, signal = new AbortController().signal } = overrides;
  const tally = tallyFor(config.metrics);
  const log = createLogger(config.logLevel, logBindings(worker));
  const tracing = await startTracing(config.traces, { version: VERSION, worker, log });
  const begin = () => openAndStart(config, { ...overrides, tally, tracing });
  const { opened, bootstrapped } = await waitToOpen(begin, {
    patience: config.startWait,
    signal,
    onWait(why, left) {
      const seconds_left = Math.ceil(left / 1_000);
      log.warn({ event: "database awaited", detail: why, seconds_left });
    },
  });
  let metering: Metering | undefined;
  try {
    if (tally !== undefined) {
      const parts = { tally, clock: systemClock, isWorker: worker !== undefined };
      metering = await startMetering(config.metrics, opened.measured, parts);
      const { listener } = metering;
      if (listener !== undefined) opened.log.info({ event: "metrics served", port: listener.port });
    }
    const metered = metering;
    const departure = createDeparture();
    const server = createHttpServer(
      requestListener(config, opened, worker, departure, metered, tracing),
      departure,
      createConnectionCrowd(undefined, config.trustedProxies),
    );
    const port = worker === undefined ? await server.listen(config.port, config.host) : config.port;
    void opened.maintenance.run();
    // In the background: a service whose issuer is away verifies and revokes like any other.
    opened.people.checkIssuer().catch((error: unknown) =>
      opened.log.warn({
        ...(error instanceof DomainError ? error.facts : {}),
        event: "identity provider",
        ...errorFields(error),
      }),
    );
    opened.log.info({
      event: "serving",
      host: config.host,
      port,
      public_url: config.publicUrl,
      version: VERSION,
    });
    let stopping: Promise<void> | undefined;
    return {
      port,
      metricsPort: metered?.listener?.port,
      take: server.take,
      bootstrapped,
      announceStop: opened.announceStop,
      numbers: () => metered?.collector.collect(),
      lastNumbers: () => metered?.collector.last(),
      stop(delay = config.shutdownDelay) {
        stopping ??= stop({ opened, server, metering: metered, tracing }, delay);
        return stopping;
      },
    };
  } catch (error) {
    await metering?.close();
    await opened.close();
    await tracing?.close(LAST_SPANS);
    throw error;
  }
}

/** All that ends with a service. */
interface Running {
  readonly opened: Opened;
  readonly server: HttpServer;
  readonly metering: Metering | undefined;
  readonly tracing: Tracing | undefined;
}

async function stop({ opened, server, metering, tracing }: Running, delay: number): Promise<void> {
  opened.announceStop();
  await pause(delay);
  const begun = performance.now();
  const left = (limit: number) => Math.max(0, begun + limit - performance.now());
  await server.closeDoor();
  opened.endWaits();
  // Most spans are on their way already before the last ones are, and cost the stop no time.
  void tracing?.flush();
  await server.drain(left(CUT_OFF));
  await Promise.race([opened.close(), pause(left(GIVE_UP))]);
  await tracing?.close(Math.min(LAST_SPANS, left(GIVE_UP)));
  await metering?.close();
  opened.log.info({ event: "stopped" });
}
