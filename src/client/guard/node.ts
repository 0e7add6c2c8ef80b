import { ENDORSEMENTS_HEADER } from "../../words/holder.ts";
import type { Allowed, AllowedDecision } from "../answers.ts";
import { checkedOrigin } from "../holder/presented.ts";
import type { Context } from "../requests.ts";
import {
  checkGuard,
  createShortTelling,
  createTelling,
  decideFor,
  type GuardOptions,
  refuseTarget,
  type Telling,
  type Verifier,
} from "./guard.ts";
import { type Price, priceOf, settle } from "./price.ts";
import { methodsOf, readTarget } from "./target.ts";

/** The part of a `node:http` request that the guard uses; Express's are such requests too. */
export interface NodeRequest {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  /** Express's: the path before a router took its part off. */
  readonly originalUrl?: string | undefined;
  readonly headers: {
    readonly authorization?: string | undefined;
    readonly [name: string]: string | readonly string[] | undefined;
  };
  /** Express's application, with the router that chooses the handler: `_router` in its version 4. */
  readonly app?: object | undefined;
  readonly socket: { readonly remoteAddress?: string | undefined };
  /** The guard's verdict, which the guard puts here. */
  bakehouse?: Allowed;
  /** In its place, from a guard with `answer: "decision"`. */
  bakehouseDecision?: AllowedDecision;
}

declare global {
  // Express's own types add to this namespace. Without them it is there and empty.
  namespace Express {
    interface Request {
      /** The guard's verdict. */
      bakehouse?: Allowed;
      /** In its place, from a guard with `answer: "decision"`. */
      bakehouseDecision?: AllowedDecision;
    }
  }
}

interface Router {
  readonly caseSensitive?: unknown;
  readonly strict?: unknown;
}

interface App {
  readonly _router?: Router;
  readonly router?: Router;
}

/** The part of a `node:http` answer that the guard uses. */
export interface NodeResponse {
  statusCode: number;
  setHeader(name: string, value: string): unknown;
  end(body: string): unknown;
  once(event: "finish", listener: () => void): unknown;
}

/** Settings of a guard for `node:http` and Express. */
export interface NodeGuardOptions extends GuardOptions {
  /**
   * The application that `express()` makes: routing that no guard works with is then an error where the guard is made, and
   * not with the first request.
   */
  readonly app?: object;
}

/**
 * Middleware for `node:http` and Express: `guard(request, response, next)`. The verdict is `request.bakehouse`, and with
 * `answer: "decision"` the decision is `request.bakehouseDecision`.
 *
 * A target that two readers would understand differently is refused with 400 ({@link readTarget}). An application of
 * Express has to tell paths apart as caveats do: `app.enable("case sensitive routing")` and
 * `app.enable("strict routing")`, before its first `app.use`. Else every request is an error, and already the guard
 * with `app` among its options.
 *
 * @param more facts besides `method`, `path` and `ip`, which is the socket's own peer
 * @param options `cost` and `settle` among them: a request's cost, and the real one once it is answered; one that
 *   breaks off stays charged
 * @throws TypeError for arguments of the wrong shape
 * @example
 * const onError = (error: Error, state: string) => console.error(`bakehouse ${state}: ${error.message}`);
 * app.use(guardNode(verifier, () => ({ action: "read" }), { app, onError }));
 */
export function guardNode<R extends NodeRequest>(
  verifier: Verifier,
  more: (request: R) => Context | Promise<Context> = () => ({}),
  options: NodeGuardOptions & Partial<Price<R, R>> = {},
): (request: R, response: NodeResponse, next: (error?: unknown) => void) => Promise<void> {
  checkGuard("guardNode", verifier, more, options);
  if (options.app !== undefined) requireStrictSettings(options.app);
  const origin = checkedOrigin(options.origin);
  if (options.answer !== undefined) {
    const telling = createShortTelling("guardNode", verifier, options);
    return guardBy(telling, origin, more, options, (request, decision) => {
      request.bakehouseDecision = decision;
    });
  }
  return guardBy(createTelling(verifier, options), origin, more, options, (request, verdict) => {
    request.bakehouse = verdict;
  });
}

/** @param put gives a request's verdict to its handlers */
function guardBy<V extends AllowedDecision, R extends NodeRequest>(
  telling: Telling<V>,
  origin: string | undefined,
  more: (request: R) => Context | Promise<Context>,
  options: Partial<Price<R, R>>,
  put: (request: R, verdict: V) => void,
): (request: R, response: NodeResponse, next: (error?: unknown) => void) => Promise<void> {
  return async (request, response, next) => {
    let passed = false;
    try {
      requireStrictRouter(request);
      const sent = request.originalUrl ?? request.url ?? "/";
      const target = readTarget(sent);
      const ip = request.socket.remoteAddress;
      const decision = target.ok
        ? await decideFor(telling, {
            authorization: request.headers.authorization,
            context: {
              method: methodsOf(request.method ?? "GET"),
              path: target.path,
              ...(ip === undefined ? {} : { ip }),
              ...(await more(request)),
            },
            proof:
              origin === undefined
                ? undefined
                : {
                    dpop: headerOf(request, "dpop"),
                    endorsements: headerOf(request, ENDORSEMENTS_HEADER.toLowerCase()),
                    method: request.method ?? "GET",
                    uri: `${origin}${sent}`,
                  },
            ...(await priceOf(options, request)),
          })
        : refuseTarget(target.reason);
      if (decision.pass) {
        const { verdict } = decision;
        put(request, verdict);
        if (options.settle !== undefined)
          response.once("finish", () => void settle(options, verdict, request));
        passed = true;
      } else {
        response.statusCode = decision.status;
        for (const [name, value] of decision.headers) response.setHeader(name, value);
        response.end(decision.body);
      }
    } catch (error) {
      next(error);
    }
    // Outside of the `try`: an error of a handler is the handler's own, and must not call `next` twice.
    if (passed) next();
  };
}

/** A header that came twice is one text, which no proof is. */
function headerOf({ headers }: NodeRequest, name: string): string | undefined {
  const value = headers[name];
  return typeof value === "object" ? value.join(", ") : value;
}

/**
 * By default Express leads `/ADMIN` and `/admin/` to the handler of `/admin`, and a caveat that forbids the one would let
 * the others pass.
 */
function requireStrictRouter({ app }: NodeRequest): void {
  if (app === undefined) return;
  // Version 4 throws for `app.router`, and has `_router` once anything is in use.
  const { caseSensitive, strict } = (app as App)._router ?? (app as App).router ?? {};
  if (caseSensitive === true && strict === true) return;
  throw looseRouting();
}

function requireStrictSettings(app: object): void {
  const { enabled } = app as { readonly enabled?: unknown };
  const isOn = (name: string) => typeof enabled === "function" && enabled.call(app, name) === true;
  if (!isOn("case sensitive routing") || !isOn("strict routing")) throw looseRouting();
}

/** Without a stack, which Express shows to the caller of the request together with this server's folders. */
function looseRouting(): TypeError {
  const error = new TypeError(
    'guardNode needs app.enable("case sensitive routing") and app.enable("strict routing") before the first app.use',
  );
  error.stack = String(error);
  return error;
}
