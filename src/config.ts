import { readFileSync } from "node:fs";
import { isIP } from "node:net";

import { Secret } from "./domain/keys/secret.ts";
import { developmentIssuer } from "./oidc/development/issuer.ts";
import { isLoopbackHost } from "./oidc/issuer-url.ts";

/** An issuer whose ID tokens are accepted besides the service's own. */
export interface TrustedIssuer {
  readonly issuer: string;
  readonly audiences: readonly string[];
}

/** Where humans come from: a real issuer, or the development identity provider under this service's own origin. */
export type OidcConfig =
  | {
      readonly kind: "issuer";
      readonly issuer: string;
      readonly clientId: string;
      readonly clientSecret: string | undefined;
      readonly cliClientId: string | undefined;
    }
  | { readonly kind: "development" };

/** Everything that the environment decides, checked. */
export interface Config {
  readonly databaseUrl: string | undefined;
  readonly dataDir: string;
  readonly host: string;
  readonly port: number;
  /** An origin, without a trailing slash. */
  readonly publicUrl: string;
  readonly oidc: OidcConfig;
  readonly trustedIssuers: readonly TrustedIssuer[];
  readonly adminGroups: readonly string[];
  /** Undefined with the embedded database: then it is made once and kept under `dataDir`. */
  readonly masterKey: Secret | undefined;
  readonly previousMasterKey: Secret | undefined;
  /** Where approvals are announced; undefined for nowhere. */
  readonly webhook: { readonly url: string; readonly secret: Secret } | undefined;
  /** Milliseconds. */
  readonly revocationMaxStaleness: number;
  readonly logLevel: LogLevel;
  readonly otlpEndpoint: string | undefined;
}

const LOG_LEVELS = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** All that is wrong with the environment, one problem a line: the variable's name and what it must be, never its value. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join("\n"));
    this.problems = problems;
  }
}

type Environment = Readonly<Record<string, string | undefined>>;

class Invalid extends Error {}

function parsePort(text: string): number {
  const port = /^[0-9]{1,5}$/.test(text) ? Number(text) : -1;
  if (port < 0 || port > 65_535) throw new Invalid("must be a port number, 0 to 65535");
  return port;
}

function parseHost(text: string): string {
  if (isIP(text) === 0 && !/^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$/.test(text)) {
    throw new Invalid("must be an IP address or a host name");
  }
  return text;
}

function parseUrl(text: string, protocols: readonly string[]): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !protocols.includes(url.protocol)) {
    throw new Invalid(`must be a URL with ${protocols.map((p) => `${p}//`).join(" or ")}`);
  }
  return url;
}

function parseOrigin(text: string): string {
  const url = parseUrl(text, ["http:", "https:"]);
  if (
    url.pathname !== "/" ||
    url.search !== "" ||
    url.hash !== "" ||
    url.username !== "" ||
    url.password !== ""
  ) {
    throw new Invalid("must be an origin: scheme, host and port, and nothing behind them");
  }
  return url.origin;
}

function parseIssuer(text: string): string {
  const url = parseUrl(text, ["https:", "http:"]);
  if (url.search !== "" || url.hash !== "" || url.username !== "" || url.password !== "") {
    throw new Invalid("must be a URL without user, query and fragment");
  }
  if (url.protocol === "http:" && !isLoopbackHost(url.hostname)) {
    throw new Invalid("must be https: unless it is on this machine");
  }
  return text; // exactly as written: issuers are compared character by character (OpenID Connect Core §2)
}

function parseDatabaseUrl(text: string): string {
  parseUrl(text, ["postgres:", "postgresql:"]);
  return text;
}

function parseSecretKey(text: string): Secret {
  const trimmed = text.trim();
  const bytes = /^[A-Za-z0-9+/_-]{43}=?$/.test(trimmed) ? Buffer.from(trimmed, "base64") : undefined;
  const again = bytes?.toString("base64url");
  const url = trimmed.replace(/=$/, "").replaceAll("+", "-").replaceAll("/", "_");
  if (bytes?.length !== 32 || again !== url)
    throw new Invalid("must be exactly 32 bytes in base64 or base64url");
  return new Secret(new Uint8Array(bytes));
}

const UNITS = { ms: 1, s: 1_000, m: 60_000 } as const;

function parseDuration(text: string): number {
  const [, amount, unit] = /^([0-9]{1,9})(ms|s|m)$/.exec(text) ?? [];
  const milliseconds = Number(amount) * UNITS[(unit ?? "s") as keyof typeof UNITS];
  if (amount === undefined || milliseconds < 500 || milliseconds > 600_000) {
    throw new Invalid("must be a duration from 500ms to 10m, such as 10s");
  }
  return milliseconds;
}

function parseList(text: string): readonly string[] {
  return text
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");
}

function parseWebhookUrl(text: string): string {
  const url = parseUrl(text, ["https:", "http:"]);
  if (url.username !== "" || url.password !== "")
    throw new Invalid("must be a URL without user and password");
  if (url.protocol === "http:" && !isLoopbackHost(url.hostname)) {
    throw new Invalid("must be https: unless it is on this machine");
  }
  return url.href;
}

function parseLogLevel(text: string): LogLevel {
  const level = LOG_LEVELS.find((known) => known === text);
  if (level === undefined) throw new Invalid(`must be one of ${LOG_LEVELS.join(", ")}`);
  return level;
}

function parseTrustedIssuers(text: string): readonly TrustedIssuer[] {
  const shape = 'must be JSON such as [{"issuer":"https://…","audiences":["…"]}]';
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Invalid(shape);
  }
  if (!Array.isArray(value)) throw new Invalid(shape);
  return value.map((item: unknown) => {
    if (typeof item !== "object" || item === null) throw new Invalid(shape);
    const { issuer, audiences, ...unknown } = item as Readonly<Record<string, unknown>>;
    const texts =
      Array.isArray(audiences) && audiences.length > 0 && audiences.every((a) => typeof a === "string");
    if (typeof issuer !== "string" || !texts || Object.keys(unknown).length > 0) throw new Invalid(shape);
    return { issuer: parseIssuer(issuer), audiences: audiences as readonly string[] };
  });
}

/**
 * Reads the configuration.
 *
 * @param environment the process's environment; an empty variable counts as unset
 * @param readFile reads the file that `MASTER_KEY_FILE` names
 * @throws {ConfigError} with every problem at once
 */
export function parseConfig(
  environment: Environment,
  readFile: (path: string) => string = (path) => readFileSync(path, "utf8"),
): Config {
  const problems: string[] = [];
  const text = (name: string) => (environment[name] === "" ? undefined : environment[name]);

  function read<T>(name: string, parse: (text: string) => T): T | undefined {
    const value = text(name);
    if (value === undefined) return undefined;
    try {
      return parse(value);
    } catch (error) {
      problems.push(`${name}: ${error instanceof Invalid ? error.message : "cannot be read"}`);
      return undefined;
    }
  }

  function readMasterKey(): Secret | undefined {
    if (text("MASTER_KEY") !== undefined && text("MASTER_KEY_FILE") !== undefined) {
      problems.push("MASTER_KEY: set it or MASTER_KEY_FILE, not both");
      return undefined;
    }
    return (
      read("MASTER_KEY", parseSecretKey) ?? read("MASTER_KEY_FILE", (path) => parseSecretKey(readFile(path)))
    );
  }

  function readWebhook(): Config["webhook"] {
    const url = read("WEBHOOK_URL", parseWebhookUrl);
    const secret = read("WEBHOOK_SECRET", parseSecretKey);
    const named = ["WEBHOOK_URL", "WEBHOOK_SECRET"].filter((name) => text(name) !== undefined);
    if (named.length === 1) problems.push("WEBHOOK_URL: goes with a WEBHOOK_SECRET, and the other way round");
    return url === undefined || secret === undefined ? undefined : { url, secret };
  }

  function readOidc(host: string, publicUrl: string, hasServer: boolean): OidcConfig {
    const issuer = text("OIDC_ISSUER");
    if (issuer === undefined || issuer === "development") {
      if (issuer === undefined && hasServer) {
        problems.push(
          "OIDC_ISSUER: is needed with a DATABASE_URL (`development` for the development identity provider)",
        );
      }
      if (!isLoopbackHost(host) || !isLoopbackHost(new URL(publicUrl).hostname)) {
        problems.push("OIDC_ISSUER: is needed unless HOST and PUBLIC_URL are loopback");
      }
      for (const name of ["OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET", "OIDC_CLI_CLIENT_ID"]) {
        if (text(name) !== undefined) problems.push(`${name}: goes with an OIDC_ISSUER only`);
      }
      return { kind: "development" };
    }
    const clientId = read("OIDC_CLIENT_ID", (value) => value);
    if (clientId === undefined) problems.push("OIDC_CLIENT_ID: is needed with an OIDC_ISSUER");
    return {
      kind: "issuer",
      issuer: read("OIDC_ISSUER", parseIssuer) ?? "",
      clientId: clientId ?? "",
      clientSecret: text("OIDC_CLIENT_SECRET"),
      cliClientId: text("OIDC_CLI_CLIENT_ID"),
    };
  }

  const databaseUrl = read("DATABASE_URL", parseDatabaseUrl);
  const hasServer = text("DATABASE_URL") !== undefined;
  const host = read("HOST", parseHost) ?? "127.0.0.1";
  const port = read("PORT", parsePort) ?? 8080;
  const defaultUrl = `http://${isIP(host) === 6 ? `[${host}]` : host}:${port}`;
  const publicUrl =
    read("PUBLIC_URL", parseOrigin) ?? (isLoopbackHost(host) ? defaultUrl : `http://127.0.0.1:${port}`);
  const masterKey = readMasterKey();
  const namesMasterKey = text("MASTER_KEY") !== undefined || text("MASTER_KEY_FILE") !== undefined;
  if (hasServer && !namesMasterKey)
    problems.push("MASTER_KEY: is needed with a DATABASE_URL (or MASTER_KEY_FILE)");

  const config: Config = {
    databaseUrl,
    dataDir: text("DATA_DIR") ?? "./data",
    host,
    port,
    publicUrl,
    oidc: readOidc(host, publicUrl, hasServer),
    trustedIssuers: read("OIDC_TRUSTED_ISSUERS", parseTrustedIssuers) ?? [],
    adminGroups: read("ADMIN_GROUPS", parseList) ?? [],
    masterKey,
    previousMasterKey: read("MASTER_KEY_PREVIOUS", parseSecretKey),
    webhook: readWebhook(),
    revocationMaxStaleness: read("REVOCATION_MAX_STALENESS", parseDuration) ?? 10_000,
    logLevel: read("LOG_LEVEL", parseLogLevel) ?? "info",
    otlpEndpoint: read("OTEL_EXPORTER_OTLP_ENDPOINT", (value) => parseUrl(value, ["http:", "https:"]).href),
  };
  const issuers = config.trustedIssuers.map(({ issuer }) => issuer);
  // Named twice, the development provider's principals could pass for those of an issuer that one trusts.
  issuers.push(config.oidc.kind === "issuer" ? config.oidc.issuer : developmentIssuer(publicUrl));
  if (new Set(issuers).size < issuers.length) problems.push("OIDC_TRUSTED_ISSUERS: names an issuer twice");
  if (problems.length > 0) throw new ConfigError(problems);
  return config;
}
