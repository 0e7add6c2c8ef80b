import {
  AUTH_METHODS,
  type AuthMethod,
  type DatabaseAddress,
  type HostAddress,
  type TlsSettings,
} from "./address.ts";
import { checkParameters } from "./parameters.ts";
import { DatabaseUrlError, splitUrl, type UrlParts } from "./split.ts";
import { readTls } from "./tls.ts";
import { type Parameters, readParameters, refused } from "./values.ts";

const DEFAULT_PORT = 5432;
/** The folders in which packages, the official image and Postgres itself put the socket. */
const SOCKET_FOLDERS = ["/var/run/postgresql", "/tmp"];

/**
 * Reads a database URL as libpq does (PostgreSQL, §34.1.1.2). A parameter that means nothing here is refused by its name.
 *
 * @throws DatabaseUrlError which names the fault and the right spelling, and repeats no value
 *
 * @example
 * parseDatabaseUrl("postgres://me:secret@db.example/tokens?sslmode=verify-full").hosts;
 * // [{ kind: "tcp", host: "db.example", address: undefined, port: 5432 }]
 */
export function parseDatabaseUrl(text: string): DatabaseAddress {
  const parts = splitUrl(text.trim());
  checkParameters(parts.parameters);
  const parameters = readParameters(parts.parameters);
  const hosts = readHosts(parts, parameters);
  const tls = readTls(parameters, hosts);
  const channelBinding = parameters.one("channel_binding", ["disable", "prefer", "require"]) ?? "prefer";
  return {
    hosts,
    shuffled: parameters.one("load_balance_hosts", ["disable", "random"]) === "random",
    database: parameters.text("dbname") ?? parts.database,
    user: parameters.text("user") ?? parts.user,
    password: parameters.text("password") ?? parts.password,
    tls: channelBinding === "require" ? boundTls(tls) : tls,
    channelBinding,
    authMethods: readAuthMethods(parameters),
    session: readSession(parameters, hosts),
    applicationName:
      parameters.text("application_name") ?? parameters.text("fallback_application_name") ?? "bakehouse",
    options: parameters.text("options"),
    connectTimeout: readConnectTimeout(parameters),
    keepAlive: readKeepAlive(parameters),
    pooled: parameters.one("pgbouncer", ["true", "false"]) === "true",
  };
}

function readHosts(parts: UrlParts, parameters: Parameters): readonly HostAddress[] {
  const names = list(parameters.text("host")) ?? parts.hosts;
  const addresses = list(parameters.text("hostaddr")) ?? [];
  const ports = list(parameters.text("port")) ?? parts.ports;
  const count = Math.max(names.length, addresses.length);
  if (names.length > 0 && addresses.length > 0 && names.length !== addresses.length) {
    throw refused("hostaddr", "must name as many addresses as there are hosts");
  }
  if (count === 0) return withoutHost(portOf(ports[0]));
  if (ports.length > 1 && ports.length !== count) {
    throw new DatabaseUrlError("has another number of ports than of hosts");
  }
  return Array.from({ length: count }, (_, index): HostAddress => {
    const port = portOf(ports[ports.length === 1 ? 0 : index]);
    const address = addresses[index];
    const host = names[index] ?? address ?? "";
    if (host === "" || address === "") throw new DatabaseUrlError("has an empty host in its list of hosts");
    if (address === undefined && /^[/@]/.test(host)) return socketIn(host, port);
    if (host.startsWith("/")) throw refused("hostaddr", "goes with names of hosts, not with a socket");
    return { kind: "tcp", host, address, port };
  });
}

/** libpq's default depends on how it was made; so each of the usual places is tried, and then TCP. */
function withoutHost(port: number): readonly HostAddress[] {
  const sockets = SOCKET_FOLDERS.map((folder) => socketIn(folder, port));
  return [...sockets, { kind: "tcp", host: "localhost", address: undefined, port }];
}

// An abstract socket, which is in no folder, is written with an @.
function socketIn(folder: string, port: number): HostAddress {
  return { kind: "socket", path: `${folder.replace(/^@/, "\0")}/.s.PGSQL.${port}` };
}

function portOf(text: string | undefined): number {
  if (text === undefined || text === "") return DEFAULT_PORT;
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (port < 1 || port > 65_535) throw new DatabaseUrlError("has a port that is not from 1 to 65535");
  return port;
}

/** A login can only be tied to a TLS connection. */
function boundTls(tls: TlsSettings): TlsSettings {
  if (tls.encryption === "plain")
    throw refused("channel_binding", "is require, which needs TLS: sslmode=require");
  return { ...tls, encryption: "tls" };
}

function readSession(parameters: Parameters, hosts: readonly HostAddress[]): DatabaseAddress["session"] {
  const wanted = parameters.text("target_session_attrs");
  if (wanted === "standby" || wanted === "prefer-standby" || wanted === "read-only") {
    throw refused("target_session_attrs", "must be read-write, primary or any: the service writes");
  }
  const named = parameters.one("target_session_attrs", ["any", "primary", "read-write"]);
  // Of several servers one is the primary; a standby answers, and refuses every change.
  return named ?? (hosts.filter(({ kind }) => kind === "tcp").length > 1 ? "read-write" : "any");
}

function readAuthMethods(parameters: Parameters): readonly AuthMethod[] {
  const methods = list(parameters.text("require_auth"));
  if (methods === undefined) return AUTH_METHODS;
  const not = methods.every((method) => method.startsWith("!"));
  const named = AUTH_METHODS.filter((known) => methods.includes(`${not ? "!" : ""}${known}`));
  if (named.length !== methods.length) {
    throw refused(
      "require_auth",
      `must list some of ${AUTH_METHODS.join(", ")}, or each of those not wanted behind a !`,
    );
  }
  return not ? AUTH_METHODS.filter((known) => !named.includes(known)) : named;
}

function readConnectTimeout(parameters: Parameters): number | undefined {
  const seconds = parameters.number("connect_timeout");
  if (seconds === undefined || seconds <= 0) return undefined;
  if (seconds > 60) throw refused("connect_timeout", "must be at most 60 seconds");
  return seconds * 1_000;
}

function readKeepAlive(parameters: Parameters): number | undefined {
  const on = parameters.one("keepalives", ["0", "1"]) !== "0";
  const idle = parameters.number("keepalives_idle") ?? 0;
  return on ? Math.max(0, idle) * 1_000 : undefined;
}

function list(text: string | undefined): readonly string[] | undefined {
  return text?.split(",");
}
