import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";

import { getRequestListener } from "@hono/node-server";

import type { Config } from "../config.ts";
import { SERVICE_PLATFORM } from "../domain/ports/platforms.ts";
import { type Bootstrapped, DEFAULT_PLATFORM } from "../domain/upkeep/bootstrap.ts";
import { createApp } from "../http/app.ts";
import { createListener } from "../http/fast/direct.ts";
import { pinoHttpLog } from "../http/log/pino-log.ts";
import { logBindings } from "./log.ts";
import { type Opened, open } from "./open.ts";
import { standardOutput } from "./output.ts";
import { docsFolder, readOpenapi, VERSION } from "./package.ts";
import { systemClock } from "./system.ts";

/** A service that answers. */
export interface Serving {
  /** The port that it listens on. */
  readonly port: number;
  /** What the first start made; undefined where that is not this process's business. */
  readonly bootstrapped: Bootstrapped | undefined;
  /** Lets requests finish, within ten seconds, and closes everything. */
  stop(): Promise<void>;
}

/** A bundle is at most 64 KiB; the rest is for the other headers. */
const MAX_HEADER_BYTES = 96 * 1024;

/** Milliseconds. */
const SHUTDOWN = 10_000;

function listen(server: Server, config: Config): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(config.port, config.host, () => {
      const address = server.address();
      resolve(typeof address === "object" && address !== null ? address.port : config.port);
    });
  });
}

function shutDown(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const force = setTimeout(() => server.closeAllConnections(), SHUTDOWN);
    server.close(() => {
      clearTimeout(force);
      resolve();
    });
    server.closeIdleConnections();
  });
}

function requestListener(config: Config, opened: Opened, worker: number | undefined) {
  const options = {
    service: opened.service,
    publicUrl: config.publicUrl,
    log: pinoHttpLog(opened.log, {
      write: standardOutput().hold,
      now: Date.now,
      bindings: logBindings(worker),
    }),
    clock: systemClock,
    version: VERSION,
    openapi: readOpenapi(),
    docsFolder: docsFolder(),
    commandLineLogin: opened.people.commandLineLogin,
  };
  const app = getRequestListener(createApp(options).fetch);
  const provider = opened.people.developmentProvider;
  return createListener(options, (request: IncomingMessage, response: ServerResponse): void => {
    const path = (request.url ?? "/").split("?", 1)[0] ?? "/";
    if (provider?.owns(path)) void provider.handler(request, response);
    else void app(request, response);
  });
}

async function bootstrap(opened: Opened): Promise<Bootstrapped> {
  const done = await opened.bootstrap.run(false);
  if (done.outcome === "made") {
    opened.log.warn({
      event: "default platform made",
      platform: DEFAULT_PLATFORM,
      detail: "its policy admits every principal of OIDC_ISSUER for up to a day",
    });
  }
  return done;
}

/**
 * Serves until told to stop.
 *
 * Rejects where the database, the data folder or the port cannot be had, or the master key does not
 * open the stored keys.
 */
export async function serve(config: Config, overrides?: Parameters<typeof open>[1]): Promise<Serving> {
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
    const server = createServer(
      {
        maxHeaderSize: MAX_HEADER_BYTES,
        headersTimeout: 10_000,
        requestTimeout: 30_000,
        keepAliveTimeout: 65_000,
      },
      requestListener(config, opened, overrides?.worker),
    );
    const port = await listen(server, config);
    if (config.otlpEndpoint !== undefined) {
      opened.log.warn({
        event: "tracing not built",
        detail: "OTEL_EXPORTER_OTLP_ENDPOINT is set and nothing is exported",
      });
    }
    void opened.maintenance.run();
    opened.log.info({
      event: "serving",
      host: config.host,
      port,
      public_url: config.publicUrl,
      version: VERSION,
    });
    return {
      port,
      bootstrapped,
      async stop() {
        opened.endStreams();
        await shutDown(server);
        await opened.close();
        opened.log.info({ event: "stopped" });
      },
    };
  } catch (error) {
    await opened.close();
    throw error;
  }
}
