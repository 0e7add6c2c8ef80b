import { isIP } from "node:net";

import type { Block } from "./caveats/values/address.ts";
import { type AuditConfig, readAudit } from "./config/audit.ts";
import { type DatabaseConfig, readDatabase } from "./config/database.ts";
import { ConfigError, createReader, type Environment, type SecretFile } from "./config/environment.ts";
import { type IdentityConfig, readIdentity } from "./config/identity.ts";
import { type LogConfig, readLog } from "./config/log.ts";
import { type MetricsPlace, readMetrics } from "./config/metrics.ts";
import { type ProviderNetwork, readProviderNetwork } from "./config/provider-network.ts";
import { readSecretFile } from "./config/secret-file.ts";
import { readTraces, type TracesConfig } from "./config/traces.ts";
import { unknownSettings } from "./config/unknown.ts";
import {
  parseBlocks,
  parseDuration,
  parseHost,
  parseOrigin,
  parseOrigins,
  parsePort,
  parseWait,
} from "./config/values.ts";
import { parseWaiting } from "./config/waiting.ts";
import { readWebhook, type WebhookConfig } from "./config/webhook.ts";
import { isLoopbackHost } from "./domain/access/this-machine.ts";
import type { WaitingLimits } from "./domain/discharge/limits.ts";

/** Everything that the environment decides, checked. */
export interface Config extends AuditConfig, DatabaseConfig, IdentityConfig, LogConfig {
  readonly dataDir: string;
  readonly host: string;
  readonly port: number;
  /** An origin, without a trailing slash. */
  readonly publicUrl: string;
  /** How identity providers are reached. */
  readonly providerNetwork: ProviderNetwork;
  /** Peers that are believed when they say for whom they ask. */
  readonly trustedProxies: readonly Block[];
  /** Origins whose pages may call the API from a browser. */
  readonly allowedOrigins: readonly string[];
  /** Between failing readiness and closing the port, milliseconds. */
  readonly shutdownDelay: number;
  /** How long the start waits for a database, milliseconds. */
  readonly startWait: number;
  /** Where approvals are announced; undefined for nowhere. */
  readonly webhook: WebhookConfig | undefined;
  /** How many requests for discharges may wait, where that differs from the usual. */
  readonly waitingRequests: Partial<WaitingLimits>;
  /** Milliseconds. */
  readonly revocationMaxStaleness: number;
  readonly metrics: MetricsPlace;
  /** The way of traces; undefined if there are none. */
  readonly traces: TracesConfig | undefined;
  /** What is no problem and yet not as it should be, one a line, without any value. */
  readonly warnings: readonly string[];
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
  readFile: (path: string, mostBytes?: number) => SecretFile | string = readSecretFile,
): Config {
  const reader = createReader(environment, readFile);
  const { text, isSet, read, problems } = reader;
  const database = readDatabase(reader, environment);
  const host = read("HOST", parseHost) ?? "127.0.0.1";
  const port = read("PORT", parsePort) ?? 8080;
  const defaultUrl = `http://${isIP(host) === 6 ? `[${host}]` : host}:${port}`;
  const publicUrl =
    read("PUBLIC_URL", parseOrigin) ?? (isLoopbackHost(host) ? defaultUrl : `http://127.0.0.1:${port}`);
  const hasServer = isSet("DATABASE_URL");

  const config: Config = {
    ...database,
    ...readAudit(reader),
    dataDir: text("DATA_DIR") ?? "./data",
    host,
    port,
    publicUrl,
    providerNetwork: readProviderNetwork(reader),
    ...readIdentity(reader, { host, publicUrl, hasServer }),
    trustedProxies: read("TRUSTED_PROXIES", parseBlocks) ?? [],
    allowedOrigins: read("ALLOWED_ORIGINS", parseOrigins) ?? [],
    shutdownDelay: read("SHUTDOWN_DELAY", parseWait) ?? 0,
    startWait: read("START_WAIT", parseWait) ?? 30_000,
    webhook: readWebhook(reader),
    waitingRequests: read("WAITING_REQUESTS", parseWaiting) ?? {},
    revocationMaxStaleness: read("REVOCATION_MAX_STALENESS", parseDuration) ?? 10_000,
    ...readLog(reader),
    metrics: readMetrics(reader, { host, port, hasServer }),
    traces: readTraces(reader, environment),
    warnings: [...reader.warnings, ...unknownSettings(environment)],
  };
  if (problems.length > 0) throw new ConfigError(problems, config.warnings);
  return config;
}
