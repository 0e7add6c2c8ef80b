import type { RevokedBy } from "../words/states.ts";
import type { Caller } from "./caller.ts";
import { type AgentKeys, agentHash } from "./parts/agent-hash.ts";
import type { Revocation, SeenTarget } from "./ports/revocations.ts";

/** A part of a tree that was revoked, as far as its entry says that it is of that tree. */
export interface RevokedBranch {
  readonly target:
    | { readonly kind: "link"; readonly revocationId: string }
    | { readonly kind: "agent"; readonly agent: string };
  readonly revokedAt: number;
  readonly by: RevokedBy;
  /** As {@link toldReason}. */
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
  /** As {@link toldReason}. */
  readonly reason: string | null;
}

/** The kind of author of an entry. */
export function authorKind({ author }: Pick<Revocation, "author">): RevokedBy {
  if (author === "holder") return author;
  if (author.startsWith("platform:")) return "platform";
  // An approver takes back a consent of their own: a person, like the principal.
  return author === "principal" || author === "approver" ? "principal" : "administrator";
}

/** A reader that is not told all of the log. */
interface PlatformReader {
  readonly platform: string;
  /** The key of the agents that others have named. */
  readonly agentKey: Uint8Array;
}

/**
 * The target as it stands in a reader's view of the log: of others' entries a platform is told no agent's name, and its
 * people by their ids there alone, of which one person may have several.
 *
 * @param reader undefined for one that is told all
 * @param principalIds the ids there of the person in the entry
 */
export function seenTargets(
  { scope, target }: Pick<Revocation, "scope" | "target">,
  reader: PlatformReader | undefined,
  principalIds: readonly string[],
): readonly SeenTarget[] {
  if (reader === undefined || ("platform" in scope && scope.platform === reader.platform)) return [target];
  if (target.kind === "principal") {
    const { issuedBefore } = target;
    return principalIds.map((id) => ({ kind: "principal_id", id, issuedBefore }));
  }
  if (target.kind !== "agent") return [target];
  const { agent, tokenId, issuedBefore } = target;
  return [{ kind: "opaque", agentHash: agentHash(reader.agentKey, agent), tokenId, issuedBefore }];
}

/** The target of the entry that killed a token, as the asker may see it. @param epoch the log's */
export function killerSeenBy(
  caller: Caller,
  entry: Pick<Revocation, "scope" | "target">,
  { principalId, agentKeys, epoch }: { principalId: string; agentKeys: AgentKeys; epoch: string },
): SeenTarget {
  const platform = caller.kind === "service" ? caller.platform : undefined;
  const reader = platform === undefined ? undefined : { platform, agentKey: agentKeys(epoch, platform) };
  const [target = entry.target] = seenTargets(entry, reader, [principalId]);
  return target;
}

/**
 * The reason of an entry that killed a token, as it is told to an asker who may verify that token; null if there is none for
 * them. It is for the side that wrote it, unless its author made it public.
 */
export function toldReason(
  caller: Caller,
  entry: Pick<Revocation, "scope" | "reason" | "reasonIsPublic" | "author">,
): string | null {
  if (entry.reasonIsPublic === true) return entry.reason;
  if (!isOwnEntry(caller, entry)) return null;
  const isPlatform = caller.kind === "service" && caller.role === "platform";
  return isPlatform ? platformReason(entry) : entry.reason;
}

/**
 * The reason as the platform of the entry is told it: what a person wrote is theirs, unless they made it public. A holder of one
 * of its tokens tells the platform.
 */
export function platformReason(
  entry: Pick<Revocation, "reason" | "reasonIsPublic" | "author">,
): string | null {
  const isTheirs = authorKind(entry) === "principal" && entry.reasonIsPublic !== true;
  return isTheirs ? null : entry.reason;
}

/** Whether the asker's own side wrote an entry. */
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
