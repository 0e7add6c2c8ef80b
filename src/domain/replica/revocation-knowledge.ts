import { DomainError } from "../parts/error.ts";
import { CLOCK_TOLERANCE } from "../parts/lifetimes.ts";
import { beginTimeSlice } from "../parts/time-slice.ts";
import type { Clock } from "../ports/clock.ts";
import type { Randomness } from "../ports/randomness.ts";
import type { LogLoad, LogPosition, Revocation } from "../ports/revocations.ts";
import { createClockCheck } from "./clock-check.ts";
import type { RevocationSubject } from "./revocation-subject.ts";
import { createRevocationSet } from "./revoked-set.ts";

/** Milliseconds for which a sweep may hold up the process. */
const LONGEST_HOLD = 5;

/** The part of the revocation log that this replica has applied, and the age of that knowledge. */
export interface RevocationKnowledge {
  /** The last position of the log that has been applied. */
  position(): LogPosition;
  /** Milliseconds since the start of the last read that reached the log's end; infinite before the first. */
  age(): number;
  /**
   * Throws `unavailable`, with the reason, while nothing may be allowed: the knowledge is older than the bound, or
   * this process's clock and the database's disagree.
   */
  requireFresh(): void;
  isRevoked(subject: RevocationSubject): boolean;
  /** The number of an entry by person, agent, key or platform that kills the token; undefined without such an entry. */
  wideMatch(subject: RevocationSubject): number | undefined;
  /** Whether a platform's root key has been revoked. A revoked key signs nothing more here. */
  revokesKey(platform: string, keyId: string): boolean;
  /** Calls back whenever more of the log has been applied. @returns a function that ends it */
  watch(onAdvance: () => void): () => void;
  /** Forgets entries that can match nothing any more. @param databaseNow unix milliseconds */
  sweep(databaseNow: number): Promise<void>;
  /** The number of entries in memory. */
  readonly size: number;
}

/** Knowledge as the feed sees it, which alone adds to it. */
export interface FedKnowledge extends RevocationKnowledge {
  /** Begins a read of the log: the result is as old as this moment. Reads must not overlap. */
  beginRead(): KnowledgeRead;
  /** Applies entries that this replica has just committed, so that they hold from its answer on. */
  learn(epoch: string, entries: readonly Revocation[]): void;
  /** Whether the log has been read to its end at least once since the start or since it was replaced. */
  isWhole(): boolean;
  /** The reason not to trust this process's clock; undefined while it agrees with the database's. */
  clockProblem(): string | undefined;
}

/** One read of the log. */
export interface KnowledgeRead {
  /** The number after which to read. */
  readonly after: number;
  /** Applies the part of the log that was read. */
  take(part: LogLoad): ReadOutcome;
}

/** The result of one read: the log's end was reached, more is left, or the log is not the one that was read so far. */
export type ReadOutcome =
  | { readonly kind: "whole" }
  | { readonly kind: "more" }
  | { readonly kind: "replaced"; readonly reason: string };

/** Settings of the knowledge. */
export interface RevocationKnowledgeOptions {
  readonly clock: Clock;
  readonly randomness: Randomness;
  /** The staleness bound. */
  readonly maxAgeMilliseconds: number;
  /** The difference of the clocks that is tolerated, milliseconds; drills that move one of the clocks set it. */
  readonly clockTolerance?: number | undefined;
}

/** The reason why a log is not the one that was known before; undefined while it is. */
export function replacedBy(log: LogPosition, known: LogPosition): string | undefined {
  if (log.epoch !== known.epoch) return "the revocation log has another epoch than before";
  if (log.number < known.number) {
    return "the revocation log is shorter than before, as after a restore without `bakehouse restore-fence`";
  }
  return undefined;
}

const NOWHERE: LogPosition = { epoch: "", number: 0 };

/** Makes knowledge that is empty, and therefore too old to allow anything. */
export function createRevocationKnowledge(options: RevocationKnowledgeOptions): FedKnowledge {
  const { clock } = options;
  // The set outlives a replaced log: an entry that was known once stays in force on this replica.
  const set = createRevocationSet(options.randomness);
  const clocks = createClockCheck(clock, options.clockTolerance ?? CLOCK_TOLERANCE);
  const watchers = new Set<() => void>();
  let position = NOWHERE;
  let readAt = Number.NEGATIVE_INFINITY;
  let replaced: string | undefined;

  function advance(to: LogPosition): void {
    if (to.epoch === position.epoch && to.number <= position.number) return;
    position = to;
    for (const watcher of watchers) watcher();
  }

  function apply(part: LogLoad, from: LogPosition, begun: number): ReadOutcome {
    const reason = from === NOWHERE ? undefined : replacedBy(part.position, from);
    if (reason !== undefined) {
      // A restored backup or a promoted standby may hold entries that are not known here: nothing is allowed until
      // all of the new log has been read.
      readAt = Number.NEGATIVE_INFINITY;
      replaced = reason;
      position = { epoch: part.position.epoch, number: 0 };
      return { kind: "replaced", reason };
    }
    if (from === NOWHERE) set.reserve(part.estimate);
    for (const group of part.links) set.addLinks(group);
    for (const entry of part.wide) set.add(entry);
    advance({ epoch: part.position.epoch, number: part.through });
    if (part.through < part.position.number) return { kind: "more" };
    readAt = begun;
    replaced = undefined;
    return { kind: "whole" };
  }

  const age = () => clock.monotonic() - readAt;

  return {
    position: () => position,
    age,

    requireFresh() {
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
    },

    isRevoked: (subject) => set.matches(subject),
    wideMatch: (subject) => set.wideMatch(subject),
    revokesKey: (platform, keyId) => set.revokesKey(platform, keyId),

    watch(onAdvance) {
      watchers.add(onAdvance);
      return () => watchers.delete(onAdvance);
    },

    async sweep(databaseNow) {
      // Both clocks must agree that an entry is over: a clock that has stepped ahead makes nothing forgotten.
      const steps = set.sweep(Math.min(databaseNow, clock.now()));
      const slice = beginTimeSlice(clock, LONGEST_HOLD);
      while (!steps.next().done) if (slice.isOver()) await slice.next();
    },

    get size() {
      return set.size;
    },

    beginRead() {
      const begun = clock.monotonic();
      // This replica's own entries may move the position during the read: the log is compared with this one.
      const from = position;
      const compareClocks = clocks.begin();
      return {
        after: from.number,
        take(part) {
          compareClocks(part.now);
          return apply(part, from, begun);
        },
      };
    },

    learn(epoch, entries) {
      for (const entry of entries) set.add(entry);
      // Numbers have no gaps: an entry that directly follows the known position needs no read.
      for (const { number } of entries) {
        if (epoch === position.epoch && number === position.number + 1) advance({ epoch, number });
      }
    },

    isWhole: () => replaced === undefined && readAt > Number.NEGATIVE_INFINITY,
    clockProblem: () => clocks.problem(),
  };
}
