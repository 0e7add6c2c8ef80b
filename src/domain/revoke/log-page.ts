import type { Caller } from "../caller.ts";
import type { RevocationView } from "../log-news.ts";
import type { AgentKeys } from "../parts/agent-hash.ts";
import { DomainError } from "../parts/error.ts";
import { parseSequence, printSequence } from "../parts/sequence.ts";
import { requireAdministratorOrPlatform } from "../permission.ts";
import type { LogPosition, LogRead, LogView, Revocation, SeenRevocation } from "../ports/revocations.ts";
import type { Store } from "../ports/store.ts";
import { BY_HAND, problemOf } from "../replica/log-problem.ts";
import { platformReason, seenTargets } from "../revocation-facts.ts";

/** The part of the log that a caller may read: administrators all of it, platforms the entries that can match their tokens. */
export function viewOf(caller: Caller): LogView {
  const platform = requireAdministratorOrPlatform(caller, "read", undefined);
  return platform === undefined ? { kind: "all" } : { kind: "platform", platform };
}

/** Reads the position after which a caller goes on; undefined for the beginning. */
export function positionOf(after: string | undefined): LogPosition | undefined {
  const position = after === undefined ? undefined : parseSequence(after);
  if (after === undefined || position !== undefined) return position;
  throw new DomainError("invalid_request", "is not a sequence of this service", "after");
}

/** The key of the agents that are hashed for a reader; undefined if none is. */
export function hashKeyOf(view: LogView, epoch: string, agentKeys: AgentKeys): Uint8Array | undefined {
  return view.kind === "all" ? undefined : agentKeys(epoch, view.platform);
}

/**
 * An entry as its reader sees it, with its position: of the entries of an administrator or a person, perhaps at another
 * platform, a platform sees no reason, no agent's name, and its own people by their ids there: once for each id.
 */
export function seenBy(
  view: LogView,
  entry: Revocation,
  epoch: string,
  agentKeys: AgentKeys,
): readonly RevocationView[] {
  const { scope } = entry;
  if (view.kind === "all" || ("platform" in scope && scope.platform === view.platform)) {
    const reason = view.kind === "all" ? entry.reason : platformReason(entry);
    return [withSequence({ ...entry, reason }, epoch)];
  }
  const { platform } = view;
  const reader = { platform, agentKey: agentKeys(epoch, platform) };
  return seenTargets(entry, reader, entry.principalIds ?? []).map((target) =>
    withSequence({ ...entry, target, reason: null }, epoch),
  );
}

/**
 * Reads a page of the log.
 *
 * Rejects with `gone` if the position is not one of this log, or if entries that followed it are not kept any more: a
 * reader that went on from there would have missed entries without knowing it. Rejects with `unavailable` on a
 * server that is not the log's own.
 */
export async function readPage(
  store: Pick<Store, "revocations">,
  from: LogPosition | undefined,
  limit: number,
  view: LogView,
): Promise<LogRead> {
  const read = await store.revocations.read(from?.number ?? 0, limit, view);
  // The reader would take the page for fresh, and would not know of missing entries.
  const problem = problemOf(read, undefined, BY_HAND);
  if (problem !== undefined) throw new DomainError("unavailable", problem.reason);
  if (from === undefined) return read;
  const isOfThisLog =
    from.epoch === read.position.epoch &&
    from.number <= read.position.number &&
    // A position of version 0.1.0 has no hash. It is good as long as the epoch is: no other log was served under it.
    (from.hash === undefined || read.hashAt === undefined || from.hash === read.hashAt || from.number === 0);
  if (!isOfThisLog)
    throw new DomainError("gone", "the log has begun anew since: read it from the start", "after");
  const isKept = from.hash === undefined || read.hashAt !== undefined || from.number === 0;
  if (!isKept || from.number + 1 < read.oldest) {
    const why = "entries after this are not kept any more: read the log from the start";
    throw new DomainError("gone", why, "after");
  }
  return read;
}

/** An entry with its position as callers see it. */
export function withSequence(revocation: SeenRevocation, epoch: string): RevocationView {
  const { number, hash } = revocation;
  return { revocation, sequence: printSequence({ epoch, number, hash }) };
}
