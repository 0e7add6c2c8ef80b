import type { AssertedBy } from "./principals.ts";

/**
 * One rule of a platform's policy. A rule matches a human who satisfies every member that it has; the
 * first rule that matches decides.
 */
export interface PolicyRule {
  /** The OIDC issuer; null for the service's own (`OIDC_ISSUER`), whichever that is. */
  readonly issuer: string | null;
  /** At least one of these groups; null for any or none. */
  readonly groups: readonly string[] | null;
  /** One of these subjects; null for any. */
  readonly subjects: readonly string[] | null;
  /** Caveats that every token under this rule gets, in the caveat language. */
  readonly caveats: readonly string[];
  /** The longest life of a token, seconds. */
  readonly maxTtl: number;
  /** Whether the platform may issue by its own word (`on_behalf_of`). A rule with groups never can: no issuer vouched for them. */
  readonly onBehalfOf: boolean;
}

/** To whom a platform's tokens may be issued. Where no rule matches, none is issued. */
export interface Policy {
  readonly rules: readonly PolicyRule[];
}

/** The human that a token is asked for, and who says that it is them. */
export interface PolicySubject {
  readonly issuer: string;
  readonly subject: string;
  readonly groups: readonly string[];
  readonly assertedBy: AssertedBy;
}

/** The policy of a platform that has just been created: nobody. */
export const CLOSED_POLICY: Policy = { rules: [] };

/** The policy of `default`: everyone whom the service's own issuer knows, for up to a day. */
export const DEFAULT_PLATFORM_POLICY: Policy = {
  rules: [{ issuer: null, groups: null, subjects: null, caveats: [], maxTtl: 86_400, onBehalfOf: true }],
};

/** @param groups of the subject: a policy may name sixty thousand */
function matches(
  rule: PolicyRule,
  subject: PolicySubject,
  groups: ReadonlySet<string>,
  ownIssuer: string,
): boolean {
  if (subject.issuer !== (rule.issuer ?? ownIssuer)) return false;
  if (rule.subjects !== null && !rule.subjects.includes(subject.subject)) return false;
  // Groups are the issuer's word. A platform that speaks for a human brings none.
  if (subject.assertedBy === "platform") return rule.onBehalfOf && rule.groups === null;
  return rule.groups === null || rule.groups.some((group) => groups.has(group));
}

/** The rule that decides for a human. @returns undefined if none matches: then nothing is issued */
export function ruleFor(policy: Policy, subject: PolicySubject, ownIssuer: string): PolicyRule | undefined {
  const groups = new Set(subject.groups);
  return policy.rules.find((rule) => matches(rule, subject, groups, ownIssuer));
}
