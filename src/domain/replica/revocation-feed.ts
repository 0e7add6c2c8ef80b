import { setTimeout as sleep } from "node:timers/promises";

import { DomainError } from "../parts/error.ts";
import { parseSequence, printSequence } from "../parts/sequence.ts";
import type { Changes } from "../ports/changes.ts";
import type { Clock } from "../ports/clock.ts";
import type { PositionFile } from "../ports/position-file.ts";
import type { LogPosition, Revocation } from "../ports/revocations.ts";
import type { Store } from "../ports/store.ts";
import { createReplicaMemory } from "./position-memory.ts";
import { type FedKnowledge, replacedBy } from "./revocation-knowledge.ts";

/** Entries that are loaded at once. */
const BATCH = 50_000;

/** Milliseconds between two reads while a request waits for a position. */
const REACH_PAUSE = 10;

/** Follows the revocation log and feeds this replica's knowledge of it. */
export interface RevocationFeed {
  /** Reads the whole log and then follows it. Rejects if the first read fails. */
  start(): Promise<void>;
  stop(): Promise<void>;
  /**
   * Waits until this replica has applied the log up to `position`. Rejects with `unavailable` if that takes longer
   * than `milliseconds`, or if the epoch is not the log's.
   */
  reach(position: LogPosition, milliseconds: number): Promise<void>;
  /** Applies entries that this replica has just committed, and tells the other replicas of them. */
  learn(epoch: string, entries: readonly Revocation[]): void;
}

/** Settings of a feed. */
export interface RevocationFeedOptions {
  readonly knowledge: FedKnowledge;
  readonly store: Pick<Store, "revocations">;
  readonly clock: Clock;
  /** Time between two reads. */
  readonly pollMilliseconds: number;
  /** Announcements of other replicas; undefined to follow by polling alone. */
  readonly changes: Changes | undefined;
  /** Keeps the position over a restart; undefined if there is no place for it. */
  readonly positionFile: PositionFile | undefined;
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
  const { knowledge, clock, changes } = options;
  const log = options.store.revocations;
  const memory = createReplicaMemory(options.positionFile, clock);
  const report = onlyChanges(options.onProblem);
  const reportClocks = onlyChanges(options.onClockProblem);
  let timer: NodeJS.Timeout | undefined;
  let stopListening = () => {};
  let running: Promise<void> | undefined;
  let again = false;
  let stopped = false;

  async function read(): Promise<void> {
    for (;;) {
      const begun = knowledge.beginRead();
      const outcome = begun.take(await log.load(begun.after, BATCH));
      reportClocks(knowledge.clockProblem());
      if (outcome.kind === "replaced") report(outcome.reason);
      if (outcome.kind !== "whole") continue;
      memory.note(knowledge.position());
      return;
    }
  }

  /** Reads to the log's end, or joins the read that is under way. */
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

  /** Whether an announced sequence has been applied, as this replica's own ones are. */
  function isKnown(sequence: string): boolean {
    const at = parseSequence(sequence);
    const { epoch, number } = knowledge.position();
    return at !== undefined && at.epoch === epoch && at.number <= number;
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
      await readOnce();
      const why = kept && replacedBy(knowledge.position(), kept);
      // All of this log has been read by now, so the replica serves; the operator must hear that it is another log.
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

    async reach(wanted, milliseconds) {
      const deadline = clock.monotonic() + milliseconds;
      for (;;) {
        knowledge.requireFresh();
        const { epoch, number } = knowledge.position();
        if (wanted.epoch !== epoch) {
          throw new DomainError("unavailable", "min_sequence belongs to another epoch of the log");
        }
        if (number >= wanted.number) return;
        const left = deadline - clock.monotonic();
        if (left <= 0) {
          throw new DomainError("unavailable", "this replica has not applied min_sequence in time");
        }
        const read = readOnce().catch(() => undefined);
        await Promise.race([read.then(() => sleep(Math.min(left, REACH_PAUSE))), sleep(left)]);
      }
    },

    learn(epoch, entries) {
      knowledge.learn(epoch, entries);
      if (knowledge.isWhole()) memory.note(knowledge.position());
      const number = entries.at(-1)?.number;
      if (number !== undefined) changes?.announce(printSequence({ epoch, number }));
    },
  };
}
