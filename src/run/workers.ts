import cluster, { type Worker } from "node:cluster";
import { setTimeout as sleep } from "node:timers/promises";

import type { Logger } from "pino";

import { shareConnections } from "./connection-sharing.ts";
import type { Reported } from "./metrics/samples.ts";
import type { WorkerCounts } from "./metrics/together.ts";
import { StartFailure } from "./start-failure.ts";
import { onFailed, onNumbers, onServing, tellWorker } from "./worker-messages.ts";
import { createSlots } from "./worker-slots.ts";

/** Milliseconds that a new worker has until it serves, besides its wait for a database: a restart must end. */
const START_TIME = 60_000;

/** Milliseconds after which a worker that was told to leave is ended: it takes less than five seconds itself. */
const STOP_WAIT = 8_000;

/** Milliseconds before a worker that ended is replaced: doubled with each that ends, until none did for a while. */
const FIRST_PAUSE = 100;
const LONGEST_PAUSE = 10_000;
const CALM = 60_000;

/** Settings of workers. */
export interface WorkersOptions {
  readonly count: number;
  /** The port that they share; it is open once one of them serves. */
  readonly port: number;
  readonly host: string;
  /** Milliseconds between failing readiness and closing the port, if all are to stop. */
  readonly delay: number;
  /** How long each waits for a database when it starts, milliseconds. */
  readonly startWait: number;
  readonly log: Pick<Logger, "info" | "error">;
  /** Takes the workers' log, whole lines at a time: several processes on one pipe would tear each other's. */
  readonly write: (lines: string) => void;
  /** Told of metrics that a worker sends. */
  readonly onNumbers: (worker: Worker, numbers: readonly Reported[]) => void;
  /** Told of a worker that is gone. */
  readonly onGone: (worker: Worker) => void;
}

/** Several processes that serve on one port. */
export interface Workers {
  /** Resolves once all serve. Rejects if one ends before: a fault of the first is a fault of all. */
  readonly ready: Promise<void>;
  /** The workers that answer. */
  serving(): Iterable<Worker>;
  counts(): WorkerCounts;
  /** Replaces one worker after the other; each goes once its successor serves. While that goes on, asking again adds nothing. */
  restart(): Promise<void>;
  /**
   * Lets each finish its requests. Resolves once all are gone and their lines have been passed on.
   *
   * @throws StartFailure where one that served did not end well
   */
  stop(): Promise<void>;
}

/**
 * Starts workers: each is a whole replica with a follower of the revocation log and a pool of connections of its own,
 * so that one that hangs or dies takes nothing of the others with it. One that ends by itself is replaced and counted.
 */
export function startWorkers(options: WorkersOptions): Workers {
  const { count, port, host, delay, startWait, log, write } = options;
  const slots = createSlots();
  const door = shareConnections();
  let opening: Promise<void> | undefined;
  const living = new Set<Worker>();
  const serving = new Set<Worker>();
  const leaving = new Set<Worker>();
  let crashes = 0;
  let pause = FIRST_PAUSE;
  let crashedAt = 0;
  let stopping = false;
  let restarting: Promise<void> | undefined;

  cluster.setupPrimary({ stdio: ["ignore", "pipe", "inherit", "ipc"] });

  /** Starts one. Resolves once it serves, and rejects if it ends before. */
  function start(): Promise<Worker> {
    const slot = slots.take();
    const worker = cluster.fork(slots.environment(slot));
    living.add(worker);
    passOnLines(worker, write);
    const force = setTimeout(() => worker.process.kill("SIGKILL"), START_TIME + startWait);
    let failed: readonly string[] | undefined;
    onNumbers(worker, (numbers) => options.onNumbers(worker, numbers));
    onFailed(worker, (lines) => {
      failed = lines;
    });
    return new Promise((resolve, reject) => {
      function gone(): void {
        // Once: the slot may be another worker's by now.
        if (!living.delete(worker)) return;
        options.onGone(worker);
        clearTimeout(force);
        slots.free(slot);
        reject(new StartFailure(failed ?? ["a worker ended before it served"], 1));
      }
      onServing(worker, () => {
        clearTimeout(force);
        serving.add(worker);
        door.add(worker);
        opening ??= door.listen(port, host);
        opening.then(() => resolve(worker), reject);
      });
      // Unheard, it would end this process and with it every worker: it comes if the system cannot start a new
      // one, as when no descriptor is left, which anybody with enough connections can bring about.
      worker.on("error", () => {
        if (worker.process.pid === undefined) gone(); // of one that ran, "close" tells the end
      });
      // After its last words, which "exit" does not wait for.
      worker.process.once("close", (code, signal) => {
        gone();
        if (serving.delete(worker)) ended(worker, code, signal);
      });
    });
  }

  function ended(worker: Worker, code: number | null, signal: NodeJS.Signals | null): void {
    if (leaving.delete(worker) || stopping) return;
    crashes += 1;
    log.error({ event: "worker ended", pid: worker.process.pid, code, signal, crashes });
    const now = performance.now();
    if (now - crashedAt > CALM) pause = FIRST_PAUSE;
    crashedAt = now;
    void replace();
  }

  /** Keeps trying: a database that is away takes all workers with it, and they must come back by themselves. */
  async function replace(): Promise<void> {
    while (!stopping) {
      const wait = pause;
      pause = Math.min(2 * pause, LONGEST_PAUSE);
      await sleep(wait);
      if (stopping) return;
      try {
        const worker = await start();
        log.info({ event: "worker replaced", pid: worker.process.pid, crashes });
        return;
      } catch (error) {
        log.error({ event: "worker not replaced", detail: detailOf(error) });
      }
    }
  }

  /**
   * Has a worker leave, once it has taken the connection on its way to it, and waits until it is gone.
   *
   * @returns whether it ended well. One that does not serve yet has nothing to end.
   */
  async function end(worker: Worker): Promise<boolean> {
    leaving.add(worker);
    if (!living.has(worker)) return true;
    const served = serving.has(worker);
    const gone = new Promise<number | null>((resolve) => worker.process.once("close", resolve));
    const force = setTimeout(() => worker.process.kill("SIGKILL"), STOP_WAIT);
    if (served) {
      await door.remove(worker);
      tellWorker(worker, "leave");
    } else {
      worker.process.kill("SIGTERM");
    }
    const code = await gone;
    clearTimeout(force);
    return code === 0 || !served;
  }

  async function restartAll(): Promise<void> {
    for (const worker of [...serving]) {
      if (stopping) return;
      if (!serving.has(worker)) continue; // it crashed meanwhile, and its replacement is new anyway
      try {
        await start();
      } catch (error) {
        log.error({ event: "restart given up", detail: `${detailOf(error)}; the old workers stay` });
        return;
      }
      await end(worker);
    }
    log.info({ event: "workers restarted", workers: serving.size });
  }

  async function stop(): Promise<void> {
    stopping = true;
    for (const worker of serving) tellWorker(worker, "announce");
    if (serving.size > 0) await sleep(delay);
    await door.closeDoor();
    const results = await Promise.all([...living].map(end));
    const unwell = results.filter((well) => !well).length;
    if (unwell > 0) throw new StartFailure([`${unwell} of ${results.length} workers did not end well`], 1);
  }

  const first = Promise.all(Array.from({ length: count }, start));
  return {
    ready: first.then(
      () => undefined,
      async (error: unknown) => {
        await stop().catch(() => {}); // why they did not start says more
        throw error;
      },
    ),
    serving: () => serving,
    counts() {
      const going = [...living].filter((worker) => leaving.has(worker)).length;
      const starting = [...living].filter((worker) => !serving.has(worker) && !leaving.has(worker)).length;
      return { starting, serving: living.size - starting - going, leaving: going, crashes };
    },
    restart() {
      restarting ??= restartAll().finally(() => {
        restarting = undefined;
      });
      return restarting;
    },
    stop,
  };
}

/** Why a worker did not come to serve. */
function detailOf(error: unknown): string {
  return error instanceof StartFailure ? error.message : "it could not be started";
}

/** Passes on whole lines, each worker's in its order. */
function passOnLines(worker: Worker, write: (lines: string) => void): void {
  const { stdout } = worker.process;
  let begun = "";
  stdout?.setEncoding("utf8");
  stdout?.on("data", (text: string) => {
    const end = text.lastIndexOf("\n") + 1;
    if (end > 0) write(begun + text.slice(0, end));
    begun = end > 0 ? text.slice(end) : begun + text;
  });
  stdout?.once("end", () => {
    if (begun !== "") write(`${begun}\n`); // killed amid a line
  });
}
