/** The SQLSTATE of a server that takes no change because of what it is: a standby, or a primary that was demoted. */
export const READ_ONLY = "25006";

/** SQLSTATEs with which a database answers and takes no change, and the reason in words. */
export const CHANGES_REFUSED: ReadonlyMap<string, string> = new Map([
  [
    READ_ONLY,
    `the database is read only (sqlstate ${READ_ONLY}): a standby, or a primary that was demoted or set so`,
  ],
  ["53100", "the database has no room on its disk (sqlstate 53100)"],
]);

/** Milliseconds for which a refused change speaks for the next one. */
const HOLD = 5_000;

/** Remembers changes that a database has refused for a reason that concerns every change. */
export interface RefusedChanges {
  /** Takes note of a statement that failed. */
  note(sqlstate: string | undefined): void;
  /** The reason why changes were refused a moment ago; undefined if none was. */
  reason(): string | undefined;
}

/**
 * Makes an empty memory.
 *
 * A disk that is full shows only in a statement that needs room. A probe that makes a change of its own would seldom need
 * any: so the changes that people ask for are the probe, and after a while without any the next one tries.
 *
 * @param monotonic milliseconds since an arbitrary start, never going back
 */
export function createRefusedChanges(monotonic: () => number): RefusedChanges {
  let last: { readonly reason: string; readonly at: number } | undefined;
  return {
    note(sqlstate) {
      const reason = CHANGES_REFUSED.get(sqlstate ?? "");
      if (reason !== undefined) last = { reason, at: monotonic() };
    },
    reason: () => (last !== undefined && monotonic() - last.at < HOLD ? last.reason : undefined),
  };
}
