import type { Worker } from "node:cluster";

import type { MetricsPlace } from "../../config/metrics.ts";
import { createNodeMetrics } from "../metrics/library.ts";
import { listenForScrapes } from "../metrics/listener.ts";
import { createScraping } from "../metrics/scrape.ts";
import { createTogether, workerNumbers } from "../metrics/together.ts";
import { systemClock } from "../system.ts";
import { tellWorker } from "../worker-messages.ts";
import type { Workers, WorkersOptions } from "../workers.ts";

/**
 * Answers scrapes for all workers, in the process that started them.
 *
 * @param workers found when they are asked for: they are started with what this hears
 */
export function openWorkerMetrics(
  place: MetricsPlace,
  workers: () => Workers,
): {
  readonly hears: Pick<WorkersOptions, "onNumbers" | "onGone">;
  /** Opens the port. @returns its number; undefined if none is configured. @throws MetricsAddressError */
  listen(): Promise<number | undefined>;
} {
  if (place.kind !== "address") {
    return { hears: { onNumbers() {}, onGone() {} }, listen: async () => undefined };
  }
  const together = createTogether<Worker>(
    () => workers().serving(),
    (worker) => tellWorker(worker, "numbers"),
  );
  const node = createNodeMetrics();

  async function collect() {
    const [all, own] = await Promise.all([together.collect(), node.then((read) => read())]);
    return [...all, own.filter(({ type }) => type !== "summary"), workerNumbers(workers().counts())];
  }

  return {
    hears: { onNumbers: together.note, onGone: together.left },
    async listen() {
      const { port } = await listenForScrapes(place, createScraping(collect, systemClock.monotonic));
      return port;
    },
  };
}
