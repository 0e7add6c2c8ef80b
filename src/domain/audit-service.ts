import type { Caller } from "./caller.ts";
import type { AuditFilter, RecordedEvent } from "./ports/audit.ts";
import type { Page, PageRequest } from "./ports/parts/page.ts";

/*
 * The use cases of the audit log, as the adapters see them; a part of `service.ts`. All instants are unix milliseconds.
 */

/** An event as it is listed: with the tree that it is a leaf of, once it is one. */
export interface AuditEventView extends Omit<RecordedEvent, "place"> {
  readonly place: { readonly origin: string; readonly index: number } | undefined;
}

/** One tree, as anybody may know it who may read checkpoints. */
export interface AuditTreeView {
  readonly number: number;
  readonly origin: string;
  /** The key of its checkpoints, as tools for transparency logs write it. */
  readonly key: string;
  /** The last one; null for the moment before the first. */
  readonly checkpoint: string | null;
}

/** The filter of a request. */
export type AuditQuery = Omit<AuditFilter, "ownOnly">;

/** The audit log. */
export interface Audit {
  /** Newest first: a platform's own, or for an administrator all. A page may be short and not the last. */
  list(caller: Caller, query: AuditQuery, page: PageRequest): Promise<Page<AuditEventView>>;
  /**
   * Lines of JSON: the checkpoints, the events under them, each with the proof that it is a leaf. Rejects with
   * `rate_limited` if too many are under way.
   */
  export(caller: Caller, query: AuditQuery): Promise<AsyncIterable<string>>;
  /** All trees, oldest first. @param caller nobody, if checkpoints are public */
  trees(caller: Caller | undefined): Promise<readonly AuditTreeView[]>;
  /** The newest tree's last checkpoint. Rejects with `unavailable` for the moment before the first. */
  checkpoint(caller: Caller | undefined): Promise<string>;
  /**
   * The first hashes of a tile, end to end. Rejects with `not_found` for a tile that is not there or not that wide.
   *
   * @param tree its number; the newest unless said
   */
  tile(
    caller: Caller | undefined,
    tile: {
      readonly tree: number | undefined;
      readonly level: number;
      readonly index: number;
      readonly width: number;
    },
  ): Promise<Uint8Array>;
}

/** The part of the service that this file describes. */
export interface AuditPart {
  readonly audit: Audit;
}
