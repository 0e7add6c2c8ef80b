import { type Logger, pino } from "pino";

import type { LogLevel } from "../config/values.ts";
import { DomainError } from "../domain/parts/error.ts";
import { ConnectError, StorageError } from "../storage/engine/error.ts";
import type { StorageReport } from "../storage/engine/runner.ts";
import { standardOutput } from "./output.ts";

/** Members that every line has besides its level and its time. @param worker the number of this process, if there are several */
export function logBindings(worker?: number): Readonly<Record<string, string | number>> {
  return { service: "bakehouse", ...(worker === undefined ? {} : { worker }) };
}

/** One JSON object a line, as {@link standardOutput} shows it. No error object is ever handed to it: an error may hold anything. */
export function createLogger(level: LogLevel, bindings = logBindings()): Logger {
  return pino({ level, base: bindings, timestamp: pino.stdTimeFunctions.isoTime }, standardOutput());
}

/** The part of an error that may be written: its class, and its message if that is made for the public. */
export function errorFields(error: unknown): { readonly error: string; readonly detail?: string } {
  if (error instanceof DomainError) return { error: error.code, detail: error.message };
  if (error instanceof StorageError || error instanceof ConnectError)
    return { error: error.name, detail: error.message };
  return { error: error instanceof Error ? error.name : typeof error };
}

/** Writes the storage layer's messages. */
export function storageReport(log: Logger): StorageReport {
  return {
    failed: (failure) => log.warn({ event: "statement failed", ...failure }),
    unreachable: (reason) => log.error({ event: "database not reached", detail: reason }),
    warn: (text) => log.warn({ event: "database", detail: text }),
  };
}
