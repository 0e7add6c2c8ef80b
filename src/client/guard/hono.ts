import { ENDORSEMENTS_HEADER } from "../../words/holder.ts";
import type { Allowed, AllowedDecision } from "../answers.ts";
import { checkedOrigin } from "../holder/presented.ts";
import type { Context } from "../requests.ts";
import {
  checkGuard,
  createShortTelling,
  createTelling,
  type Decider,
  decideFor,
  type GuardOptions,
  refuseTarget,
  type Telling,
  type Verifier,
} from "./guard.ts";
import { type Price, priceOf, settle } from "./price.ts";
import { decodePath, methodsOf, readTarget } from "./target.ts";

/** The part of hono's context from which the guard reads. */
interface HonoRequest {
  readonly req: {
    readonly raw: Request;
    readonly method: string;
    readonly path: string;
    header(name: string): string | undefined;
  };
  /** What a handler has thrown. */
  readonly error?: Error | undefined;
}

/** The part of hono's context that the guard uses. */
export interface HonoContext extends HonoRequest {
  set(key: "bakehouse", value: Allowed): void;
}

/** The same for a guard with `answer: "decision"`. */
export interface HonoDecisionContext extends HonoRequest {
  set(key: "bakehouseDecision", value: AllowedDecision): void;
}

/**
 * Middleware for hono. The verdict is `c.get("bakehouse")` in the handlers behind it, and with `answer: "decision"` the
 * decision is `c.get("bakehouseDecision")`. A target that two readers would
 * understand differently is refused with 400 ({@link readTarget}).
 *
 * @param more the facts of a request besides `method` and `path`: its action, resource, the peer's `ip`. The
 *   peer's address is not guessed from a header, which any caller can write
 * @param options `cost` and `settle` among them: a request's cost, and the real one once the handlers have run;
 *   one that fails stays charged
 * @throws TypeError for arguments of the wrong shape
 * @example
 * const app = new Hono<{ Variables: { bakehouse: Allowed } }>();
 * const onError = (error: Error, state: string) => console.error(`bakehouse ${state}: ${error.message}`);
 * app.use(guardHono(verifier, () => ({ action: "read" }), { cost: () => ({ credits: 3 }), onError }));
 * app.get("/", (c) => c.text(c.get("bakehouse").principal.subject));
 */
export function guardHono<C extends HonoDecisionContext>(
  verifier: Decider,
  more: (c: C) => Context | Promise<Context>,
  options: GuardOptions & Partial<Price<C, C>> & { readonly answer: "decision" },
): HonoGuard<C>;
export function guardHono<C extends HonoContext>(
  verifier: Verifier,
  more?: (c: C) => Context | Promise<Context>,
  options?: GuardOptions & Partial<Price<C, C>> & { readonly answer?: never },
): HonoGuard<C>;
export function guardHono<C extends HonoContext & HonoDecisionContext>(
  verifier: Verifier,
  more: (c: C) => Context | Promise<Context> = () => ({}),
  options: GuardOptions & Partial<Price<C, C>> = {},
): HonoGuard<C> {
  checkGuard("guardHono", verifier, more, options);
  const origin = checkedOrigin(options.origin);
  if (options.answer !== undefined) {
    const telling = createShortTelling("guardHono", verifier, options);
    return guardBy(telling, origin, more, options, (c, decision) => c.set("bakehouseDecision", decision));
  }
  const telling = createTelling(verifier, options);
  return guardBy(telling, origin, more, options, (c, verdict) => c.set("bakehouse", verdict));
}

type HonoGuard<C> = (c: C, next: () => Promise<void>) => Promise<Response | undefined>;

/** @param put gives a request's verdict to its handlers */
function guardBy<V extends AllowedDecision, C extends HonoRequest>(
  telling: Telling<V>,
  origin: string | undefined,
  more: (c: C) => Context | Promise<Context>,
  options: Partial<Price<C, C>>,
  put: (c: C, verdict: V) => void,
): HonoGuard<C> {
  return async (c, next) => {
    const sent = targetOf(c.req.raw.url);
    const target = readTarget(sent);
    // hono's own reading of the path, because its routes are chosen by that. What it left escaped is decoded, too.
    const path = decodePath(c.req.path);
    const decision =
      target.ok && path !== undefined
        ? await decideFor(telling, {
            authorization: c.req.header("authorization"),
            context: { method: methodsOf(c.req.method), path, ...(await more(c)) },
            proof:
              origin === undefined
                ? undefined
                : {
                    dpop: c.req.header("dpop"),
                    endorsements: c.req.header(ENDORSEMENTS_HEADER),
                    method: c.req.method,
                    uri: `${origin}${sent}`,
                  },
            signal: c.req.raw.signal,
            ...(await priceOf(options, c)),
          })
        : refuseTarget(target.ok ? "the path of the request can't be decoded" : target.reason);
    if (!decision.pass)
      return new Response(decision.body, { status: decision.status, headers: decision.headers });
    put(c, decision.verdict);
    await next();
    if (c.error === undefined) await settle(options, decision.verdict, c);
    return undefined;
  };
}

/** The target in a URL: all that stands behind its host. */
function targetOf(url: string): string {
  const target = url.replace(/^[^/?#]*\/\/[^/?#]*/, "");
  return target.startsWith("?") || target === "" ? `/${target}` : target;
}
