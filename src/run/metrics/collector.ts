import type { Clock } from "../../domain/ports/clock.ts";
import type { DatabaseLoad } from "../../storage/engine/runner.ts";
import { FAMILIES } from "./families.ts";
import type { LagWatch } from "./lag.ts";
import { createNodeMetrics } from "./library.ts";
import { type Reported, reported, single } from "./samples.ts";
import { shared } from "./shared.ts";
import type { Tally } from "./tally.ts";

/** Platforms whose root keys are told of. */
const MOST_PLATFORMS = 1_000;

/**
 * Milliseconds between two questions to the database, for which one is waited, and for which its answer stands in for one that
 * does not come.
 */
const ASKED_EVERY = 10_000;
const ASKED_FOR = 300;
const BELIEVED = 60_000;

/** The service, as far as its numbers go. */
export interface Measured {
  readonly knowledge: {
    age(): number;
    position(): { readonly number: number };
    readonly size: number;
  };
  readonly rootKeys: { signingSince(now: number): ReadonlyMap<string, number> };
  load(): DatabaseLoad;
  /** Both ask the database. */
  approvalsPending(): Promise<number>;
  unintegrated(): Promise<number>;
}

/** A process's numbers. */
export interface Collector {
  /** As they were in the last second. */
  collect(): Promise<readonly Reported[]>;
  /** As they are: for the last time. */
  last(): Promise<readonly Reported[]>;
}

/**
 * Asks the database now and then, whoever wants to know however often, and waits for an answer for a moment only.
 *
 * @returns undefined while it is not known
 */
function seldom(ask: () => Promise<number>, clock: Pick<Clock, "monotonic">) {
  let known: { readonly value: number; readonly at: number } | undefined;
  let askedAt = Number.NEGATIVE_INFINITY;
  let asking: Promise<void> | undefined;

  async function askOnce(): Promise<void> {
    try {
      const value = await ask();
      known = { value, at: clock.monotonic() };
    } catch {
      // The log tells of statements that fail.
    } finally {
      asking = undefined;
    }
  }

  return async (): Promise<number | undefined> => {
    const now = clock.monotonic();
    if (asking === undefined && now - askedAt >= ASKED_EVERY) {
      askedAt = now;
      asking = askOnce();
    }
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, ASKED_FOR);
    });
    await Promise.race([asking, late]);
    clearTimeout(timer);
    return known === undefined || clock.monotonic() - known.at > BELIEVED ? undefined : known.value;
  };
}

/**
 * Makes the collection of one process's numbers. However often it is asked for, the database is asked a question each ten
 * seconds; and without a database it is answered, with what is known, in less than half a second.
 */
export function createCollector(
  { knowledge, rootKeys, ...measured }: Measured,
  { tally, lag, clock }: { readonly tally: Tally; readonly lag: LagWatch; readonly clock: Clock },
): Collector {
  const approvalsPending = seldom(measured.approvalsPending, clock);
  const unintegrated = seldom(measured.unintegrated, clock);
  let ofNode: ReturnType<typeof createNodeMetrics> | undefined;

  function keyAges() {
    const now = clock.now();
    return [...rootKeys.signingSince(now)]
      .toSorted(([, a], [, b]) => a - b)
      .slice(0, MOST_PLATFORMS)
      .map(([platform, since]) => ({ value: Math.max(0, now - since) / 1_000, labels: { platform } }));
  }

  async function collect(): Promise<readonly Reported[]> {
    ofNode ??= createNodeMetrics();
    const [pending, waiting, node] = await Promise.all([
      approvalsPending(),
      unintegrated(),
      ofNode.then((read) => read()),
    ]);
    const { inUse, waiting: queued, isOpen } = measured.load();
    return [
      ...tally.report(),
      single(FAMILIES.staleness, knowledge.age() / 1_000),
      single(FAMILIES.sequence, knowledge.position().number),
      single(FAMILIES.live, knowledge.size),
      reported(FAMILIES.rootKeyAge, keyAges()),
      single(FAMILIES.approvalsPending, pending),
      single(FAMILIES.unintegrated, waiting),
      single(FAMILIES.poolInUse, inUse),
      single(FAMILIES.poolWaiting, queued),
      single(FAMILIES.circuitOpen, isOpen ? 1 : 0),
      single(FAMILIES.eventLoopLag, lag.longest()),
      ...node,
    ];
  }

  return { collect: shared(collect, clock.monotonic), last: collect };
}
