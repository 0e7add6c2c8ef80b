import type { AuditTree } from "../ports/audit.ts";
import { type Meter, NO_METER } from "../ports/meter.ts";
import type { Randomness } from "../ports/randomness.ts";
import type { Steps } from "../ports/steps.ts";
import type { Repositories, Store } from "../ports/store.ts";
import { BY_HAND, problemOf } from "../replica/log-problem.ts";
import { type AuditKey, isShut } from "./audit-key.ts";
import { addLeaves, baseOf, beginTree, firstBase } from "./tree.ts";

/** Events that get their places in one transaction: few enough to be over well within its deadline. */
const TOGETHER = 1_000;

/** Milliseconds between two looks for events without a place, if nothing was found or another replica is at it. */
const PAUSE = 500;

/** The outcome of one look. */
export type Integrated =
  /** More may be waiting. */
  | "more"
  | "done"
  /** Another replica holds the tree, or the log is not to be believed now. */
  | "not now";

/** Gives events their places in the tree. */
export interface Integration {
  /** Does it once. Rejects if the database did not answer; nothing is lost by that. */
  step(): Promise<Integrated>;
  /** Does it again and again. @returns stops it, once what is under way is done */
  start(): () => Promise<void>;
}

/**
 * Makes the loop that grows the tree behind all writes.
 *
 * Every replica runs it, and one at a time gets on: the holder of the tree's row. Places, tiles and the checkpoint are one
 * transaction, so that a process that dies between any two of its steps leaves nothing of it.
 */
export function createIntegration(options: {
  readonly store: Store;
  readonly auditKey: AuditKey;
  readonly randomness: Randomness;
  readonly steps: Steps;
  readonly publicUrl: string;
  /** Throws while this replica's knowledge of the revocation log is too old, or the log lacks what it has read. */
  readonly requireTrust: () => void;
  /** Counts failures. */
  readonly meter?: Pick<Meter, "auditFailed"> | undefined;
  /** Told of a failure; the loop goes on. */
  readonly onProblem: (error: unknown) => void;
}): Integration {
  const { store, auditKey, randomness, steps, meter = NO_METER } = options;
  let isSettled = false;

  async function signed(tree: AuditTree): Promise<string | null> {
    try {
      return await auditKey.sign(tree);
    } catch (error) {
      // A replica whose master key opens it signs in its turn.
      if (!isShut(error)) throw error;
      options.onProblem(error);
      return tree.checkpoint;
    }
  }

  async function grow(repositories: Repositories): Promise<Integrated> {
    const { auditTrees, revocations } = repositories;
    const held = await auditTrees.hold(false);
    if (held === "busy") return "not now";
    // Read while the tree is held: a fence that has not got it yet begins the next tree after this transaction.
    const log = await revocations.state(0);
    if (problemOf(log, undefined, BY_HAND) !== undefined) return "not now";
    const { epoch } = log.position;
    const base = held === undefined ? firstBase(options.publicUrl) : baseOf(held);
    const tree =
      held?.epoch === epoch
        ? held
        : await beginTree({ randomness, base }, repositories, held, epoch, await repositories.now());
    if (tree === undefined) return "not now";
    await steps.passed("audit:held");
    const leaves = await auditTrees.waiting(TOGETHER);
    if (leaves.length === 0 && tree.checkpoint !== null && isOf(tree.checkpoint, tree.size)) return "done";
    const grown = await addLeaves(repositories, tree, leaves, {
      placed: async () => steps.passed("audit:placed"),
      tiled: async () => steps.passed("audit:tiled"),
    });
    await auditTrees.grow({ ...grown, checkpoint: await signed(grown) });
    await steps.passed("audit:signed");
    return leaves.length === TOGETHER ? "more" : "done";
  }

  async function step(): Promise<Integrated> {
    options.requireTrust();
    // Made before the transaction: it is a write of its own, and the embedded database has one connection.
    await auditKey.publicKey();
    const integrated = await store.transaction("integrate audit events", grow);
    await steps.passed("audit:committed");
    return integrated;
  }

  return {
    step,
    start() {
      let timer: NodeJS.Timeout | undefined;
      let running: Promise<void> | undefined;
      let stopped = false;
      let failing = false;

      async function round(): Promise<void> {
        let pause = PAUSE;
        try {
          // A look that is cheap: nothing is held, and nothing is found most of the time.
          if (!isSettled || (await store.auditTrees.countWaiting(1)) > 0) {
            const integrated = await step();
            isSettled = integrated === "done";
            if (integrated === "more") pause = 0;
          }
          failing = false;
        } catch (error) {
          meter.auditFailed();
          // Once for an outage, not twice a second.
          if (!failing) options.onProblem(error);
          failing = true;
          pause = 4 * PAUSE;
        }
        if (!stopped) timer = setTimeout(begin, pause).unref();
      }
      function begin(): void {
        running = round();
      }

      timer = setTimeout(begin, PAUSE).unref();
      return async () => {
        stopped = true;
        clearTimeout(timer);
        await running;
      };
    },
  };
}

/** Whether a checkpoint is of that many leaves. */
function isOf(checkpoint: string, size: number): boolean {
  return checkpoint.split("\n", 2)[1] === String(size);
}
