/** A circuit breaker: it spares callers the wait for a database that is known not to answer. */
export interface Breaker {
  /** Whether a call may go on. If the pause has just ended, one caller gets true: the probe. */
  admits(): boolean;
  /** Whether callers are refused, but for a probe now and then. */
  isOpen(): boolean;
  succeeded(): void;
  failed(): void;
  /** Opens it at once, whatever was counted. */
  trip(): void;
}

/** Settings of a breaker. */
export interface BreakerOptions {
  /** How many failures in a row open it. */
  readonly threshold: number;
  /** How long it stays open, milliseconds. A probe that has not ended by then is followed by another one. */
  readonly pause: number;
  /** Milliseconds since an arbitrary start, never going back. */
  readonly monotonic: () => number;
  /** Called when it opens. */
  readonly onOpen: () => void;
}

/** Makes a closed breaker. */
export function createBreaker({ threshold, pause, monotonic, onOpen }: BreakerOptions): Breaker {
  let failures = 0;
  let closedUntilProbe = 0;

  function open(): void {
    closedUntilProbe = monotonic() + pause;
    onOpen();
  }

  return {
    admits() {
      if (failures < threshold) return true;
      const now = monotonic();
      if (now < closedUntilProbe) return false;
      closedUntilProbe = now + pause;
      return true;
    },
    isOpen: () => failures >= threshold,
    succeeded() {
      failures = 0;
    },
    failed() {
      failures += 1;
      if (failures >= threshold) open();
    },
    trip() {
      failures = Math.max(failures, threshold);
      open();
    },
  };
}
