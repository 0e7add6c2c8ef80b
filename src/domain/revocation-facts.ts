import type { RevokedBy } from "../words/states.ts";
import type { Caller } from "./caller.ts";
import type { Revocation, RevocationScope, SeenTarget } from "./ports/revocations.ts";

/** A part of a tree that was revoked, as far as its entry says that it is of that tree. */
export interface RevokedBranch {
  readonly target:
    | { readonly kind: "link"; readonly revocationId: string }
    | { readonly kind: "agent"; readonly agent: string };
  readonly revokedAt: number;
  readonly by: RevokedBy;
  /** Null unless the asker's own side wrote it. */
  readonly reason: string | null;
}

/** The entry that killed a token, and the link that it killed. */
export interface RevocationFacts {
  readonly target: SeenTarget;
  /** The topmost dead link, or of an entry about the whole token the one that was issued. */
  readonly revocationId: string;
  /** The last agent at or above that link; null if it stands before the first. */
  readonly agent: string | null;
  /** Hand-overs at or above that link. */
  readonly depth: number;
  /** Unix milliseconds. */
  readonly revokedAt: number;
  readonly by: RevokedBy;
  /** Null unless the asker's own side wrote it. */
  readonly reason: string | null;
}

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

/** Whether the asker's own side wrote an entry: its reason is for nobody else. */
export function isOwnEntry(caller: Caller, { scope }: Pick<Revocation, "scope">): boolean {
  if (caller.kind === "service") {
    return caller.role === "administrator" || ("platform" in scope && scope.platform === caller.platform);
  }
  const { issuer, subject } = caller.identity;
  return (
    caller.administrator ||
    (scope.kind === "principal" && scope.issuer === issuer && scope.subject === subject)
  );
}
