import type { Clock } from "../ports/clock.ts";
import type { LogPosition, PositionFile } from "../ports/revocations.ts";

/** Milliseconds between two writes of the position. */
const PAUSE = 1_000;

/** The position up to which this replica has read, kept over a restart. */
export interface ReplicaMemory {
  /** The kept position; undefined if none was kept. */
  recall(): Promise<LogPosition | undefined>;
  /** Notes a position. It is written at most once a second, and the caller does not wait for it. */
  note(position: LogPosition): void;
  /** Writes the last noted position. Never rejects. */
  flush(): Promise<void>;
}

/**
 * Keeps the position in a file, if there is one. A write that fails is made up for later: the file only helps to
 * notice a restored database, and a replica must not stop for it.
 */
export function createReplicaMemory(file: PositionFile | undefined, clock: Clock): ReplicaMemory {
  let noted: LogPosition | undefined;
  let written: LogPosition | undefined;
  let writtenAt = Number.NEGATIVE_INFINITY;
  let writing = Promise.resolve();

  function write(): Promise<void> {
    writtenAt = clock.monotonic();
    writing = writing.then(async () => {
      const position = noted;
      if (file === undefined || position === undefined || position === written) return;
      await file.write(position).then(
        () => {
          written = position;
        },
        () => undefined,
      );
    });
    return writing;
  }

  return {
    recall: async () => file?.read(),
    note(position) {
      if (noted?.epoch === position.epoch && noted.number === position.number) {
        if (noted === written) return;
      } else {
        noted = position;
      }
      if (clock.monotonic() - writtenAt >= PAUSE) void write();
    },
    flush: write,
  };
}
