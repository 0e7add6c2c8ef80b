import type { Worker } from "node:cluster";
import { Socket } from "node:net";

import { CONNECTION, TAKEN } from "./connection-sharing.ts";

/** The messages to a worker from the process that started it, besides its connections. */
export type WorkerMessage =
  /** Fail readiness, and go on answering. */
  | "announce"
  /** Answer the open requests, and end. No connection comes after it. */
  | "leave";

/** The message of a worker once it answers. */
const SERVING = "serving";

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

/** This process's answers to such messages, as a worker. */
export interface WorkerDuties {
  readonly announce: () => void;
  readonly leave: () => void;
  readonly take: (connection: Socket) => void;
}

/** Hears the messages of the process that started this one, for good. */
export function hearPrimary({ announce, leave, take }: WorkerDuties): void {
  process.on("message", (message: unknown, connection: unknown) => {
    if (message === "announce") announce();
    else if (message === "leave") leave();
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
