import type { Caller } from "./caller.ts";
import type { Policy, PolicyRule, RuleMismatch } from "./ports/policy.ts";
import type { PrincipalKind } from "./ports/principals.ts";

/** A policy as it stands, and the name of that state. */
export interface StandingPolicy {
  readonly policy: Policy;
  /** Another one for every other policy; in letters, digits, `-` and `_`. */
  readonly version: string;
}

/** The condition under which a policy is replaced: one of these versions stands; `any` for whichever does. */
export type PolicyCondition = readonly string[] | "any";

/** A principal that may never have been here. */
export interface TriedPrincipal {
  /** Undefined for the service's own. */
  readonly issuer: string | undefined;
  readonly kind: PrincipalKind;
  readonly subject: string;
  readonly groups: readonly string[];
  /** Of an assertion; undefined for somebody who brings an ID token or a session. */
  readonly claims: Readonly<Record<string, unknown>> | undefined;
  /** Whether a platform would name them by its own word. */
  readonly onBehalfOf: boolean;
}

/** The outcome of a dry run. */
export interface PolicyTrial {
  /** The rule that decides and its index; undefined if nothing is issued. */
  readonly decides: { readonly rule: PolicyRule; readonly index: number } | undefined;
  /** The rules that do not match before the one that decides, in their order; all of them if none decides. */
  readonly passedOver: readonly { readonly index: number; readonly why: readonly RuleMismatch[] }[];
  /** Why nobody of that description comes here at all, whatever the policy says. */
  readonly warnings: readonly string[];
}

/** Platforms' policies: an administrator's business. All reject with `not_found` for a platform that is not there. */
export interface Policies {
  get(caller: Caller, platform: string): Promise<StandingPolicy>;
  /**
   * Replaces a policy.
   *
   * @param condition undefined if the caller names no state: then nothing that restricts may be dropped (`conflict`)
   * @returns rejects with `precondition_failed` if another policy stands
   */
  put(
    caller: Caller,
    platform: string,
    policy: Policy,
    condition: PolicyCondition | undefined,
  ): Promise<StandingPolicy>;
  /**
   * Tells what a principal would get, and changes nothing.
   *
   * @param policy held against them in place of the one that stands; undefined for that
   */
  tryOut(
    caller: Caller,
    platform: string,
    principal: TriedPrincipal,
    policy: Policy | undefined,
  ): Promise<PolicyTrial>;
}
