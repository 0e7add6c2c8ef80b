import { setTimeout as sleep } from "node:timers/promises";

import { DomainError } from "../parts/error.ts";
import { createLookUp } from "../parts/look-up.ts";
import { payerName } from "../parts/turn.ts";
import type { Clock } from "../ports/clock.ts";
import type { LogLoad, LogPosition } from "../ports/revocations.ts";
import type { Store } from "../ports/store.ts";
import { createPassedPositions } from "./passed-positions.ts";
import type { RevocationKnowledge } from "./revocation-knowledge.ts";

/** Milliseconds between two reads while a request waits for a position. */
const REACH_PAUSE = 10;

/** Hashes of entries that are looked up in a second at most, for one caller, because memory does not hold them. */
const LOOK_UPS = 100;

/** Milliseconds for which an entry that is not kept any more is remembered as such. */
const MISS = 60_000;

const OTHER_HISTORY = "min_sequence is not of this log: entries of it have been lost";

/** Waits for positions of the log. */
export interface Reach {
  /** Waits until this replica has applied the log up to a position, and makes sure that the position is one of that log. */
  reach(wanted: LogPosition, milliseconds: number): Promise<void>;
  /** Remembers the hashes of entries that have been read, under the epoch at which the replica stands. */
  note(recent: LogLoad["recent"]): void;
}

/** Makes it. */
export function createReach(options: {
  readonly knowledge: Pick<RevocationKnowledge, "position" | "requireFresh" | "watch">;
  readonly log: Pick<Store["revocations"], "state">;
  readonly clock: Clock;
  /** Reads the log to its end. */
  readonly read: () => Promise<unknown>;
}): Reach {
  const { knowledge, log, clock } = options;
  const passed = createPassedPositions();
  knowledge.watch(() => passed.note(knowledge.position()));
  const hashes = createLookUp({
    // The epoch is part of the key, so that an answer is not taken for one about another log.
    async load(key) {
      const [epoch, number] = key.split(" ");
      const { position, hashAt } = await log.state(Number(number));
      return position.epoch === epoch ? hashAt : undefined;
    },
    clock,
    perSecond: LOOK_UPS,
    missMilliseconds: MISS,
  });

  async function hashOf(number: number): Promise<string | undefined> {
    const position = knowledge.position();
    const remembered = number === position.number ? position.hash : passed.hashOf(number);
    if (remembered !== undefined) return remembered;
    // By the allowance of the caller who asks: nobody uses up the one of others with positions that memory does not hold.
    const hash = await hashes.find(`${position.epoch} ${number}`, payerName());
    if (hash !== undefined && position.epoch === knowledge.position().epoch)
      passed.note({ epoch: position.epoch, number, hash });
    return hash;
  }

  async function requireSame(wanted: LogPosition): Promise<void> {
    // A position from a version that knew no hashes. All that can be told is that its number has been applied.
    if (wanted.hash === undefined || wanted.number === 0) return;
    const hash = await hashOf(wanted.number);
    if (hash === undefined)
      throw new DomainError("unavailable", "min_sequence is older than what is kept: take a later one");
    if (hash !== wanted.hash) throw new DomainError("unavailable", OTHER_HISTORY);
  }

  async function reach(wanted: LogPosition, milliseconds: number): Promise<void> {
    const deadline = clock.monotonic() + milliseconds;
    for (;;) {
      knowledge.requireFresh();
      const { epoch, number } = knowledge.position();
      if (wanted.epoch !== epoch)
        throw new DomainError("unavailable", "min_sequence belongs to another epoch of the log");
      if (number >= wanted.number) return requireSame(wanted);
      const left = deadline - clock.monotonic();
      if (left <= 0) {
        throw new DomainError("unavailable", "this replica has not applied min_sequence in time");
      }
      const read = options.read().catch(() => undefined);
      await Promise.race([read.then(() => sleep(Math.min(left, REACH_PAUSE))), sleep(left)]);
    }
  }

  return {
    reach,
    note(recent) {
      const { epoch } = knowledge.position();
      for (const { number, hash } of recent) passed.note({ epoch, number, hash });
    },
  };
}
