import { Invalid, type Reader } from "./environment.ts";
import { type LogLevel, parseLogLevel } from "./values.ts";

/** What is logged. */
export interface LogConfig {
  readonly logLevel: LogLevel;
  /** The share of requests with an event, from 0 to 1; those that failed, and those that were turned away, have one always. */
  readonly logRequests: number;
}

function parseRequests(text: string): number {
  if (text === "all") return 1;
  if (text === "errors") return 0;
  const share = /^0\.[0-9]{1,6}$/.test(text) ? Number(text) : 0;
  if (share > 0) return share;
  throw new Invalid("must be all, errors, or a share such as 0.01");
}

/** Reads all that concerns the log. */
export function readLog({ read }: Reader): LogConfig {
  return {
    logLevel: read("LOG_LEVEL", parseLogLevel) ?? "info",
    logRequests: read("LOG_REQUESTS", parseRequests) ?? 1,
  };
}
