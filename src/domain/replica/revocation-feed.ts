import { setImmediate, setTimeout as sleep } from "node:timers/promises";
import { DomainError } from "../parts/error.ts";
import { CLOCK_TOLERANCE } from "../parts/lifetimes.ts";
import { parseSequence, printSequence } from "../parts/sequence.ts";
import type { Changes } from "../ports/changes.ts";
import type { Clock } from "../ports/clock.ts";
import type { PositionFile } from "../ports/position-file.ts";
import type { Randomness } from "../ports/randomness.ts";
import type { LogPosition, Revocation } from "../ports/revocations.ts";
import type { Store } from "../ports/store.ts";
import { createClockCheck } from "./clock-check.ts";
import { createReplicaMemory } from "./position-memory.ts";
import type { RevocationSubject } from "./revocation-subject.ts";
import { createRevocationSet } from "./revoked-set.ts";

/** Entries that are loaded at once. */
const BATCH = 50_000;

/** Milliseconds between two reads while somebody waits for a position. */
const REACH_PAUSE = 10;

/** Milliseconds for which a sweep may keep the process from everybody else. */
const LONGEST_HOLD = 5;

/** What this replica knows of the revocation log, and how old that knowledge is. */
export interface RevocationFeed {
  /** Reads the whole log and then follows it. Rejects where the first read fails. */
  start(): Promise<void>;
  stop(): Promise<void>;
  /** Up to where the log has been applied. */
  position(): LogPosition;
  /** Milliseconds since the start of the last read that reached the log's end; infinite before the first. */
  age(): number;
  /**
   * Throws `unavailable`, saying why, where knowledge is older than the bound, or this process's clock is not the
   * database's: then nothing may be allowed.
   */
  requireFresh(): void;
  /**
   * Waits until this replica has applied the log up to `position`. Rejects with `unavailable` where it
   * does not get there in time, or where the epoch is not the log's.
   */
  reach(position: LogPosition, milliseconds: number): Promise<void>;
  isRevoked(subject: RevocationSubject): boolean;
  /** The number of an entry by person, agent, key or platform that kills the token; undefined where none does. */
  wideMatch(subject: RevocationSubject): number | undefined;
  /** Whether a platform's root key has been revoked: then it signs nothing more here. */
  revokesKey(platform: string, keyId: string): boolean;
  /** Applies entries that this replica itself has just committed, so that they hold from its answer on. */
  learn(epoch: string, entries: readonly Revocation[]): void;
  /** Calls back whenever more of the log has been applied. @returns a function that ends it */
  watch(onAdvance: () => void): () => void;
  /** Forgets entries that can match nothing any more. @param databaseNow unix milliseconds */
  sweep(databaseNow: number): Promise<void>;
  readonly size: number;
}

/** Settings of a feed. */
export interface RevocationFeedOptions {
  readonly store: Pick<Store, "revocations">;
  readonly clock: Clock;
  readonly randomness: Randomness;
  /** The staleness bound. */
  readonly maxAgeMilliseconds: number;
  /** Time between two reads. */
  readonly pollMilliseconds: number;
  /** Word from other replicas; undefined to follow by polling alone. */
  readonly changes: Changes | undefined;
  /** Keeps the position over a restart; undefined where there is no place for it. */
  readonly positionFile: PositionFile | undefined;
  /** How far the clocks may be apart, milliseconds; for drills that move one of them. */
  readonly clockTolerance?: number | undefined;
  /** Told when following fails or the log was replaced, and (undefined) when all is well again. */
  readonly onProblem: (problem: string | undefined) => void;
  /** Told when the clocks disagree, and (undefined) when they agree again. */
  readonly onClockProblem: (problem: string | undefined) => void;
}

/** Why a log is not the one that was read so far; undefined where it is. */
function replacedBy(log: LogPosition, known: LogPosition): string | undefined {
  if (log.epoch !== known.epoch) return "the revocation log has another epoch than before";
  if (log.number < known.number) {
    return "the revocation log is shorter than before, as after a restore without `bakehouse restore-fence`";
  }
  return undefined;
}

const NOWHERE: LogPosition = { epoch: "", number: 0 };

/** Follows the revocation log. */
export function createRevocationFeed(options: RevocationFeedOptions): RevocationFeed {
  const { clock, changes } = options;
  const log = options.store.revocations;
  const memory = createReplicaMemory(options.positionFile, clock);
  // It outlives a change of the log: whatever was revoked once stays revoked on a replica that knows of it.
  const set = createRevocationSet(options.randomness);
  const clocks = createClockCheck(clock, options.clockTolerance ?? CLOCK_TOLERANCE);
  const watchers = new Set<() => void>();
  let position = NOWHERE;
  let readAt = Number.NEGATIVE_INFINITY;
  let replaced: string | undefined;
  let timer: NodeJS.Timeout | undefined;
  let stopListening = () => {};
  let running: Promise<void> | undefined;
  let again = false;
  let stopped = false;
  let reported: string | undefined;
  let clockReported: string | undefined;

  function report(problem: string | undefined): void {
    if (problem !== reported) options.onProblem(problem);
    reported = problem;
  }

  function reportClocks(): void {
    const problem = clocks.problem();
    if (problem !== clockReported) options.onClockProblem(problem);
    clockReported = problem;
  }

  function advance(to: LogPosition): void {
    if (to.epoch === position.epoch && to.number <= position.number) return;
    position = to;
    for (const watcher of watchers) watcher();
  }

  // One read at a time. Its snapshot is not older than `begun`, and knowledge is as old as that.
  async function read(): Promise<void> {
    for (;;) {
      const begun = clock.monotonic();
      const from = position;
      const compare = clocks.begin();
      const part = await log.load(from.number, BATCH);
      compare(part.now);
      reportClocks();
      const why = from === NOWHERE ? undefined : replacedBy(part.position, from);
      if (why !== undefined) {
        // A restored backup or a promoted standby. What is known may lack what this log holds, so refuse
        // everything until all of it has been read.
        readAt = Number.NEGATIVE_INFINITY;
        replaced = why;
        report(why);
        position = { epoch: part.position.epoch, number: 0 };
        continue;
      }
      if (from === NOWHERE) set.reserve(part.estimate);
      for (const group of part.links) set.addLinks(group);
      for (const entry of part.wide) set.add(entry);
      advance({ epoch: part.position.epoch, number: part.through });
      if (part.through < part.position.number) continue;
      readAt = begun;
      replaced = undefined;
      memory.note(position);
      return;
    }
  }

  function readOnce(): Promise<void> {
    running ??= read().finally(() => {
      running = undefined;
    });
    return running;
  }

  async function follow(): Promise<void> {
    try {
      await readOnce();
      report(undefined);
    } catch (error) {
      report(error instanceof DomainError ? error.message : "the revocation log could not be read");
    }
  }

  async function poll(): Promise<void> {
    await follow();
    if (!stopped) timer = setTimeout(poll, options.pollMilliseconds).unref();
  }

  /** Whether an announcement says nothing new, as this replica's own do not. */
  function isKnown(sequence: string): boolean {
    const at = parseSequence(sequence);
    return at !== undefined && at.epoch === position.epoch && at.number <= position.number;
  }

  /** Reads what a hint is about: a read that is under way may have begun before it. */
  async function onChange(hint: string | undefined): Promise<void> {
    if (again || stopped || (hint !== undefined && isKnown(hint))) return;
    again = true;
    await running?.catch(() => undefined);
    again = false;
    if (!stopped) await follow();
  }

  const age = () => clock.monotonic() - readAt;

  function requireFresh(): void {
    if (age() > options.maxAgeMilliseconds) {
      const why =
        replaced === undefined
          ? "this replica's knowledge of revocations is too old to allow anything"
          : `${replaced}: this replica reads it anew and answers nothing meanwhile`;
      throw new DomainError("unavailable", why);
    }
    const apart = clocks.problem();
    if (apart !== undefined)
      throw new DomainError("unavailable", `${apart}: what has expired cannot be told`);
  }

  return {
    async start() {
      const kept = await memory.recall();
      await readOnce();
      const why = kept && replacedBy(position, kept);
      // All of this log has been read by now, which is all that can be done; whoever runs it must hear of it.
      if (why !== undefined) report(`since this replica last ran, ${why}`);
      stopListening = changes?.listen((hint) => void onChange(hint)) ?? stopListening;
      timer = setTimeout(poll, options.pollMilliseconds).unref();
    },

    async stop() {
      stopped = true;
      clearTimeout(timer);
      stopListening();
      await running?.catch(() => undefined);
      await memory.flush();
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
    wideMatch: (subject) => set.wideMatch(subject),
    revokesKey: (platform, keyId) => set.revokesKey(platform, keyId),

    learn(epoch, entries) {
      for (const entry of entries) set.add(entry);
      // Numbers have no gaps, so what follows directly on what is known needs no read.
      for (const { number } of entries) {
        if (epoch === position.epoch && number === position.number + 1) advance({ epoch, number });
      }
      if (replaced === undefined && readAt > Number.NEGATIVE_INFINITY) memory.note(position);
      const number = entries.at(-1)?.number;
      if (number !== undefined) changes?.announce(printSequence({ epoch, number }));
    },

    watch(onAdvance) {
      watchers.add(onAdvance);
      return () => watchers.delete(onAdvance);
    },

    async sweep(databaseNow) {
      // A clock that has stepped ahead must not make anything forget: both have to agree.
      const steps = set.sweep(Math.min(databaseNow, clock.now()));
      let heldSince = clock.monotonic();
      while (!steps.next().done) {
        if (clock.monotonic() - heldSince < LONGEST_HOLD) continue;
        await setImmediate();
        heldSince = clock.monotonic();
      }
    },

    get size() {
      return set.size;
    },
  };
}
