import {
  type CallToolResult,
  CLIENT_CAPABILITIES_META_KEY,
  type InputRequiredResult,
  inputRequired,
  inputResponse,
  type ServerContext,
  UrlElicitationRequiredError,
} from "@modelcontextprotocol/server";

import { type Bakehouse, BakehouseError, type Token, TokenError, type ToolRefusedError } from "../index.ts";
import { seal, unseal } from "./sealed.ts";

/** A call that a token allows with somebody's yes. */
export interface ToolUse {
  readonly tool: string;
  readonly args: object;
  /** As the client showed it. */
  readonly token: Token;
}

/** The next step of a call: a token with what people agreed to, or the answer that the client gets now. */
export type Step =
  | { readonly token: Token; readonly result?: undefined }
  | { readonly result: CallToolResult | InputRequiredResult };

/** Gets people's agreement to calls, across the several requests that one call then takes. */
export interface Approvals {
  /** Takes up a call that was begun; the token as it is for any other. Rejects as `begin` does. */
  resume(use: ToolUse, context: ServerContext): Promise<Step>;
  /**
   * Asks those whom the token names.
   *
   * @param refusal of this call, for a missing discharge
   * @returns rejects with the SDK's error −32042 for clients of the older revisions, and with a BakehouseError in an outage
   */
  begin(use: ToolUse, refusal: ToolRefusedError, context: ServerContext): Promise<Step>;
}

/** A discharge that people are asked for. */
interface Waiting {
  /** Its ticket, base64url. */
  readonly ticket: string;
  readonly id: string;
  readonly secret: string;
  readonly url: string;
  readonly code: string | undefined;
  /** Unix milliseconds. */
  readonly ends: number;
}

interface Begun {
  readonly waiting: readonly Waiting[];
  /** The discharges that were given at once. */
  readonly had: readonly string[];
}

/** People that one call can wait for. */
const MOST_WAITING = 8;

/** Calls of older clients that are remembered: those bring nothing back from one request to the next. */
const MOST_REMEMBERED = 1_000;

/** One yes is for one call. */
const ONCE = "uses <= 1";

/** @param issuer the service's own name, whose tickets it is asked about */
export function createApprovals(
  service: Pick<Bakehouse, "discharge" | "collectDischarge" | "withdrawDischarge">,
  issuer: () => Promise<string>,
): Approvals {
  const remembered = new Map<string, Begun>();

  async function begunOf(use: ToolUse, context: ServerContext): Promise<Begun | undefined> {
    if (isOlder(context)) return remembered.get(await nameOf(use));
    const opened = await unseal(use.token, context.mcpReq.requestState());
    return isBegun(opened) ? opened : undefined;
  }

  /** Has the client lead its person to the pages, and come back. */
  async function wait(use: ToolUse, begun: Begun, context: ServerContext): Promise<Step> {
    const pages = begun.waiting.map(({ id, url, code }) => {
      const compared = code === undefined ? "" : `, where the code ${code} must stand`;
      return { id, url, message: `A person has to agree to this call of ${use.tool} at ${url}${compared}` };
    });
    if (isOlder(context)) {
      remember(await nameOf(use), begun);
      throw new UrlElicitationRequiredError(
        pages.map(({ id, url, message }) => ({ mode: "url", elicitationId: id, url, message })),
      );
    }
    const requests = pages.map(({ id, ...page }) => [id, inputRequired.elicitUrl(page)] as const);
    return {
      result: inputRequired({
        inputRequests: Object.fromEntries(requests),
        requestState: await seal(use.token, begun),
      }),
    };
  }

  function remember(name: string, begun: Begun): void {
    remembered.delete(name);
    remembered.set(name, begun);
    const [oldest] = remembered.keys();
    if (remembered.size > MOST_REMEMBERED && oldest !== undefined) remembered.delete(oldest);
  }

  async function withdraw({ waiting }: Begun): Promise<void> {
    await Promise.allSettled(waiting.map(({ id, secret }) => service.withdrawDischarge(id, secret)));
  }

  /** Asks one party. @returns its discharge, or the page that it has for a person */
  async function ask(use: ToolUse, ticket: string, caveats: readonly string[]): Promise<Waiting | string> {
    const token = use.token.withoutDischarges().encode();
    const answer = await service.discharge({ caveat_id: ticket, token, caveats });
    if (answer.state === "discharged") return answer.discharge;
    const { id, secret, user_url: url, user_code: code, expires_at } = answer.pending;
    if (url === undefined) throw new TokenError("undischarged", "the service has no page for this");
    return { ticket, id, secret, url, code, ends: Date.parse(expires_at) };
  }

  return {
    async resume(use, context) {
      const begun = await begunOf(use, context);
      if (begun === undefined) return { token: use.token };
      if (isOlder(context) && begun.waiting.some(({ ends }) => ends <= Date.now())) {
        remembered.delete(await nameOf(use));
        return { token: use.token };
      }
      if (isDeclined(begun, context)) {
        await withdraw(begun);
        return {
          result: refused("the person did not want to be led to the page, so nobody is asked any more"),
        };
      }
      const { signal } = context.mcpReq;
      try {
        const collected = await Promise.all(
          begun.waiting.map(({ id, secret }) => service.collectDischarge(id, secret, { signal })),
        );
        const discharges = collected.filter((discharge) => discharge !== undefined);
        if (discharges.length < collected.length) return await wait(use, begun, context);
        if (isOlder(context)) remembered.delete(await nameOf(use));
        return { token: use.token.withDischarges(...begun.had, ...discharges) };
      } catch (error) {
        if (isOlder(context) && error instanceof BakehouseError) remembered.delete(await nameOf(use));
        if (!isAnswer(error)) throw error;
        return { result: refused(error.message) };
      }
    },

    async begin(use, refusal, context) {
      const { undischarged } = refusal.verdict;
      const own = new URL(await issuer()).origin;
      const other = undischarged.find(({ location }) => originOf(location) !== own);
      if (other !== undefined) {
        return {
          result: refused(`the token needs a proof from ${other.location}, which its holder has to bring`),
        };
      }
      if (undischarged.length > MOST_WAITING) return { result: refused("too many proofs are missing") };
      if (!isOlder(context) && !canBeLed(context)) {
        // Before anybody is asked in vain.
        return {
          result: refused("a person has to agree to this call, and the client can lead nobody to a page"),
        };
      }
      try {
        const caveats = [...refusal.forThisCall(), ONCE];
        const answers: (Waiting | string)[] = [];
        for (const { caveat_id } of undischarged) answers.push(await ask(use, caveat_id, caveats));
        const waiting = answers.filter((answer) => typeof answer !== "string");
        const had = answers.filter((answer) => typeof answer === "string");
        if (waiting.length > 0) return await wait(use, { waiting, had }, context);
        return { token: use.token.withDischarges(...had) };
      } catch (error) {
        if (!isAnswer(error)) throw error;
        return { result: refused(error.message) };
      }
    },
  };
}

/** Whether this may be the state of a call. Its client holds the key to it, and could have the service asked about anything. */
function isBegun(value: unknown): value is Begun {
  const { waiting, had } = (value ?? {}) as { readonly waiting?: unknown; readonly had?: unknown };
  return (
    Array.isArray(waiting) &&
    waiting.length <= MOST_WAITING &&
    waiting.every((one) =>
      ["id", "secret", "url"].every((name) => typeof memberOf(one, name) === "string"),
    ) &&
    Array.isArray(had) &&
    had.length <= MOST_WAITING &&
    had.every((one) => typeof one === "string")
  );
}

/** The result of a call that is refused: a model reads the reason, and does better. */
export function refused(reason: string): CallToolResult {
  return { isError: true, content: [{ type: "text", text: reason }] };
}

/** Whether an error is the service's word on a request, and no outage: the holder is told it. */
function isAnswer(error: unknown): error is Error {
  if (error instanceof TokenError) return true;
  return (
    error instanceof BakehouseError &&
    error.status !== undefined &&
    error.status < 500 &&
    error.status !== 401
  );
}

/** Requests of the revisions before 2026-07-28 carry nothing about their client. */
function isOlder({ mcpReq }: ServerContext): boolean {
  return mcpReq.envelope === undefined;
}

/** Whether the client can lead a person to a page, by the capabilities that each of its requests declares. */
function canBeLed({ mcpReq }: ServerContext): boolean {
  const declared = memberOf(mcpReq.envelope, CLIENT_CAPABILITIES_META_KEY);
  return memberOf(memberOf(declared, "elicitation"), "url") !== undefined;
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}

function isDeclined({ waiting }: Begun, { mcpReq }: ServerContext): boolean {
  return waiting.some(({ id }) => {
    const response = inputResponse(mcpReq.inputResponses, id);
    return response.kind === "elicit" && response.action !== "accept";
  });
}

function originOf(location: string): string | undefined {
  return URL.canParse(location) ? new URL(location).origin : undefined;
}

/** Names a call of an older client in memory: its holder's, of this tool, with these arguments. */
async function nameOf({ token, tool, args }: ToolUse): Promise<string> {
  const text = JSON.stringify([token.withoutDischarges().encode(), tool, args]);
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return [...new Uint8Array(hash)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
