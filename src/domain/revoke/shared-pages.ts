import { printSequence } from "../parts/sequence.ts";
import type { Clock } from "../ports/clock.ts";
import type { LogPosition, LogRead, LogView } from "../ports/revocations.ts";
import type { Store } from "../ports/store.ts";
import type { RevocationKnowledge } from "../replica/revocation-knowledge.ts";
import { readPage } from "./log-page.ts";

/** A page that is being read for one or more readers. */
export interface SharedPage {
  readonly page: Promise<LogRead>;
  /** When the read began, by the monotonic clock. */
  readonly begun: number;
}

/** Reads the page of a view that follows a position; undefined for the log's first page. */
export type ReadShared = (from: LogPosition | undefined, view: LogView) => SharedPage;

/** Makes a reader of pages. Readers of one view at one position, while the log does not grow, share a read. */
export function createSharedPages(options: {
  readonly store: Pick<Store, "revocations">;
  readonly knowledge: Pick<RevocationKnowledge, "position">;
  readonly clock: Clock;
  /** Entries of a page. */
  readonly limit: number;
}): ReadShared {
  const { store, knowledge, clock, limit } = options;
  const underway = new Map<string, SharedPage>();
  return (from, view) => {
    // The known position is part of the key: a read that began before the log grew lacks the entry that woke its
    // new reader.
    const known = printSequence(knowledge.position());
    const key = `${from === undefined ? "" : printSequence(from)} ${known} ${view.kind === "all" ? "" : view.platform}`;
    const joined = underway.get(key);
    if (joined !== undefined) return joined;
    const begun = clock.monotonic();
    const page = readPage(store, from, limit, view).finally(() => underway.delete(key));
    const started = { page, begun };
    underway.set(key, started);
    return started;
  };
}
