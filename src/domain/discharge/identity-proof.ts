import type { TermOptions, Terms } from "../../conditions/terms.ts";
import type { Identity } from "../ports/sessions.ts";

/** Whether a person satisfies a condition. `login`: a login of another kind, or a newer one, is needed first. */
export type Proof =
  | { readonly outcome: "proven" }
  | { readonly outcome: "login"; readonly detail: string }
  | { readonly outcome: "refused"; readonly detail: string };

/** @returns what the ticket's options demand of the login and it does not have; undefined if they are met */
export function loginProblem(options: TermOptions, identity: Identity, now: number): string | undefined {
  const { authAge, acr } = options;
  const { authenticatedAt } = identity;
  if (authAge !== undefined && (authenticatedAt === null || now - authenticatedAt > authAge * 1000)) {
    return `this needs a login of the last ${authAge} seconds`;
  }
  if (acr !== undefined && (identity.acr === null || !acr.includes(identity.acr))) {
    return "this needs a stronger login";
  }
  return undefined;
}

/**
 * Decides a condition that one person satisfies by being who they are.
 *
 * @param principal of the token that was shown
 * @param ownIssuer the issuer whose groups are meant
 * @param now unix milliseconds
 */
export function proofOf(
  { condition, options }: Terms,
  identity: Identity,
  facts: {
    readonly principal: { readonly issuer: string; readonly subject: string } | undefined;
    readonly ownIssuer: string;
    readonly now: number;
  },
): Proof {
  const detail = refusalOf(condition, identity, facts);
  if (detail !== undefined) return { outcome: "refused", detail };
  const problem = loginProblem(options, identity, facts.now);
  return problem === undefined ? { outcome: "proven" } : { outcome: "login", detail: problem };
}

function refusalOf(
  condition: Terms["condition"],
  identity: Identity,
  { principal, ownIssuer }: Parameters<typeof proofOf>[2],
): string | undefined {
  switch (condition.kind) {
    case "is-authenticated-user":
      return undefined;
    case "is-principal": {
      const same = principal?.issuer === identity.issuer && principal.subject === identity.subject;
      return same ? undefined : "this is not the token's principal";
    }
    case "is-member-of": {
      const member = condition.groups.some((group) => identity.groups.includes(group));
      return identity.issuer === ownIssuer && member ? undefined : "this is not a member of these groups";
    }
    case "approved-by":
      return "nobody approves by logging in";
    default:
      return condition satisfies never;
  }
}
