import { printSequence } from "../parts/sequence.ts";
import type { LogPosition, LogState } from "../ports/revocations.ts";
import type { Store } from "../ports/store.ts";
import type { FailoverSettings, LogProblem } from "./log-problem.ts";

/** Deals with a log that is not to be believed. */
export interface LogCustody {
  /**
   * Ends a problem if the settings allow it: takes over a promoted synchronous standby, or fences a log that has
   * lost entries. If it must not fence, it tells the other replicas of the loss. Never rejects.
   *
   * @param known the position up to which this replica has read the log
   * @returns whether the log has to be read again now
   */
  resolve(problem: LogProblem, known: LogPosition | undefined): Promise<boolean>;
  /** Keeps a later promotion able to show that everything was replicated. Never rejects. */
  tend(log: LogState): Promise<void>;
}

/** Settings of the custody. */
export interface LogCustodyOptions {
  readonly revocations: Pick<Store["revocations"], "dispute" | "attest">;
  readonly failover: FailoverSettings;
  /** Takes the server for the log's own and records that, unless another replica has done so. */
  readonly adopt: (epoch: string) => Promise<void>;
  /** Fences the log while it still has this epoch. */
  readonly fence: (epoch: string) => Promise<void>;
  /** Told which of these steps failed. */
  readonly onFailure: (step: string, error: unknown) => void;
}

/** Makes the custody. */
export function createLogCustody(options: LogCustodyOptions): LogCustody {
  const { revocations, failover, onFailure } = options;
  let disputed = "";

  // A step that fails is tried again with each read, and told once.
  const failed = new Set<string>();

  async function attempt(step: string, work: () => Promise<void>): Promise<boolean> {
    try {
      await work();
      failed.delete(step);
      return true;
    } catch (error) {
      if (!failed.has(step)) onFailure(step, error);
      failed.add(step);
      return false;
    }
  }

  async function dispute({ epoch }: LogProblem, known: LogPosition): Promise<void> {
    const sequence = printSequence(known);
    // Once is enough: it stands in the log.
    if (sequence === disputed) return;
    await revocations.dispute(epoch, sequence);
    disputed = sequence;
  }

  return {
    async resolve(problem, known) {
      if (problem.kind === "lost" && known !== undefined) {
        const fence = () => attempt("fence the revocation log", () => options.fence(problem.epoch));
        if (failover.restoreFence === "auto" && (await fence())) return true;
        await attempt("dispute the revocation log", () => dispute(problem, known));
        return false;
      }
      if (!problem.isSynchronousPromotion || failover.failover !== "synchronous") return false;
      return attempt("take over the revocation log", () => options.adopt(problem.epoch));
    },

    async tend({ position, server }) {
      if (failover.failover !== "synchronous" || server.wasSynchronous || !server.isSynchronous) return;
      await attempt("attest the revocation log", () => revocations.attest(position.epoch));
    },
  };
}
