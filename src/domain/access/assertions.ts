import { createHash } from "node:crypto";
import type { HumanCaller } from "../caller.ts";
import { MAX_TOKEN_LIFE } from "../parts/lifetimes.ts";
import { CLOCK_SKEW, isText, readTimes, type TokenTimes } from "../parts/token-claims.ts";
import { voucherOf } from "../parts/voucher.ts";
import type { Clock } from "../ports/clock.ts";
import type { Assertions, UnverifiedAssertion } from "../ports/identity.ts";
import type { PrincipalKind } from "../ports/principals.ts";
import type { Identity } from "../ports/sessions.ts";

/** The name of an assertion that is good once, by which it is remembered. */
export interface Once {
  /** 32 bytes. */
  readonly hash: Uint8Array;
  /** Unix milliseconds: it is not taken any more from then on. */
  readonly until: number;
}

/** A principal that an assertion vouches for. */
export interface Asserted {
  /** The assertion's kind: of a job or service, or of a person that an enterprise lets use a client (ID-JAG). */
  readonly kind: "workload" | "id-jag";
  /** Its `issuer` is the voucher's name: see `voucherOf`. */
  readonly identity: Identity;
  /** Every claim, for the rules of policies. */
  readonly claims: Readonly<Record<string, unknown>>;
  /** When the person or their issuer last spoke, unix milliseconds: later revocations end everything that this is good for. */
  readonly spokeAt: number;
  /** When it ends, unix milliseconds. Everything that a workload gets by it ends no later. */
  readonly expiresAt: number;
  /** The client that an ID-JAG was issued to: another one, or one that has not authenticated, must not redeem it. */
  readonly clientId: string | undefined;
  /** The resources that it is restricted to; undefined for any. */
  readonly resources: readonly string[] | undefined;
  /** The scopes that it is restricted to; undefined for any. */
  readonly scopes: readonly string[] | undefined;
  /** Of an assertion that is good once; undefined for one that may be shown again. */
  readonly once: Once | undefined;
}

/**
 * The caller that an assertion stands for, who gets tokens and nothing else.
 *
 * What a workload gets ends with the assertion. An ID-JAG lives for minutes, in which a person's client redeems it.
 */
export function callerOf({ kind, identity, claims, spokeAt, expiresAt }: Asserted): HumanCaller {
  const bound = kind === "workload" ? { until: expiresAt } : {};
  return { kind: "human", administrator: false, identity, claims, spokeAt, ...bound };
}

/** The outcome of looking at an assertion. */
export type AssertionVerdict =
  | { readonly ok: true; readonly asserted: Asserted }
  /** Public: it names the claim at fault, never its value. */
  | { readonly ok: false; readonly reason: string };

/** Judges assertions (RFC 7523 §3). */
export interface AssertionDesk {
  /**
   * Checks an assertion, its use apart.
   *
   * Rejects with a DomainError `unavailable` if the issuer's keys could not be had: that says nothing about the assertion.
   *
   * @param clientId the client that redeems it, if that has authenticated; undefined for one that has not
   */
  verify(text: string, clientId: string | undefined): Promise<AssertionVerdict>;
}

/** The longest life of an assertion that has to be remembered, milliseconds. Issuers give them minutes. */
const LONGEST_ONCE = 86_400_000;

const MAX_TEXT = 255;
const MAX_RESOURCE = 2_048;
const MAX_RESOURCES = 32;

/** The header's `typ` of an ID-JAG. */
const ID_JAG = "oauth-id-jag+jwt";

type Claims = Readonly<Record<string, unknown>>;

/** The kind of an assertion: its own word for it, and what its issuer is trusted with, have to agree. */
function kindOf({ type, kinds }: UnverifiedAssertion): Asserted["kind"] | string {
  if (type === ID_JAG) {
    return kinds.has("id-jag") ? "id-jag" : "its issuer is not trusted to assert people (typ)";
  }
  // Of all types without a name of their own: access tokens, logout tokens and proofs name theirs (RFC 8725 §3.11).
  if (type !== undefined && type !== "jwt") return "its type is not that of an assertion (typ)";
  return kinds.has("workload") ? "workload" : "its issuer is not trusted to assert workloads (typ)";
}

const isKind = (kind: string): kind is Asserted["kind"] => kind === "workload" || kind === "id-jag";

/** The claims that make a token one of another kind, or ask for a check that is not made here. */
function strangeClaim(claims: Claims): string | undefined {
  if (claims["events"] !== undefined) return "the events claim marks a token that is no assertion";
  if (claims["nonce"] !== undefined) return "the nonce claim marks a token of a login";
  if (claims["cnf"] !== undefined) return "the cnf claim asks for a proof, which is not taken here";
  return undefined;
}

/** @param audience this service's own name: the assertion must be for it, and for nobody else */
function partyProblem(claims: Claims, audience: string): string | undefined {
  const { aud } = claims;
  const only: unknown = Array.isArray(aud) && aud.length === 1 ? aud[0] : aud;
  if (only !== audience) return "the aud claim is not this service's issuer, alone";
  return isText(claims["sub"], MAX_TEXT) ? undefined : "the sub claim is missing or malformed";
}

/** The restrictions that an ID-JAG states. @returns a text for a claim that is malformed */
function restrictionsOf(claims: Claims): Pick<Asserted, "resources" | "scopes"> | string {
  const { resource, scope } = claims;
  const resources = resource === undefined ? undefined : [resource].flat();
  const named = resources?.every((one) => isText(one, MAX_RESOURCE)) ?? true;
  if (!named || resources?.length === 0 || (resources?.length ?? 0) > MAX_RESOURCES) {
    return "the resource claim is malformed";
  }
  // RFC 6749 §3.3.
  const spelt = /^[!\x23-\x5b\x5d-\x7e]+(?: [!\x23-\x5b\x5d-\x7e]+)*$/;
  if (scope !== undefined && !(isText(scope, MAX_RESOURCE) && spelt.test(scope))) {
    return "the scope claim is malformed";
  }
  return {
    resources: resources as readonly string[] | undefined,
    scopes: scope === undefined ? undefined : scope.split(" "),
  };
}

/** What an ID-JAG needs besides: a name of its own, and the client that it was issued to. */
function idJagProblem(claims: Claims, { issuedAt, expiresAt }: TokenTimes, clientId: string | undefined) {
  if (!isText(claims["jti"], MAX_TEXT)) return "the jti claim is missing or malformed";
  if (expiresAt - issuedAt > LONGEST_ONCE) return "the exp claim is more than a day behind the iat claim";
  if (!isText(claims["client_id"], MAX_RESOURCE)) return "the client_id claim is missing or malformed";
  if (clientId === undefined) return "the client has not authenticated";
  return claims["client_id"] === clientId ? undefined : "the client_id claim names another client";
}

/**
 * Makes the desk of assertions. Of each the claims are judged first, which costs nothing, then the signature.
 *
 * @param audience the service's `PUBLIC_URL`, which is its issuer
 */
export function createAssertionDesk(options: {
  readonly assertions: Assertions;
  readonly clock: Pick<Clock, "now">;
  readonly audience: string;
}): AssertionDesk {
  const { assertions, clock } = options;
  const refuse = (reason: string) => ({ ok: false, reason }) as const;

  return {
    async verify(text, clientId) {
      const opened = assertions.open(text);
      if (!opened.ok) return opened;
      const { assertion } = opened;
      const claims = assertion.unverifiedClaims;
      const kind = kindOf(assertion);
      if (!isKind(kind)) return refuse(kind);
      const now = clock.now();
      const fault = strangeClaim(claims) ?? partyProblem(claims, options.audience);
      if (fault !== undefined) return refuse(fault);
      const times = readTimes(claims, now);
      if (typeof times === "string") return refuse(times);
      const unfit = kind === "id-jag" ? idJagProblem(claims, times, clientId) : undefined;
      if (unfit !== undefined) return refuse(unfit);
      const restrictions = kind === "id-jag" ? restrictionsOf(claims) : NO_RESTRICTIONS;
      if (typeof restrictions === "string") return refuse(restrictions);
      const principalKind: PrincipalKind = kind === "workload" ? "workload" : "person";
      const reading = assertion.readIdentity(voucherOf(principalKind, assertion.issuer));
      if (!reading.ok) return reading;
      const { identity } = reading;
      // A workload does not log in.
      const spokeAt = kind === "workload" ? times.issuedAt : (identity.authenticatedAt ?? times.issuedAt);
      // A revocation from longer ago than a token can live may not be on record any more.
      if (spokeAt <= now - MAX_TOKEN_LIFE)
        return refuse("it speaks of a moment too long ago (auth_time, iat)");
      if (!(await assertion.isSigned())) return refuse("its signature is not its issuer's");
      return {
        ok: true,
        asserted: {
          kind,
          identity,
          claims,
          spokeAt,
          expiresAt: times.expiresAt,
          clientId: kind === "id-jag" ? clientId : undefined,
          ...restrictions,
          once: kind === "id-jag" ? onceOf(assertion, times) : undefined,
        },
      };
    },
  };
}

const NO_RESTRICTIONS = { resources: undefined, scopes: undefined };

/** Names an assertion: an issuer gives each of its own another `jti` (RFC 7519 §4.1.7). It is taken for as long as a clock may be off. */
function onceOf({ issuer, unverifiedClaims }: UnverifiedAssertion, { expiresAt }: TokenTimes): Once {
  const name = JSON.stringify(["assertion", issuer, unverifiedClaims["jti"]]);
  const hash = new Uint8Array(createHash("sha256").update(name).digest());
  return { hash, until: expiresAt + CLOCK_SKEW };
}
