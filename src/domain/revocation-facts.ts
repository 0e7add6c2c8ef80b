import type { RevokedBy } from "../words/states.ts";
import type { Caller } from "./caller.ts";
import { agentHash, agentHashKey } from "./parts/agent-hash.ts";
import type { Revocation, SeenTarget } from "./ports/revocations.ts";

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

/**
 * The target as it stands in a reader's view of the log: a platform is told no name of an agent that others revoked.
 *
 * @param platform undefined for a reader that is told all
 */
export function seenTarget(
  { scope, target }: Pick<Revocation, "scope" | "target">,
  platform: string | undefined,
  epoch: string,
): SeenTarget {
  if (platform === undefined || target.kind !== "agent") return target;
  if ("platform" in scope && scope.platform === platform) return target;
  const { agent, tokenId, issuedBefore } = target;
  const hash = agentHash(agentHashKey(epoch, platform), agent);
  return { kind: "opaque", agentHash: hash, tokenId, issuedBefore };
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
