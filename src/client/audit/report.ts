import type { Checkpoint } from "../../tlog/checkpoint.ts";

/** A fault, and its place. */
export interface AuditFault {
  readonly kind: /** The text of an event is not the one that was recorded. */
    | "changed"
    /** An event is not there, and no retention has said that it would go. */
    | "removed"
    /** Hashes of the tree do not lead to the checkpoint. */
    | "tile"
    | "checkpoint"
    /** The lines are not all that there were, or no export. */
    | "export";
  readonly tree: number | undefined;
  /** The index of the leaf at fault, or of the first leaf that a tile is about. */
  readonly index: number | undefined;
  /** The whole finding, for people. */
  readonly detail: string;
}

/** The outcome of a check. */
export interface AuditReport {
  /** In the order of the trees and their leaves: the first is the first event that was changed or removed. */
  readonly faults: readonly AuditFault[];
  readonly events: number;
  /** Events that had no checkpoint yet. */
  readonly waiting: number;
  /** Events that retention has dropped, by its own word in the log. */
  readonly dropped: number;
  /** Whether all leaves were there to be looked at, so that a missing one shows. */
  readonly isWhole: boolean;
  readonly trees: readonly {
    readonly number: number;
    readonly checkpoint: Checkpoint;
    readonly key: string;
  }[];
}

/**
 * Faults by tree and leaf. Those of checkpoints come first, because nothing else holds without them; those of the export as a
 * whole come last, because they follow from others as a rule.
 */
export function inOrder(faults: readonly AuditFault[]): readonly AuditFault[] {
  return [...faults].sort(
    (a, b) =>
      rankOf(a) - rankOf(b) ||
      (a.tree ?? 0) - (b.tree ?? 0) ||
      (a.index ?? -1) - (b.index ?? -1) ||
      Number(b.kind === "tile") - Number(a.kind === "tile"),
  );
}

function rankOf({ kind, index }: AuditFault): number {
  if (kind === "checkpoint") return 0;
  return index === undefined ? 2 : 1;
}
