import { setTimeout as sleep } from "node:timers/promises";

import { DomainError } from "./error.ts";
import type { Clock } from "./ports/clock.ts";
import type { LogPosition, Revocation } from "./ports/revocations.ts";
import type { Store } from "./ports/store.ts";
import { createRevocationSet, type RevocationSet, type RevocationSubject } from "./revocation-set.ts";

const BATCH = 5_000;

/** Milliseconds between two reads while somebody waits for a position. */
const REACH_PAUSE = 10;

/** What this replica knows of the revocation log, and how old that knowledge is. */
export interface RevocationFeed {
  /** Reads the whole log and then follows it. Rejects where the first read fails. */
  start(): Promise<void>;
  stop(): Promise<void>;
  /** Up to where the log has been applied. */
  position(): LogPosition;
  /** Milliseconds since the start of the last read that reached the log's end; infinite before the first. */
  age(): number;
  /** Throws `unavailable` where knowledge is older than the bound: then nothing may be allowed. */
  requireFresh(): void;
  /**
   * Waits until this replica has applied the log up to `position`. Rejects with `unavailable` where it
   * does not get there in time, or where the epoch is not the log's.
   */
  reach(position: LogPosition, milliseconds: number): Promise<void>;
  isRevoked(subject: RevocationSubject): boolean;
  /** Applies entries that this replica itself has just committed, so that they hold from its answer on. */
  learn(entries: readonly Revocation[]): void;
  /** Forgets entries that can match nothing any more. */
  sweep(): void;
  readonly size: number;
}

/**
 * @param maxAgeMilliseconds the staleness bound
 * @param pollMilliseconds time between two reads
 * @param onProblem told once when following fails, and once when it works again
 */
export function createRevocationFeed(options: {
  readonly store: Store;
  readonly clock: Clock;
  readonly maxAgeMilliseconds: number;
  readonly pollMilliseconds: number;
  readonly onProblem: (problem: string | undefined) => void;
}): RevocationFeed {
  const { store, clock } = options;
  let set: RevocationSet = createRevocationSet();
  let position: LogPosition = { epoch: "", number: 0 };
  let readAt = Number.NEGATIVE_INFINITY;
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> | undefined;
  let stopped = false;
  let failing = false;
  // This replica's own entries that a read has not brought yet: a reload must not lose them meanwhile.
  let own: Revocation[] = [];

  // One read at a time: `position` and `set` change together, and only here.
  async function read(): Promise<void> {
    for (;;) {
      const begun = clock.monotonic();
      const { position: end, entries } = await store.revocations.read(position.number, BATCH, {
        kind: "all",
      });
      if (end.epoch !== position.epoch || end.number < position.number) {
        // Another log: a restored backup or a promoted standby. What was known may be wrong, so refuse
        // everything until all of this one has been read.
        readAt = Number.NEGATIVE_INFINITY;
        set = createRevocationSet();
        for (const entry of own) set.add(entry);
        const isStart = position.number === 0;
        position = { epoch: end.epoch, number: 0 };
        if (!isStart) continue;
      }
      for (const entry of entries) set.add(entry);
      if (entries.length === BATCH) {
        position = { epoch: end.epoch, number: entries.at(-1)?.number ?? end.number };
        continue;
      }
      position = end;
      own = own.filter(({ number }) => number > end.number);
      readAt = begun;
      return;
    }
  }

  function readOnce(): Promise<void> {
    running ??= read().finally(() => {
      running = undefined;
    });
    return running;
  }

  async function poll(): Promise<void> {
    try {
      await readOnce();
      if (failing) options.onProblem(undefined);
      failing = false;
    } catch (error) {
      if (!failing) options.onProblem(error instanceof Error ? error.message : "unknown");
      failing = true;
    }
    if (!stopped) timer = setTimeout(poll, options.pollMilliseconds).unref();
  }

  const age = () => clock.monotonic() - readAt;

  function requireFresh(): void {
    if (age() > options.maxAgeMilliseconds) {
      throw new DomainError(
        "unavailable",
        "this replica's knowledge of revocations is too old to allow anything",
      );
    }
  }

  return {
    async start() {
      await readOnce();
      timer = setTimeout(poll, options.pollMilliseconds).unref();
    },

    async stop() {
      stopped = true;
      clearTimeout(timer);
      await running?.catch(() => undefined);
    },

    position: () => position,
    age,
    requireFresh,

    async reach(wanted, milliseconds) {
      const deadline = clock.monotonic() + milliseconds;
      for (;;) {
        requireFresh();
        if (wanted.epoch !== position.epoch) {
          throw new DomainError("unavailable", "min_sequence belongs to another epoch of the log");
        }
        if (position.number >= wanted.number) return;
        const left = deadline - clock.monotonic();
        if (left <= 0) {
          throw new DomainError("unavailable", "this replica has not applied min_sequence in time");
        }
        const read = readOnce().catch(() => undefined);
        await Promise.race([read.then(() => sleep(Math.min(left, REACH_PAUSE))), sleep(left)]);
      }
    },

    isRevoked: (subject) => set.matches(subject),

    learn(entries) {
      for (const entry of entries) set.add(entry);
      own.push(...entries);
      void readOnce().catch(() => undefined); // brings `position` up to date; polling repeats it if it fails
    },

    sweep() {
      set.sweep(clock.now());
    },

    get size() {
      return set.size;
    },
  };
}
