import type { Worker } from "node:cluster";
import { Socket } from "node:net";

import { CONNECTION, TAKEN } from "./connection-sharing.ts";

/** What a worker is told by the process that started it, besides its connections. */
export type WorkerMessage =
  /** Fail readiness, and go on answering. */
  | "announce"
  /** Answer what is asked, and end. No connection comes after it. */
  | "leave";

/** What a worker says once it answers. */
const SERVING = "serving";

/** Tells a worker something. Where it is gone meanwhile, nothing happens. */
export function tellWorker(worker: Worker, message: WorkerMessage): void {
  if (worker.isConnected()) worker.send(message, () => {});
}

/** Calls back once a worker answers. */
export function onServing(worker: Worker, callback: () => void): void {
  worker.on("message", (message: unknown) => {
    if (message === SERVING) callback();
  });
}

/** What this process does when it is told something, as a worker. */
export interface WorkerDuties {
  readonly announce: () => void;
  readonly leave: () => void;
  readonly take: (connection: Socket) => void;
}

/** Hears what the process says that started this one, for good. */
export function hearPrimary({ announce, leave, take }: WorkerDuties): void {
  process.on("message", (message: unknown, connection: unknown) => {
    if (message === "announce") announce();
    else if (message === "leave") leave();
    else if (message === CONNECTION) {
      // Nothing came with it where its other end was gone before.
      if (connection instanceof Socket) take(connection);
      process.send?.(TAKEN);
    }
  });
}

/** Says that this process answers. */
export function sayServing(): void {
  process.send?.(SERVING);
}
