import type { Allowed, AllowedDecision, Refused } from "../answers.ts";
import type { Context, VerifyRequest } from "../requests.ts";
import {
  aFunction,
  aList,
  aNumber,
  anObject,
  aText,
  type Check,
  type Checks,
  checkOptions,
  checkShape,
  ifSaid,
  isText,
} from "../shape.ts";
import { forThisCall } from "../this-call.ts";
import { CALL_OPTIONS, type CallOptions } from "../transport.ts";
import { ANSWER, checkVerifier, type Decider, requireDecider, type Verifier } from "./guard.ts";
import { checkSettle, PRICE, type Price, priceOf, settle } from "./price.ts";

/** A tool was called with a token that forbids it. */
export class ToolRefusedError extends Error {
  override readonly name = "ToolRefusedError";
  /** The reason: every caveat that failed, and a value that would have passed. Of a decision alone: no caveat. */
  readonly verdict: Refused;
  readonly #call: ThisCall | undefined;

  constructor(verdict: Refused, call?: ThisCall) {
    super(verdict.detail);
    this.verdict = verdict;
    this.#call = call;
  }

  /**
   * If a discharge is missing: the caveats with which to ask for one that allows this very call, as
   * {@link dischargeToken} takes them. Empty for other refusals.
   *
   * @throws TokenError `invalid_caveat`, naming an argument that no caveat can say
   * @example
   * if (error instanceof ToolRefusedError) await dischargeToken(token, { caveats: error.forThisCall(), ...options });
   */
  forThisCall(): readonly string[] {
    if (this.#call === undefined || this.verdict.code !== "discharge_missing") return [];
    return forThisCall(this.#call.args, this.#call.tool);
  }
}

/** A tool's name and the arguments that it was called with. */
interface ThisCall {
  readonly tool: string;
  readonly args: object;
}

/** The caller of a tool, besides its arguments. */
export interface ToolCall extends CallOptions {
  readonly token: string;
  /** Facts besides `tool` and `args`. */
  readonly context?: Context;
  /** For tokens with a `holder`: what came with the call. */
  readonly proof?: VerifyRequest["proof"];
  readonly endorsements?: VerifyRequest["endorsements"];
  /** The resource as which this server asks, never what a caller says; else the one that its credential was issued for. */
  readonly resource?: string;
}

type GuardedTool<A, R> = (args: A, call: ToolCall) => Promise<R>;

const TOOL_OPTIONS: Checks<Partial<Price<never, never>> & { readonly answer?: "decision" }> = {
  ...PRICE,
  answer: ANSWER,
};

const TOKEN: Check = aText("what token.encode() gives");

const CALL: Checks<ToolCall> = {
  token: TOKEN,
  context: ifSaid(anObject('{ action: "read" }')),
  proof: ifSaid(anObject("{ dpop, method, uri }")),
  endorsements: ifSaid(aList("[endorsement]", isText)),
  resource: ifSaid(aText('"https://mcp.example.com/mcp"')),
  signal: ifSaid(anObject("AbortSignal.timeout(1_000)")),
  timeout: ifSaid(aNumber("10_000, in milliseconds")),
  traceparent: CALL_OPTIONS.traceparent,
};

/**
 * A tool that runs only for tokens that allow it, with these arguments: its name is cleared as `tool`, and its
 * arguments as `args.*`. For tool servers of any kind, MCP's among them.
 *
 * The tool then gets a copy of the arguments that were cleared, so that nobody changes them in between.
 *
 * @param price what a call costs by its arguments, and what it did cost by its result; one that fails stays charged. With
 *   `answer: "decision"` among it the tool gets a decision, as {@link GuardOptions} has it
 * @returns the guarded tool: rejects with {@link ToolRefusedError}, or a BakehouseError if nobody could find
 *   out, and then has not run `run`
 * @throws TypeError for arguments of the wrong shape, at once, and as the rejection of a call
 * @example
 * const pay = guardTool(verifier, "pay", ({ amount }: { amount: number }) => `paid ${amount}`);
 * await pay({ amount: 40 }, { token: token.encode() });
 */
export function guardTool<A extends object, R>(
  verifier: Decider,
  name: string,
  run: (args: A, decision: AllowedDecision) => R | Promise<R>,
  options: Partial<Price<A, R>> & { readonly answer: "decision" },
): GuardedTool<A, R>;
export function guardTool<A extends object, R>(
  verifier: Verifier,
  name: string,
  run: (args: A, verdict: Allowed) => R | Promise<R>,
  price?: Price<A, R>,
): GuardedTool<A, R>;
export function guardTool<A extends object, R>(
  verifier: Verifier,
  name: string,
  run: (args: A, verdict: Allowed & AllowedDecision) => R | Promise<R>,
  price?: Partial<Price<A, R>> & { readonly answer?: "decision" },
): GuardedTool<A, R> {
  checkVerifier("guardTool", verifier);
  checkShape("guardTool: the name", name, aText('"pay"'));
  checkShape("guardTool: the tool", run, aFunction("(args) => result"));
  if (price !== undefined)
    checkOptions("guardTool: the price", price, TOOL_OPTIONS, "{ cost: () => ({ credits: 3 }) }");
  checkSettle("guardTool", price);
  const decider = price?.answer === undefined ? undefined : requireDecider("guardTool", verifier);
  return async (args, call) => {
    checkShape(`${name}: the arguments`, args, anObject("{ amount: 40 }"));
    checkOptions(`${name}: the call`, call, CALL, "{ token: token.encode() }");
    const { token, context, proof, endorsements, resource, ...options } = call;
    checkShape(`${name}: token`, token, TOKEN);
    const cleared = structuredClone(args);
    const question = {
      token,
      context: { ...context, tool: name, args: cleared },
      ...(await priceOf(price, cleared)),
      ...(proof !== undefined && { proof }),
      ...(endorsements !== undefined && { endorsements }),
      ...(resource !== undefined && { resource }),
    };
    const verdict = await (decider?.decision(question, options) ?? verifier.verify(question, options));
    if (!verdict.allowed) {
      const refused: Refused = { failures: [], undischarged: [], ...verdict };
      throw new ToolRefusedError(refused, { tool: name, args: cleared });
    }
    // The tool was typed for the answer that was asked for.
    const result = await run(cleared, verdict as Allowed);
    await settle(price, verdict, result);
    return result;
  };
}
