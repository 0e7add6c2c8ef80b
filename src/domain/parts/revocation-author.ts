import type { RevokedBy } from "../../words/states.ts";
import type { Revocation, RevocationScope } from "../ports/revocations.ts";

/** The kind of author of an entry. */
export function authorKind({ author }: Pick<Revocation, "author">): RevokedBy {
  if (author === "holder") return author;
  if (author.startsWith("platform:")) return "platform";
  // An approver takes back a consent of their own: a person, like the principal.
  return author === "principal" || author === "approver" ? "principal" : "administrator";
}

/** The facts of a token by which scopes are told. */
interface Owned {
  readonly platform: string;
  readonly issuer: string;
  readonly subject: string;
}

/** Whether an entry of this scope can match a token at all. */
export function covers(scope: RevocationScope, token: Owned): boolean {
  switch (scope.kind) {
    case "all":
      return true;
    case "platform":
    case "link":
      return scope.platform === token.platform;
    case "principal":
      return scope.issuer === token.issuer && scope.subject === token.subject;
    default:
      return scope satisfies never;
  }
}
