import type { Revocation } from "../answers.ts";
import type { Bakehouse } from "../bakehouse.ts";
import { BakehouseError } from "../error.ts";
import { pause } from "../transport.ts";
import { elapsed, type LocalClock, type Moment, moment, serviceTime, type Window } from "./clock.ts";

/** Follows the revocation log, and knows how old its knowledge is. */
export interface Follower {
  /** Begins to follow, from the log's beginning; does nothing if it follows already. */
  start(): void;
  stop(): void;
  /** The position up to which the log has been seen; undefined before it is followed. */
  position(): string | undefined;
  /** Milliseconds; infinite if not everything up to some moment is known. */
  age(): number;
  /**
   * Resolves once it has seen all of the log. Rejects if it is stopped before, if the service says that this caller may not
   * follow it, and with the last failure if it takes too long.
   *
   * @param patience milliseconds
   */
  caughtUp(patience: number): Promise<void>;
  /** The reading of the service's clock; undefined if no answer has told it. */
  serviceTime(): Window | undefined;
}

const FIRST_PAUSE = 100;
const LONGEST_PAUSE = 5_000;
/** Milliseconds after which a stream that says nothing is given up, however open its connection looks. */
const SILENCE = 30_000;

/** A promise that is settled from outside. */
interface Ready {
  readonly promise: Promise<void>;
  resolve(): void;
  reject(reason: unknown): void;
}

function createReady(): Ready {
  const ready: Ready = { promise: Promise.resolve(), resolve() {}, reject() {} };
  const promise = new Promise<void>((resolve, reject) => Object.assign(ready, { resolve, reject }));
  return Object.assign(ready, { promise });
}

/**
 * @param onRevocation told of every entry, before its position counts as seen
 * @param onError told why a stream could not be read. Its errors are passed over
 * @param onHashKey told of the key of hashed agents, before any entry of a stream
 * @param onGone told that the log is another one, which is read from its beginning
 * @param onHeard told of each time that all of the log has been seen. Its errors are passed over
 * @param onReopened told that a stream is open after another one has ended, and that the service opens none for this caller. A service that was set up anew, and so
 *   judges otherwise, has ended its streams: all that was learned from it before is worth nothing
 */
export function createFollower(options: {
  readonly service: Bakehouse;
  readonly clock: LocalClock;
  readonly onRevocation: (revocation: Revocation) => void;
  readonly onError: (error: BakehouseError) => void;
  readonly onHashKey: (key: string) => void;
  readonly onGone: () => void;
  readonly onHeard: () => void;
  readonly onReopened: () => void;
}): Follower {
  const { service, clock, onRevocation, onHashKey, onGone, onReopened } = options;
  let position: string | undefined;
  let stopping: AbortController | undefined;
  // The moment as of which everything up to `position` is known.
  let known: { readonly since: Moment; readonly before: number } | undefined;
  let hasOpened = false;
  let ready = createReady();
  /** Why it is not ready, as far as the last attempt tells. */
  let failure: BakehouseError | undefined;
  let anchor: { readonly date: number; readonly asked: Moment; readonly answered: Moment } | undefined;

  async function readOnce(stop: AbortSignal): Promise<void> {
    const asked = moment(clock);
    const quiet = new AbortController();
    let timer = setTimeout(() => quiet.abort(), SILENCE);
    try {
      const signal = AbortSignal.any([stop, quiet.signal]);
      const after = position === undefined ? {} : { after: position };
      for await (const event of service.followRevocations(after, { signal })) {
        clearTimeout(timer);
        timer = setTimeout(() => quiet.abort(), SILENCE);
        if (stop.aborted) return;
        if (event.kind === "opened") {
          if (hasOpened) onReopened();
          hasOpened = true;
          if (event.date !== undefined) anchor = { date: event.date, asked, answered: moment(clock) };
        } else if (event.kind === "hash_key") {
          onHashKey(event.hashKey);
        } else if (event.kind === "revocation") {
          onRevocation(event.revocation);
          position = event.sequence;
        } else {
          position = event.sequence;
          const { stalenessMilliseconds: staleness, openMilliseconds } = event;
          // The stream was opened after it was asked for, so this was said at least `openMilliseconds` after that,
          // however long it was on its way.
          if (staleness !== undefined) {
            known = { since: asked, before: openMilliseconds - staleness };
            failure = undefined;
            ready.resolve();
            told(options.onHeard);
          }
        }
      }
    } finally {
      clearTimeout(timer);
    }
  }

  /** The listener's own fault must not end the following. */
  function told(tell: () => void): void {
    try {
      tell();
    } catch {
      // It had its chance.
    }
  }

  function asError(error: unknown): BakehouseError {
    const silent = "the stream of the revocation log broke, or said nothing for 30 seconds";
    return error instanceof BakehouseError
      ? error
      : new BakehouseError("unreachable", silent, { cause: error });
  }

  function noteFailure(error: BakehouseError): void {
    failure = error;
    // Waiting mends none of these; it is tried again all the same, as a credential may be renewed.
    if (error.code !== "unauthenticated" && error.code !== "forbidden") return;
    // Nor may such a caller's earlier answers be used any longer.
    onReopened();
    giveUp(error);
  }

  function giveUp(reason: unknown): void {
    ready.promise.catch(() => {});
    ready.reject(reason);
    ready = createReady();
  }

  async function follow(stop: AbortSignal): Promise<void> {
    for (let failed = 0; !stop.aborted; failed++) {
      const begun = clock.monotonic();
      try {
        await readOnce(stop);
      } catch (error) {
        if (stop.aborted) return;
        told(() => options.onError(asError(error)));
        if (error instanceof BakehouseError) noteFailure(error);
        if (error instanceof BakehouseError && error.code === "gone") {
          position = undefined;
          known = undefined;
          onGone();
        }
      }
      if (stop.aborted) return;
      // A stream that held for a while is no failure to be patient with.
      if (clock.monotonic() - begun > LONGEST_PAUSE) failed = 0;
      const bound = Math.min(FIRST_PAUSE * 2 ** Math.min(failed, 10), LONGEST_PAUSE);
      await pause(bound * (0.5 + Math.random() / 2), stop).catch(() => {});
    }
  }

  function end(): void {
    stopping?.abort();
    stopping = undefined;
    position = undefined;
    known = undefined;
    failure = undefined;
    hasOpened = false;
    giveUp(new DOMException("stopped", "AbortError"));
  }

  return {
    start() {
      if (stopping !== undefined) return;
      stopping = new AbortController();
      void follow(stopping.signal);
    },
    stop: end,
    caughtUp(patience) {
      const waiting = ready.promise;
      return new Promise((resolve, reject) => {
        const late = () => {
          const silent = "the revocation log was not read in time: is the service reachable?";
          reject(failure ?? new BakehouseError("timeout", silent));
        };
        const timer = setTimeout(late, patience);
        waiting.then(resolve, reject).finally(() => clearTimeout(timer));
      });
    },
    position: () => position,
    age: () => (known === undefined ? Number.POSITIVE_INFINITY : elapsed(clock, known.since) - known.before),
    serviceTime: () => (anchor === undefined ? undefined : serviceTime(clock, anchor)),
  };
}
