import { type ChildProcess, fork } from "node:child_process";
import { join } from "node:path";

import { type Order, type Report, reportSchema } from "./messages.ts";

const WORKER = join(import.meta.dirname, "worker.ts");
// A test that waits for something that never comes ends by its own time-out; this one is for all that does not end.
const LONGEST = 900_000;

/** How an order ended: a report, or the end of the worker that was to give one. */
export type Answer = Report | { readonly kind: "crashed" } | { readonly kind: "stuck" };

/** Processes that follow orders, each one order at a time. */
export interface Workers {
  /** Has all orders followed; `done` hears of each as it ends. Rejects where a worker cannot even begin. */
  readonly follow: <T extends { readonly order: () => Order }>(
    jobs: readonly T[],
    done: (job: T, answer: Answer) => void,
  ) => Promise<void>;
  /** Ends all processes at once, whatever they do. */
  readonly stop: () => void;
}

export function createWorkers(count: number): Workers {
  const idle: ChildProcess[] = [];
  const alive = new Set<ChildProcess>();

  async function start(): Promise<ChildProcess> {
    const child = fork(WORKER, { stdio: ["ignore", "ignore", "pipe", "ipc"] });
    alive.add(child);
    let complaint = "";
    child.stderr?.on("data", (text: Buffer) => {
      complaint = (complaint + text.toString()).slice(-2_000);
    });
    child.once("exit", () => alive.delete(child));
    const answer = await nextAnswer(child, LONGEST);
    if (answer.kind !== "ready") throw new Error(`a worker did not start: ${complaint}`);
    return child;
  }

  async function followOne(order: Order): Promise<Answer> {
    const ready = idle.pop();
    const child = ready?.connected ? ready : await start();
    const answered = nextAnswer(child, LONGEST);
    child.send(order);
    const answer = await answered;
    if (answer.kind === "alive" || answer.kind === "killed" || answer.kind === "observed") idle.push(child);
    else child.kill("SIGKILL");
    return answer;
  }

  return {
    async follow(jobs, done) {
      const waiting = jobs[Symbol.iterator]();
      const one = async (): Promise<void> => {
        for (const job of waiting) done(job, await followOne(job.order()));
      };
      await Promise.all(Array.from({ length: count }, one));
    },
    stop() {
      for (const child of alive) child.kill("SIGKILL");
    },
  };
}

function nextAnswer(child: ChildProcess, longest: number): Promise<Answer> {
  return new Promise((resolve) => {
    const end = (answer: Answer): void => {
      clearTimeout(late);
      child.off("message", hear).off("exit", crash);
      resolve(answer);
    };
    const hear = (message: unknown): void => end(reportSchema.parse(message));
    const crash = (): void => end({ kind: "crashed" });
    const late = setTimeout(() => end({ kind: "stuck" }), longest);
    child.on("message", hear).on("exit", crash);
  });
}
