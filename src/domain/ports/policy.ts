import type { AssertedBy, PrincipalKind } from "./principals.ts";

/** A claim that a rule asks for, and the texts that will do. */
export interface ClaimDemand {
  readonly claim: string;
  /** One of these, exactly. */
  readonly values: readonly string[];
}

/**
 * One rule of a platform's policy. A rule matches a principal who satisfies every member that it has; the
 * first rule that matches decides.
 */
export interface PolicyRule {
  /** The OIDC issuer; null for the service's own (`OIDC_ISSUER`), whichever that is. */
  readonly issuer: string | null;
  /** At least one of these groups; null for any or none. */
  readonly groups: readonly string[] | null;
  /** One of these subjects; null for any. */
  readonly subjects: readonly string[] | null;
  /** Each of these claims of an assertion; absent if none is asked for. In the order of their names, each once. */
  readonly claims?: readonly ClaimDemand[];
  /** Caveats that every token under this rule gets, in the caveat language. */
  readonly caveats: readonly string[];
  /** The longest life of a token, seconds. */
  readonly maxTtl: number;
  /** How long a token can be renewed, seconds from the issue of the first; absent if it cannot be. */
  readonly session?: number;
  /** Whether the platform may issue by its own word (`on_behalf_of`). A rule with groups or claims never can: no issuer vouched for them. */
  readonly onBehalfOf: boolean;
}

/** The OAuth clients that may ask for a platform's tokens besides the registered ones. */
export interface PolicyClients {
  /** Whether a client may introduce itself by a document at its own address. */
  readonly metadataDocuments: boolean;
  /** The hosts of such documents: names, or `*.` and a name for all below it. Absent for any. */
  readonly domains?: readonly string[];
}

/** To whom a platform's tokens may be issued. Where no rule matches, none is issued. */
export interface Policy {
  readonly rules: readonly PolicyRule[];
  /** Absent: registered clients alone. */
  readonly clients?: PolicyClients;
}

/** The principal that a token is asked for, and who says that it is them. */
export interface PolicySubject {
  /** As the issuer calls itself. */
  readonly issuer: string;
  readonly kind: PrincipalKind;
  readonly subject: string;
  readonly groups: readonly string[];
  /**
   * The claims of an assertion, by name. Absent for everybody else: a browser's session has none, and a rule must not mean
   * one thing by one door and another by the next.
   */
  readonly claims?: Readonly<Record<string, unknown>>;
  readonly assertedBy: AssertedBy;
}

/** A member of a rule that a principal does not satisfy. */
export interface RuleMismatch {
  /** As it stands in the rule, such as `claims.repository`. */
  readonly member: string;
  /** For administrators: it names claims, never their values. */
  readonly detail: string;
}

/** The policy of a platform that has just been created: nobody. */
export const CLOSED_POLICY: Policy = { rules: [] };

/** The policy of `default`: everyone whom the service's own issuer knows, for up to a day. */
export const DEFAULT_PLATFORM_POLICY: Policy = {
  rules: [{ issuer: null, groups: null, subjects: null, caveats: [], maxTtl: 86_400, onBehalfOf: true }],
};

function claimMismatch({ claim, values }: ClaimDemand, { claims }: PolicySubject): string | undefined {
  if (claims === undefined) return "claims are those of an assertion, and this is none";
  const value = Object.hasOwn(claims, claim) ? claims[claim] : undefined;
  if (value === undefined) return "the claim is missing";
  if (typeof value !== "string") return "the claim is no text";
  return values.includes(value) ? undefined : "the claim has another value";
}

/**
 * Every reason why a rule does not match, the first one first. Whoever needs to know only whether it matches takes one.
 *
 * @param groups of the subject: a policy may name sixty thousand
 */
function* mismatches(
  rule: PolicyRule,
  subject: PolicySubject,
  groups: ReadonlySet<string>,
  ownIssuer: string,
): Generator<RuleMismatch, undefined> {
  if (subject.issuer !== (rule.issuer ?? ownIssuer)) {
    yield { member: "issuer", detail: "the rule is for another issuer" };
  } else if (subject.kind === "workload" && rule.issuer === null) {
    yield { member: "issuer", detail: "a rule that names no issuer is for people" };
  }
  if (rule.subjects !== null && !rule.subjects.includes(subject.subject)) {
    yield { member: "subjects", detail: "the subject is not among them" };
  }
  // Groups and claims are the issuer's word. A platform that speaks for somebody brings none.
  const byPlatform = subject.assertedBy === "platform";
  if (byPlatform && !rule.onBehalfOf) {
    yield { member: "on_behalf_of", detail: "the platform may not issue by its own word" };
  }
  if (rule.groups !== null && (byPlatform || !rule.groups.some((group) => groups.has(group)))) {
    const detail = byPlatform ? "nobody vouches for groups that a platform names" : "none of them is named";
    yield { member: "groups", detail };
  }
  for (const demand of rule.claims ?? []) {
    const detail = byPlatform
      ? "nobody vouches for claims that a platform names"
      : claimMismatch(demand, subject);
    if (detail !== undefined) yield { member: `claims.${demand.claim}`, detail };
  }
  return undefined;
}

/** A policy held against one principal: rule by rule, in their order. */
export interface PolicyReading {
  /** The first rule that matches, and its index; undefined if none does: then nothing is issued. */
  find(): { readonly rule: PolicyRule; readonly index: number } | undefined;
  /** Every reason why one rule does not match; empty if it does. */
  whyNot(rule: PolicyRule): readonly RuleMismatch[];
}

/** Holds a policy against a principal. The service issues by this, and a dry run tells of this. */
export function readPolicyFor(policy: Policy, subject: PolicySubject, ownIssuer: string): PolicyReading {
  const groups = new Set(subject.groups);
  const why = (rule: PolicyRule) => mismatches(rule, subject, groups, ownIssuer);
  return {
    find() {
      const index = policy.rules.findIndex((rule) => why(rule).next().done === true);
      const rule = policy.rules[index];
      return rule === undefined ? undefined : { rule, index };
    },
    whyNot: (rule) => [...why(rule)],
  };
}

/** The rule that decides for a principal. @returns undefined if none matches: then nothing is issued */
export function ruleFor(policy: Policy, subject: PolicySubject, ownIssuer: string): PolicyRule | undefined {
  return readPolicyFor(policy, subject, ownIssuer).find()?.rule;
}

/** Whether a policy lets a client introduce itself by a document on this host. @param host in lower case, without a port */
export function admitsDocumentOf({ clients }: Policy, host: string): boolean {
  if (clients?.metadataDocuments !== true) return false;
  return (
    clients.domains === undefined ||
    clients.domains.some((domain) =>
      domain.startsWith("*.")
        ? host.endsWith(domain.slice(1)) && host.length > domain.length - 1
        : host === domain,
    )
  );
}
