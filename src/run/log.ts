import { type Logger, pino } from "pino";

import type { LogLevel } from "../config/values.ts";
import { DomainError } from "../domain/parts/error.ts";
import { standardOutput } from "./output.ts";

/** Members that every line has besides its level and its time. @param worker the number of this process, where there are several */
export function logBindings(worker?: number): Readonly<Record<string, string | number>> {
  return { service: "bakehouse", ...(worker === undefined ? {} : { worker }) };
}

/** One JSON object a line on standard output. No error object is ever handed to it: what errors hold is not known. */
export function createLogger(level: LogLevel, bindings = logBindings()): Logger {
  return pino({ level, base: bindings, timestamp: pino.stdTimeFunctions.isoTime }, standardOutput());
}

/** What may be written of an error: its class, and its message where that is made for the public. */
export function errorFields(error: unknown): { readonly error: string; readonly detail?: string } {
  if (error instanceof DomainError) return { error: error.code, detail: error.message };
  return { error: error instanceof Error ? error.name : typeof error };
}
