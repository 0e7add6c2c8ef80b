import { isIP } from "node:net";

import { type Block, parseBlock } from "../caveats/values/address.ts";
import { Secret } from "../domain/keys/secret.ts";
import { Invalid } from "./environment.ts";

/** A TCP port; 0 lets the system choose. */
export function parsePort(text: string): number {
  const port = /^[0-9]{1,5}$/.test(text) ? Number(text) : -1;
  if (port < 0 || port > 65_535) throw new Invalid("must be a port number, 0 to 65535");
  return port;
}

/** An IP address or a host name to listen on. */
export function parseHost(text: string): string {
  if (isIP(text) === 0 && !/^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$/.test(text)) {
    throw new Invalid("must be an IP address or a host name");
  }
  return text;
}

/** A URL with one of the protocols, each with its colon. */
export function parseUrl(text: string, protocols: readonly string[]): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !protocols.includes(url.protocol)) {
    throw new Invalid(`must be a URL with ${protocols.map((p) => `${p}//`).join(" or ")}`);
  }
  return url;
}

/** An origin, without a trailing slash. */
export function parseOrigin(text: string): string {
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

/** Origins between commas. */
export function parseOrigins(text: string): readonly string[] {
  try {
    return [...new Set(parseList(text).map(parseOrigin))];
  } catch (error) {
    if (!(error instanceof Invalid)) throw error;
    throw new Invalid("must be origins between commas, such as https://app.example.com: no path, and no *");
  }
}

/** Exactly 32 bytes in base64 or base64url. */
export function parseSecretKey(text: string): Secret {
  const trimmed = text.trim();
  const bytes = /^[A-Za-z0-9+/_-]{43}=?$/.test(trimmed) ? Buffer.from(trimmed, "base64") : undefined;
  const again = bytes?.toString("base64url");
  const url = trimmed.replace(/=$/, "").replaceAll("+", "-").replaceAll("/", "_");
  if (bytes?.length !== 32 || again !== url)
    throw new Invalid(
      "must be exactly 32 bytes in base64 or base64url, as `openssl rand -base64 32` writes them",
    );
  return new Secret(new Uint8Array(bytes));
}

const UNITS = { ms: 1, s: 1_000, m: 60_000 } as const;
const LONGEST = 600_000;

function millisecondsOf(text: string): number | undefined {
  const [, amount, unit] = /^([0-9]{1,9})(ms|s|m)$/.exec(text) ?? [];
  if (amount === undefined || (unit !== "ms" && unit !== "s" && unit !== "m")) return undefined;
  return Number(amount) * UNITS[unit];
}

/** A duration such as `10s`, as milliseconds. */
export function parseDuration(text: string): number {
  const milliseconds = millisecondsOf(text) ?? 0;
  if (milliseconds < 500 || milliseconds > LONGEST) {
    throw new Invalid("must be a duration from 500ms to 10m, such as 10s");
  }
  return milliseconds;
}

/** A whole number of days such as `455d`, as milliseconds. */
export function parseDays(text: string): number {
  const [, days] = /^([0-9]{1,5})d$/.exec(text) ?? [];
  if (days === undefined) throw new Invalid("must be a number of days, such as 455d");
  return Number(days) * 86_400_000;
}

/** A duration that may be none, as milliseconds. */
export function parseWait(text: string): number {
  const milliseconds = millisecondsOf(text);
  if (milliseconds === undefined || milliseconds > LONGEST) {
    throw new Invalid("must be a duration from 0s to 10m, such as 5s");
  }
  return milliseconds;
}

/** CIDR blocks between commas. */
export function parseBlocks(text: string): readonly Block[] {
  return parseList(text).map((item) => {
    const block = parseBlock(item);
    if (block === undefined) {
      throw new Invalid("must be CIDR blocks between commas, such as 10.0.0.0/8, 2001:db8::/32");
    }
    return block;
  });
}

/** Items between commas, without the spaces around them. */
function parseList(text: string): readonly string[] {
  return text
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");
}

/** Items between commas, or a JSON list of texts, for items that hold commas themselves. */
export function parseNames(text: string): readonly string[] {
  if (!text.trimStart().startsWith("[")) return parseList(text);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  const names: readonly unknown[] = Array.isArray(value) ? value : [undefined];
  if (!names.every((name) => typeof name === "string" && name !== "")) {
    throw new Invalid('must be names between commas, or a JSON list such as ["cn=admins,dc=example"]');
  }
  return names as readonly string[];
}

const LOG_LEVELS = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;
/** How much is logged: this level and all above it. */
export type LogLevel = (typeof LOG_LEVELS)[number];

/** A level of the log. */
export function parseLogLevel(text: string): LogLevel {
  const level = LOG_LEVELS.find((known) => known === text);
  if (level === undefined) throw new Invalid(`must be one of ${LOG_LEVELS.join(", ")}`);
  return level;
}
