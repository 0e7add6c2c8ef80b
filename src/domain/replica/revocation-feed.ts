import { DomainError } from "../parts/error.ts";
import { parseSequence, printSequence } from "../parts/sequence.ts";
import { nextTurn } from "../parts/turn.ts";
import type { Changes } from "../ports/changes.ts";
import type { Clock } from "../ports/clock.ts";
import { type Meter, NO_METER } from "../ports/meter.ts";
import type { AppendedRevocation, LogPosition, PositionFile } from "../ports/revocations.ts";
import type { Store } from "../ports/store.ts";
import type { LogCustody } from "./log-custody.ts";
import type { LogProblem } from "./log-problem.ts";
import { createReplicaMemory } from "./position-memory.ts";
import { createReach } from "./reach.ts";
import type { FedKnowledge } from "./revocation-knowledge.ts";

/** Entries that are loaded at once while nothing is served, and while the log is followed beside requests. */
const LOADED = 50_000;
const FOLLOWED = 1_000;

/** Entries of this replica's own that are applied in one turn of the event loop. */
const LEARNED = 250;

/** The log is not to be believed, so nothing is served from it. The message says why, and the command that ends it. */
class LogRefusedError extends Error {
  override readonly name = "LogRefusedError";
}

/** Follows the revocation log and feeds this replica's knowledge of it. */
export interface RevocationFeed {
  /**
   * Reads the whole log and then follows it. Rejects if the first read fails, and with a LogRefusedError if the log is
   * not to be believed.
   */
  start(): Promise<void>;
  stop(): Promise<void>;
  /**
   * Waits until this replica has applied the log up to `position`. Rejects with `unavailable` if that takes longer
   * than `milliseconds`, or if the position is not one of this log.
   */
  reach(position: LogPosition, milliseconds: number): Promise<void>;
  /**
   * Applies entries that this replica has just committed, and tells the other replicas of them. Resolves once all are
   * applied.
   */
  learn(epoch: string, entries: readonly AppendedRevocation[]): Promise<void>;
}

/** Settings of a feed. */
export interface RevocationFeedOptions {
  readonly knowledge: FedKnowledge;
  readonly store: Pick<Store, "revocations">;
  readonly custody: LogCustody;
  readonly clock: Clock;
  /** Time between two reads. */
  readonly pollMilliseconds: number;
  /** Announcements of other replicas; undefined to follow by polling alone. */
  readonly changes: Changes | undefined;
  /** Keeps the position over a restart; undefined if there is no place for it. */
  readonly positionFile: PositionFile | undefined;
  /** Told how long entries took to get here. */
  readonly meter?: Pick<Meter, "learned"> | undefined;
  /** Called when following fails or the log was replaced, and with undefined when all is well again. */
  readonly onProblem: (problem: string | undefined) => void;
  /** Called when the clocks disagree, and with undefined when they agree again. */
  readonly onClockProblem: (problem: string | undefined) => void;
}

/** Passes on a problem when it changes, and not each time that it is found. */
function onlyChanges(tell: (problem: string | undefined) => void): (problem: string | undefined) => void {
  let told: string | undefined;
  return (problem) => {
    if (problem !== told) tell(problem);
    told = problem;
  };
}

/** Makes a feed. It reads nothing before `start`. */
export function createRevocationFeed(options: RevocationFeedOptions): RevocationFeed {
  const { knowledge, custody, clock, changes, meter = NO_METER } = options;
  const log = options.store.revocations;
  const memory = createReplicaMemory(options.positionFile, clock);
  const report = onlyChanges(options.onProblem);
  const reportClocks = onlyChanges(options.onClockProblem);
  let timer: NodeJS.Timeout | undefined;
  let stopListening = () => {};
  let running: Promise<LogProblem | undefined> | undefined;
  let again = false;
  let stopped = false;

  const { reach, note } = createReach({ knowledge, log, clock, read: () => readOnce() });

  /** Reads to the log's end. @returns the reason not to believe the log, if there is one */
  async function read(): Promise<LogProblem | undefined> {
    for (let resolves = true; ; ) {
      const begun = knowledge.beginRead();
      const follows = knowledge.isWhole();
      const part = await log.load(begun.after, follows ? FOLLOWED : LOADED, begun.known);
      const outcome = begun.take(part);
      // By one clock, the database's. What was there before this replica began to follow did not have to get here.
      if (follows && part.oldestAt !== undefined && outcome.kind !== "refused")
        meter.learned(part.now - part.oldestAt);
      reportClocks(knowledge.clockProblem());
      if (outcome.kind === "whole" || outcome.kind === "more") note(part.recent);
      if (outcome.kind === "whole") {
        memory.note(knowledge.position());
        await custody.tend(part);
        return undefined;
      }
      if (outcome.kind === "replaced") report(outcome.reason);
      if (outcome.kind !== "refused") continue;
      report(outcome.problem.reason);
      if (!resolves || !(await custody.resolve(outcome.problem, begun.from))) return outcome.problem;
      resolves = false;
    }
  }

  /** Reads to the log's end, or joins the read that is under way. */
  function readOnce(): Promise<LogProblem | undefined> {
    running ??= read().finally(() => {
      running = undefined;
    });
    return running;
  }

  async function follow(): Promise<void> {
    try {
      report((await readOnce())?.reason);
    } catch (error) {
      report(error instanceof DomainError ? error.message : "the revocation log could not be read");
    }
  }

  async function poll(): Promise<void> {
    await follow();
    if (!stopped) timer = setTimeout(poll, options.pollMilliseconds).unref();
  }

  /** Whether an announced sequence has been applied, as this replica's own ones are. */
  function isKnown(sequence: string): boolean {
    const at = parseSequence(sequence);
    const { epoch, number, hash } = knowledge.position();
    if (at === undefined || at.epoch !== epoch) return false;
    return at.number < number || (at.number === number && (at.hash === undefined || at.hash === hash));
  }

  /** Reads once more after an announcement: a read that is under way may have begun before it. */
  async function onChange(hint: string | undefined): Promise<void> {
    if (again || stopped || (hint !== undefined && isKnown(hint))) return;
    again = true;
    await running?.catch(() => undefined);
    again = false;
    if (!stopped) await follow();
  }

  return {
    async start() {
      const kept = await memory.recall();
      if (kept !== undefined) knowledge.recall(kept);
      const problem = await readOnce();
      if (problem !== undefined) throw new LogRefusedError(problem.reason);
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

    reach,

    async learn(epoch, entries) {
      for (let at = 0; at < entries.length; at += LEARNED) {
        if (at > 0) await nextTurn();
        knowledge.learn(epoch, entries.slice(at, at + LEARNED));
      }
      if (knowledge.isWhole()) memory.note(knowledge.position());
      const last = entries.at(-1);
      if (last !== undefined)
        changes?.announce(printSequence({ epoch, number: last.number, hash: last.hash }));
    },
  };
}
