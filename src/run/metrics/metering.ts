import type { MetricsPlace } from "../../config/metrics.ts";
import type { Clock } from "../../domain/ports/clock.ts";
import type { Scrape } from "../../http/request/context.ts";
import { type Collector, createCollector, type Measured } from "./collector.ts";
import { watchLag } from "./lag.ts";
import { listenForScrapes, type MetricsListener } from "./listener.ts";
import { createScraping } from "./scrape.ts";
import { createTally, type Tally } from "./tally.ts";
import { workerNumbers } from "./together.ts";

/** The metrics of one process. */
export interface Metering {
  readonly tally: Tally;
  /** Answers scrapes on the main port; undefined if they are answered elsewhere. */
  readonly scrape: Scrape | undefined;
  /** Where scrapes are answered by themselves; undefined if they are not. */
  readonly listener: MetricsListener | undefined;
  readonly collector: Collector;
  close(): Promise<void>;
}

/** Counts what this process does, if anybody can ask for it. */
export function tallyFor(place: MetricsPlace): Tally | undefined {
  return place.kind === "nowhere" ? undefined : createTally();
}

/**
 * Begins to answer scrapes, or to have numbers for the process that started this one.
 *
 * @param place as configured; a worker opens no port of its own
 * @throws MetricsAddressError if the address cannot be had
 */
export async function startMetering(
  place: MetricsPlace,
  measured: Measured,
  parts: { readonly tally: Tally; readonly clock: Clock; readonly isWorker: boolean },
): Promise<Metering> {
  const lag = watchLag();
  const collector = createCollector(measured, { ...parts, lag });
  const alone = workerNumbers({ starting: 0, serving: 1, leaving: 0, crashes: 0 });
  const scrape = createScraping(async () => [await collector.collect(), alone], parts.clock.monotonic);
  try {
    const opens = place.kind === "address" && !parts.isWorker;
    const listener = opens ? await listenForScrapes(place, scrape) : undefined;
    return {
      tally: parts.tally,
      scrape: place.kind === "main port" ? scrape : undefined,
      listener,
      collector,
      async close() {
        lag.stop();
        await listener?.close();
      },
    };
  } catch (error) {
    lag.stop();
    throw error;
  }
}
