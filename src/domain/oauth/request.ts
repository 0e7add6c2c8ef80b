import { OAuthError } from "../oauth-error.ts";
import type { OAuthParameters } from "../oauth-service.ts";
import { DomainError } from "../parts/error.ts";
import { isChallenge } from "./pkce.ts";
import { scopesAsked } from "./scope.ts";

/** The parameters that are read: others are ignored, as RFC 6749 §3.1 wants it. */
const NAMES = [
  "response_type",
  "client_id",
  "redirect_uri",
  "state",
  "scope",
  "resource",
  "code_challenge",
  "code_challenge_method",
  "prompt",
  "response_mode",
  "request",
  "request_uri",
] as const;
type Name = (typeof NAMES)[number];

const isName = (name: string): name is Name => (NAMES as readonly string[]).includes(name);

/** RFC 6749 appendix A.5. */
const STATE = /^[\x20-\x7e]{1,1000}$/;

const PROMPTS: ReadonlySet<string> = new Set(["none", "login", "consent", "select_account"]);

/** A request's parameters, each as it came if it came once. */
export interface AskedParameters {
  /** @returns undefined for one that is absent, or came empty: RFC 6749 §3.1 takes that for absent */
  one(name: Name): string | undefined;
  readonly doubled: ReadonlySet<Name>;
}

/** Sorts the parameters of a request. */
export function sortParameters(asked: OAuthParameters): AskedParameters {
  const values = new Map<Name, string>();
  const doubled = new Set<Name>();
  for (const [name, value] of asked) {
    if (!isName(name)) continue;
    if (values.has(name)) doubled.add(name);
    values.set(name, value);
  }
  return {
    one: (name) => (doubled.has(name) ? undefined : values.get(name) || undefined),
    doubled,
  };
}

/**
 * The parameters without which no answer may go anywhere.
 *
 * @throws DomainError for a request that is told of on a page
 */
export function addressOf(asked: AskedParameters): {
  readonly clientId: string;
  readonly redirectUri: string | undefined;
} {
  for (const name of ["client_id", "redirect_uri"] as const) {
    if (asked.doubled.has(name)) throw new DomainError("invalid_request", `${name} is repeated`, name);
  }
  const clientId = asked.one("client_id");
  if (clientId === undefined) throw new DomainError("invalid_request", "client_id is missing", "client_id");
  return { clientId, redirectUri: asked.one("redirect_uri") };
}

/** The state that goes back with every answer; undefined for one that may not. */
export function stateOf(asked: AskedParameters): string | undefined {
  const state = asked.one("state");
  return state !== undefined && STATE.test(state) ? state : undefined;
}

/** The checked rest of a request. */
export interface AskedGrant {
  readonly challenge: string;
  /** Those that were asked for; empty for none. */
  readonly scopes: readonly string[];
  /** As it was written; undefined if none was. */
  readonly resource: string | undefined;
  readonly prompts: ReadonlySet<string>;
}

/**
 * Reads the rest of a request, once the place of its answer is known.
 *
 * @throws OAuthError
 */
export function grantAskedBy(asked: AskedParameters): AskedGrant {
  const wrong = (why: string) => new OAuthError("invalid_request", why);
  if (asked.doubled.has("resource")) throw new OAuthError("invalid_target", "resource must be exactly one");
  const [doubled] = asked.doubled;
  if (doubled !== undefined) throw wrong(`${doubled} is repeated`);
  if (asked.one("state") !== undefined && stateOf(asked) === undefined) {
    throw wrong("state must be at most 1000 visible ASCII characters and spaces");
  }
  if (asked.one("request") !== undefined)
    throw new OAuthError("request_not_supported", "request is not read");
  if (asked.one("request_uri") !== undefined) {
    throw new OAuthError("request_uri_not_supported", "request_uri is not fetched");
  }
  const type = asked.one("response_type");
  if (type === undefined) throw wrong("response_type is missing");
  if (type !== "code") throw new OAuthError("unsupported_response_type", "response_type must be code");
  if ((asked.one("response_mode") ?? "query") !== "query") throw wrong("response_mode must be query");
  const challenge = asked.one("code_challenge");
  if (challenge === undefined) throw wrong("code_challenge is missing: PKCE is always needed");
  if (asked.one("code_challenge_method") !== "S256") throw wrong("code_challenge_method must be S256");
  if (!isChallenge(challenge)) throw wrong("code_challenge must be a SHA-256 in base64url");
  const scopes = scopesAsked(asked.one("scope"));
  const prompts = new Set(asked.one("prompt")?.split(" "));
  for (const prompt of prompts) if (!PROMPTS.has(prompt)) throw wrong("prompt has an unknown value");
  if (prompts.has("none") && prompts.size > 1) throw wrong("prompt=none goes with no other");
  return { challenge, scopes, resource: asked.one("resource"), prompts };
}

/** The request as a query, without the prompts that a login settles: so it can come back after one. */
export function queryAfterLogin(asked: AskedParameters): string {
  const query = new URLSearchParams();
  for (const name of NAMES) {
    const value = asked.one(name);
    if (value === undefined) continue;
    const kept =
      name === "prompt"
        ? value
            .split(" ")
            .filter((one) => one === "consent")
            .join(" ")
        : value;
    if (kept !== "") query.set(name, kept);
  }
  return query.toString();
}
