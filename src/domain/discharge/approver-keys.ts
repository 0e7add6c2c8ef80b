import type { ApprovalCondition } from "../../conditions/terms.ts";
import type { Identity } from "../ports/sessions.ts";

// JSON, so that no two different names are written alike.
function keyOf(kind: "subject" | "group", issuer: string, name: string): string {
  return JSON.stringify([kind, issuer, name]);
}

/** Whom an approval concerns, each as one text that can be looked up. @param issuer whose subjects and groups are meant */
export function approverKeys(condition: ApprovalCondition, issuer: string): readonly string[] {
  return [
    ...condition.subjects.map((subject) => keyOf("subject", issuer, subject)),
    ...condition.groups.map((group) => keyOf("group", issuer, group)),
  ];
}

/** The texts under which a person is asked. */
export function keysOf(identity: Identity): readonly string[] {
  const { issuer, subject, groups } = identity;
  return [keyOf("subject", issuer, subject), ...groups.map((group) => keyOf("group", issuer, group))];
}

/**
 * Whether a person's approval counts.
 *
 * Someone who is named by subject may be the token's own principal: my agent asks me. As a member of a group the
 * principal does not count, since a group stands for somebody else's consent, unless the ticket says so.
 *
 * @param principal the token's; undefined if no token was shown
 */
export function mayApprove(
  condition: ApprovalCondition,
  identity: Identity,
  rules: {
    readonly issuer: string;
    readonly principal: { readonly issuer: string; readonly subject: string } | undefined;
    readonly principalCounts: boolean;
  },
): boolean {
  if (identity.issuer !== rules.issuer) return false;
  if (condition.subjects.includes(identity.subject)) return true;
  if (!condition.groups.some((group) => identity.groups.includes(group))) return false;
  const { principal } = rules;
  const isPrincipal = principal?.issuer === identity.issuer && principal.subject === identity.subject;
  return rules.principalCounts || (principal !== undefined && !isPrincipal);
}
