import type { FailureFacts } from "../../domain/ports/parts/failure.ts";

/** The caller, as far as the log says. */
export type CallerKind = "human" | "administrator" | "platform" | "none";

/** The fields of every request. No query, no header, no body, no path: any of them can hold a token. */
export interface RequestEvent {
  readonly requestId: string;
  readonly method: string;
  /** The route's pattern; null if no route matched. */
  readonly route: string | null;
  readonly status: number;
  readonly milliseconds: number;
  readonly caller: CallerKind;
  /** The caller's address; absent if it is not known. */
  readonly peer?: string | undefined;
  /** The problem's code; null if the answer is none. */
  readonly code: string | null;
  /** The trace that it is a part of, 32 digits of hexadecimal; absent if there is none. */
  readonly traceId?: string | undefined;
}

/** The fields of a fault: its place, never its message, which may hold anything. */
export interface FaultEvent {
  readonly requestId: string;
  readonly route: string | null;
  /** The error's class. */
  readonly name: string;
  readonly code: string | null;
  /** Stack frames, innermost first. */
  readonly frames: readonly string[];
}

/** The fields of a failure: only the operator is told its cause. */
export interface FailureEvent {
  readonly requestId: string;
  readonly route: string | null;
  /** The same text that the caller was told, so that it never holds a secret. */
  readonly detail: string;
  readonly facts: FailureFacts;
}

/** The log that this adapter writes to. */
export interface HttpLog {
  request(event: RequestEvent): void;
  fault(event: FaultEvent): void;
  failure(event: FailureEvent): void;
}

const WORD = /^[A-Za-z0-9_.-]{1,64}$/;
const FRAME = /^ {4}at [\w$.<>[\]# ]{0,120}\(?(?:file:\/\/|node:|\/)[^\s()]{1,300}:\d+:\d+\)?$/;

function word(value: unknown): string | null {
  return typeof value === "string" && WORD.test(value) ? value : null;
}

/** The safe part of an error: its class, a code that looks like one, and the place that threw it. */
export function describeFault(error: unknown): Pick<FaultEvent, "name" | "code" | "frames"> {
  if (!(error instanceof Error)) return { name: typeof error, code: null, frames: [] };
  const name = word(error.name) ?? "Error";
  const code = word((error as { readonly code?: unknown }).code);
  const stack = typeof error.stack === "string" ? error.stack : "";
  // The stack begins with the message, and a message may have lines that look like frames.
  const start = stack.indexOf(error.message);
  const frames = start < 0 ? [] : stack.slice(start + error.message.length).split("\n");
  const shown = frames.filter((line) => FRAME.test(line)).map((line) => line.trim());
  return { name, code, frames: shown.slice(0, 20) };
}
