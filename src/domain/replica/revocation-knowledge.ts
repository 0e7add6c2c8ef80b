import { DomainError } from "../parts/error.ts";
import { CLOCK_TOLERANCE } from "../parts/lifetimes.ts";
import { beginTimeSlice } from "../parts/time-slice.ts";
import type { Clock } from "../ports/clock.ts";
import type { Randomness } from "../ports/randomness.ts";
import type { AppendedRevocation, LogLoad, LogPosition } from "../ports/revocations.ts";
import type { Grant } from "../ports/sessions.ts";
import { createClockCheck } from "./clock-check.ts";
import { type FailoverSettings, type LogProblem, problemOf } from "./log-problem.ts";
import type { RevocationSubject } from "./revocation-subject.ts";
import { createRevocationSet } from "./revoked-set.ts";

/** The part of the revocation log that this replica has applied, and the age of that knowledge. */
export interface RevocationKnowledge {
  /** The last position of the log that has been applied. */
  position(): LogPosition;
  /** Milliseconds since the start of the last read that reached the log's end; infinite before the first. */
  age(): number;
  /**
   * Throws `unavailable`, with the reason, while nothing may be allowed: the knowledge is older than the bound, the log
   * is not to be believed, or this process's clock and the database's disagree.
   */
  requireFresh(): void;
  /** The reason why the revocations are not known well enough to allow anything; undefined if they are. */
  staleness(): string | undefined;
  /** The reason not to trust this process's clock; undefined while it agrees with the database's. */
  clockProblem(): string | undefined;
  isRevoked(subject: RevocationSubject): boolean;
  /** Those of the token's links that an entry kills: the topmost, so many at most. */
  deadLinks(subject: RevocationSubject, most: number): readonly Uint8Array[];
  /** The number of an entry by person, agent, key or platform that kills the token; undefined without such an entry. */
  wideMatch(subject: RevocationSubject): number | undefined;
  /** Whether an administrator has revoked all tokens of a person since they last spoke. */
  endsLogin(login: Omit<Grant, "platform">): boolean;
  /** Whether a revocation has ended a login for that platform. Entries by a principal's id are not looked for. */
  endsGrant(grant: Grant): boolean;
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
  /** Notes up to where this replica had read before it was started: a log that lacks that has lost entries. */
  recall(position: LogPosition): void;
  /** Begins a read of the log: the result is as old as this moment. Reads must not overlap. */
  beginRead(): KnowledgeRead;
  /** Applies entries that this replica has just committed, so that they hold from its answer on. */
  learn(epoch: string, entries: readonly AppendedRevocation[]): void;
  /** Whether the log has been read to its end at least once since the start or since it was replaced. */
  isWhole(): boolean;
}

/** One read of the log. */
export interface KnowledgeRead {
  /** The number after which to read. */
  readonly after: number;
  /** The number whose hash has to be read, too. */
  readonly known: number;
  /** The position up to which this log was read before; undefined if nothing is known of it. */
  readonly from: LogPosition | undefined;
  /** Applies the part of the log that was read. */
  take(part: LogLoad): ReadOutcome;
}

/**
 * The result of one read: the log's end was reached, more is left, the log is to be read from its beginning, or it is
 * not to be believed and nothing was applied.
 */
export type ReadOutcome =
  | { readonly kind: "whole" }
  | { readonly kind: "more" }
  | { readonly kind: "replaced"; readonly reason: string }
  | { readonly kind: "refused"; readonly problem: LogProblem };

/** Settings of the knowledge. */
export interface RevocationKnowledgeOptions {
  readonly clock: Clock;
  readonly randomness: Randomness;
  /** The staleness bound. */
  readonly maxAgeMilliseconds: number;
  /** The difference of the clocks that is tolerated, milliseconds; drills that move one of the clocks set it. */
  readonly clockTolerance?: number | undefined;
  readonly failover: FailoverSettings;
}

/** The reason to read a log from its beginning again; undefined if it continues what is known. */
function replacedBy({ position, hashAt }: LogLoad, known: LogPosition): string | undefined {
  if (position.epoch !== known.epoch) return "the revocation log has another epoch than before";
  // An entry that was dropped long ago: whether the log continues it cannot be told any more.
  if (known.number > 0 && known.hash !== undefined && hashAt === undefined)
    return "the revocation log no longer has the entry up to which it was read";
  return undefined;
}

/** The part of a token that a login has none of. */
const NOTHING = { principalId: "", keyId: "", tokenId: "", agents: [], approvals: [], revocationIds: [] };

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
  let refused: LogProblem | undefined;
  let recalled: LogPosition | undefined;

  function advance(to: LogPosition): void {
    const isPassed = to.epoch === position.epoch && to.number <= position.number;
    if (isPassed && (to.number < position.number || position.hash !== undefined)) return;
    position = to;
    if (isPassed) return;
    for (const watcher of watchers) watcher();
  }

  /** @param from the position at which the read began */
  function apply(part: LogLoad, from: LogPosition, begun: number): ReadOutcome {
    const known = from === NOWHERE ? recalled : from;
    const problem = problemOf(part, known, options.failover);
    if (problem !== undefined) {
      readAt = Number.NEGATIVE_INFINITY;
      refused = problem;
      return { kind: "refused", problem };
    }
    const reason = known && replacedBy(part, known);
    if (reason !== undefined) {
      // A fenced log may hold entries that are not known here: nothing is allowed until all of it has been read.
      readAt = Number.NEGATIVE_INFINITY;
      replaced = reason;
      refused = undefined;
      recalled = undefined;
      if (from !== NOWHERE) position = { epoch: part.position.epoch, number: 0 };
      return { kind: "replaced", reason };
    }
    if (from === NOWHERE) set.reserve(part.estimate);
    for (const group of part.links) set.addLinks(group);
    for (const entry of part.wide) set.add(entry);
    advance(part.through);
    if (part.through.number < part.position.number) return { kind: "more" };
    readAt = begun;
    replaced = undefined;
    refused = undefined;
    recalled = undefined;
    return { kind: "whole" };
  }

  const age = () => clock.monotonic() - readAt;

  function staleness(): string | undefined {
    if (refused !== undefined) return refused.reason;
    if (age() <= options.maxAgeMilliseconds) return undefined;
    if (replaced !== undefined)
      return `${replaced}: this replica reads it anew and answers nothing meanwhile`;
    return "this replica's knowledge of revocations is too old to allow anything";
  }

  return {
    position: () => position,
    age,

    requireFresh() {
      const stale = staleness();
      if (stale !== undefined) throw new DomainError("unavailable", stale);
      const apart = clocks.problem();
      if (apart !== undefined)
        throw new DomainError("unavailable", `${apart}: what has expired cannot be told`);
    },

    staleness,

    isRevoked: (subject) => set.matches(subject),
    deadLinks: (subject, most) => set.deadLinks(subject, most),
    wideMatch: (subject) => set.wideMatch(subject),
    endsLogin: ({ issuer, subject, spokeAt }) => set.revokesPerson(issuer, subject, spokeAt),
    endsGrant: ({ issuer, subject, platform, spokeAt }) =>
      set.wideMatch({ ...NOTHING, platform: platform ?? "", issuer, subject, issuedAt: spokeAt }) !==
      undefined,
    revokesKey: (platform, keyId) => set.revokesKey(platform, keyId),

    watch(onAdvance) {
      watchers.add(onAdvance);
      return () => watchers.delete(onAdvance);
    },

    async sweep(databaseNow) {
      // Both clocks must agree that an entry is over: a clock that has stepped ahead makes nothing forgotten.
      const steps = set.sweep(Math.min(databaseNow, clock.now()));
      const slice = beginTimeSlice(clock);
      while (!steps.next().done) if (slice.isOver()) await slice.next();
    },

    get size() {
      return set.size;
    },

    recall(kept) {
      recalled = kept;
    },

    beginRead() {
      const begun = clock.monotonic();
      // This replica's own entries may move the position during the read: the log is compared with this one.
      const from = position;
      const known = from === NOWHERE ? recalled : from;
      const compareClocks = clocks.begin();
      return {
        after: from.number,
        known: (known ?? from).number,
        from: known,
        take(part) {
          compareClocks(part.now);
          return apply(part, from, begun);
        },
      };
    },

    learn(epoch, entries) {
      for (const entry of entries) set.add(entry);
      // An entry that directly follows the known position, in its number and in its hash, needs no read.
      for (const { number, hash, follows } of entries) {
        if (epoch === position.epoch && number === position.number + 1 && follows === position.hash)
          advance({ epoch, number, hash });
      }
    },

    isWhole: () => replaced === undefined && refused === undefined && readAt > Number.NEGATIVE_INFINITY,
    clockProblem: () => clocks.problem(),
  };
}
