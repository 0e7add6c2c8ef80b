import type { Worker } from "node:cluster";
import { Socket } from "node:net";

import { CONNECTION, TAKEN } from "./connection-sharing.ts";
import type { Reported } from "./metrics/samples.ts";

/** The messages to a worker from the process that started it, besides its connections. */
export type WorkerMessage =
  /** Fail readiness, and go on answering. */
  | "announce"
  /** Send the metrics. */
  | "numbers"
  /** Answer the open requests, and end. No connection comes after it. */
  | "leave";

/** The message of a worker once it answers. */
const SERVING = "serving";

/** The message of a worker that does not come to that. */
interface Failed {
  /** For people, each a fault of its own. */
  readonly failed: readonly string[];
}

/** A worker's metrics. */
interface Numbers {
  readonly numbers: readonly Reported[];
}

/** Tells a worker something. If it is gone meanwhile, nothing happens. */
export function tellWorker(worker: Worker, message: WorkerMessage): void {
  if (worker.isConnected()) worker.send(message, () => {});
}

/** Calls back once a worker answers. */
export function onServing(worker: Worker, callback: () => void): void {
  worker.on("message", (message: unknown) => {
    if (message === SERVING) callback();
  });
}

/** Calls back if a worker says why it does not serve. */
export function onFailed(worker: Worker, callback: (lines: readonly string[]) => void): void {
  worker.on("message", (message: Failed | string) => {
    if (typeof message === "object" && Array.isArray(message?.failed)) callback(message.failed);
  });
}

/** Calls back with a worker's metrics, whenever it sends them. */
export function onNumbers(worker: Worker, callback: (numbers: readonly Reported[]) => void): void {
  worker.on("message", (message: Numbers | string) => {
    if (typeof message === "object" && Array.isArray(message?.numbers)) callback(message.numbers);
  });
}

/** This process's answers to such messages, as a worker. */
export interface WorkerDuties {
  readonly announce: () => void;
  readonly leave: () => void;
  readonly numbers: () => void;
  readonly take: (connection: Socket) => void;
}

/** Hears the messages of the process that started this one, for good. */
export function hearPrimary({ announce, leave, numbers, take }: WorkerDuties): void {
  process.on("message", (message: unknown, connection: unknown) => {
    if (message === "announce") announce();
    else if (message === "leave") leave();
    else if (message === "numbers") numbers();
    else if (message === CONNECTION) {
      // Nothing came with it if its other end was gone before.
      if (connection instanceof Socket) take(connection);
      process.send?.(TAKEN);
    }
  });
}

/** Says that this process answers. */
export function sayServing(): void {
  process.send?.(SERVING);
}

/** Says why this process does not serve. Resolves once that is on its way. */
export function sayFailed(lines: readonly string[]): Promise<void> {
  return send({ failed: lines });
}

/** Sends this process's metrics. Resolves once they are on their way. */
export function sayNumbers(numbers: readonly Reported[]): Promise<void> {
  return send({ numbers });
}

/** Resolves, too, if the process that started this one is gone. */
function send(message: Failed | Numbers): Promise<void> {
  return new Promise((resolve) => {
    if (process.send === undefined || !process.connected) resolve();
    else process.send(message, undefined, {}, () => resolve());
  });
}
