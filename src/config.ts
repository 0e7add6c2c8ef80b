import { readFileSync } from "node:fs";
import { isIP } from "node:net";

import { type DatabaseConfig, readDatabase } from "./config/database.ts";
import { ConfigError, createReader, type Environment } from "./config/environment.ts";
import { type IdentityConfig, readIdentity } from "./config/identity.ts";
import {
  type LogLevel,
  parseDuration,
  parseHost,
  parseLogLevel,
  parseOrigin,
  parsePort,
  parseUrl,
} from "./config/values.ts";
import { readWebhook, type WebhookConfig } from "./config/webhook.ts";
import { isLoopbackHost } from "./oidc/issuer-url.ts";

/** Everything that the environment decides, checked. */
export interface Config extends DatabaseConfig, IdentityConfig {
  readonly dataDir: string;
  readonly host: string;
  readonly port: number;
  /** An origin, without a trailing slash. */
  readonly publicUrl: string;
  /** Where approvals are announced; undefined for nowhere. */
  readonly webhook: WebhookConfig | undefined;
  /** Milliseconds. */
  readonly revocationMaxStaleness: number;
  readonly logLevel: LogLevel;
  readonly otlpEndpoint: string | undefined;
}

/**
 * Reads the configuration.
 *
 * @param environment the process's environment; an empty variable counts as unset
 * @param readFile reads the files that variables name
 * @throws {ConfigError} with every problem at once
 */
export function parseConfig(
  environment: Environment,
  readFile: (path: string) => string = (path) => readFileSync(path, "utf8"),
): Config {
  const reader = createReader(environment, readFile);
  const { text, read, problems } = reader;
  const database = readDatabase(reader);
  const host = read("HOST", parseHost) ?? "127.0.0.1";
  const port = read("PORT", parsePort) ?? 8080;
  const defaultUrl = `http://${isIP(host) === 6 ? `[${host}]` : host}:${port}`;
  const publicUrl =
    read("PUBLIC_URL", parseOrigin) ?? (isLoopbackHost(host) ? defaultUrl : `http://127.0.0.1:${port}`);
  const hasServer = text("DATABASE_URL") !== undefined;

  const config: Config = {
    ...database,
    dataDir: text("DATA_DIR") ?? "./data",
    host,
    port,
    publicUrl,
    ...readIdentity(reader, { host, publicUrl, hasServer }),
    webhook: readWebhook(reader),
    revocationMaxStaleness: read("REVOCATION_MAX_STALENESS", parseDuration) ?? 10_000,
    logLevel: read("LOG_LEVEL", parseLogLevel) ?? "info",
    otlpEndpoint: read("OTEL_EXPORTER_OTLP_ENDPOINT", (value) => parseUrl(value, ["http:", "https:"]).href),
  };
  if (problems.length > 0) throw new ConfigError(problems);
  return config;
}
