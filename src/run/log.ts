import { type Logger, pino } from "pino";

import type { LogLevel } from "../config.ts";
import { DomainError } from "../domain/error.ts";
import { type LineOutput, standardOutput } from "./output.ts";

/** Members that every line has besides its level and its time. */
export const LOG_BINDINGS = { service: "bakehouse" } as const;

/**
 * One JSON object a line. No error object is ever handed to it: what errors hold is not known.
 *
 * @param output standard output unless said
 */
export function createLogger(level: LogLevel, output: LineOutput = standardOutput()): Logger {
  return pino({ level, base: LOG_BINDINGS, timestamp: pino.stdTimeFunctions.isoTime }, output);
}

/** What may be written of an error: its class, and its message where that is made for the public. */
export function errorFields(error: unknown): { readonly error: string; readonly detail?: string } {
  if (error instanceof DomainError) return { error: error.code, detail: error.message };
  return { error: error instanceof Error ? error.name : typeof error };
}
