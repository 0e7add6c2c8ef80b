import { forgetOldest } from "../parts/forget-oldest.ts";
import type { LogPosition } from "../ports/revocations.ts";

/** Positions that are remembered. */
const MOST = 10_000;

/** The positions of the log at which a replica has stood, as far back as they are remembered. */
export interface PassedPositions {
  /** Notes that the replica stands here. Another epoch forgets all before it. */
  note(position: LogPosition): void;
  /** The hash of an entry of the epoch that was noted last; undefined if it is not remembered. */
  hashOf(number: number): string | undefined;
}

/** Makes an empty memory of positions. */
export function createPassedPositions(): PassedPositions {
  const hashes = new Map<number, string>();
  let epoch = "";
  return {
    note(position) {
      if (position.epoch !== epoch) hashes.clear();
      epoch = position.epoch;
      if (position.hash === undefined) return;
      hashes.set(position.number, position.hash);
      forgetOldest(hashes, MOST);
    },
    hashOf: (number) => hashes.get(number),
  };
}
