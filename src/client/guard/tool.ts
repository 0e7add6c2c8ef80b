import type { Allowed, Refused } from "../answers.ts";
import type { Context } from "../requests.ts";
import type { CallOptions } from "../transport.ts";
import type { Verifier } from "./guard.ts";

/** A tool was called with a token that forbids it. */
export class ToolRefusedError extends Error {
  override readonly name = "ToolRefusedError";
  /** The reason: every caveat that failed, and a value that would have passed. */
  readonly verdict: Refused;

  constructor(verdict: Refused) {
    super(verdict.detail);
    this.verdict = verdict;
  }
}

/** The caller of a tool, besides its arguments. */
export interface ToolCall extends CallOptions {
  readonly token: string;
  /** Facts besides `tool` and `args`. */
  readonly context?: Context;
}

/**
 * A tool that runs only for tokens that allow it, with these arguments: its name is cleared as `tool`, and its
 * arguments as `args.*`. For tool servers of any kind, MCP's among them.
 *
 * The tool then gets a copy of the arguments that were cleared, so that nobody changes them in between.
 *
 * @returns the guarded tool: rejects with {@link ToolRefusedError}, or a BakehouseError if nobody could find
 *   out, and then has not run `run`
 */
export function guardTool<A extends object, R>(
  verifier: Verifier,
  name: string,
  run: (args: A, verdict: Allowed) => R | Promise<R>,
): (args: A, call: ToolCall) => Promise<R> {
  return async (args, { token, context, ...options }) => {
    const cleared = structuredClone(args);
    const verdict = await verifier.verify(
      { token, context: { ...context, tool: name, args: cleared } },
      options,
    );
    if (!verdict.allowed) throw new ToolRefusedError(verdict);
    return await run(cleared, verdict);
  };
}
