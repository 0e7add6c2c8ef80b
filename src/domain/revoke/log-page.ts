import type { Caller } from "../caller.ts";
import { DomainError } from "../parts/error.ts";
import { parseSequence, printSequence } from "../parts/sequence.ts";
import { requireAdministratorOrPlatform } from "../permission.ts";
import type { LogPosition, LogRead, LogView, Revocation } from "../ports/revocations.ts";
import type { Store } from "../ports/store.ts";
import type { RevocationView } from "../service.ts";

/** What of the log a caller may read: platforms what can match their tokens, administrators all. */
export function viewOf(caller: Caller): LogView {
  const platform = requireAdministratorOrPlatform(caller, "read", undefined);
  return platform === undefined ? { kind: "all" } : { kind: "platform", platform };
}

/** Reads where a caller wants to go on; undefined for the beginning. */
export function positionOf(after: string | undefined): LogPosition | undefined {
  const position = after === undefined ? undefined : parseSequence(after);
  if (after === undefined || position !== undefined) return position;
  throw new DomainError("invalid_request", "is not a sequence of this service", "after");
}

/**
 * Reads a page of the log.
 *
 * Rejects with `gone` where the position is not one of this log, or entries that followed it are not kept any
 * more: a reader who went on from there would not know what it has missed.
 */
export async function readPage(
  store: Pick<Store, "revocations">,
  from: LogPosition | undefined,
  limit: number,
  view: LogView,
): Promise<LogRead> {
  const read = await store.revocations.read(from?.number ?? 0, limit, view);
  if (from === undefined) return read;
  if (from.epoch !== read.position.epoch || from.number > read.position.number) {
    throw new DomainError("gone", "the log has begun anew since: read it from the start", "after");
  }
  if (from.number + 1 < read.oldest) {
    const why = "entries after this are not kept any more: read the log from the start";
    throw new DomainError("gone", why, "after");
  }
  return read;
}

/** An entry with its position as callers see it. */
export function withSequence(revocation: Revocation, epoch: string): RevocationView {
  return { revocation, sequence: printSequence({ epoch, number: revocation.number }) };
}
