import type { LogPosition } from "./revocations.ts";

/** Where a replica notes how far it has read the revocation log, so that a restart notices a restored database. */
export interface PositionFile {
  /** @returns undefined if there is none, or none that can be read */
  read(): Promise<LogPosition | undefined>;
  write(position: LogPosition): Promise<void>;
}
