/** What one call takes from one counter. */
export interface BudgetDraw {
  /** The revocation id of the budget's link: 16 bytes. */
  readonly link: Uint8Array;
  /** What the budget allows, a decimal in plain notation. */
  readonly most: string;
  /** What the call takes, likewise: 1 of `uses` and `rate`. */
  readonly takes: string;
  /** The window of a `rate`, milliseconds; undefined for a budget that never gains. */
  readonly window: number | undefined;
  /** The earliest `time <` at or above the link in its own macaroon, unix milliseconds; undefined if there is none. */
  readonly endsAt: number | undefined;
}

/** A call that draws on budgets: on all of them or on none. */
export interface BudgetCall {
  /** No two of one link. */
  readonly draws: readonly BudgetDraw[];
  /** Asks only: nothing is taken. */
  readonly dry: boolean;
}

/** What is left of a budget behind a call. */
export interface BudgetLeft {
  /** A decimal in plain notation. */
  readonly remaining: string;
  /** Whether the call was refused because of this budget. */
  readonly short: boolean;
  /** Seconds until a full rate has room for one call more; undefined for what has room, or never gets any. */
  readonly retryAfter: number | undefined;
}

/** The outcome of a call. */
export interface BudgetOutcome {
  readonly passed: boolean;
  /** One for each of its draws, in their order. */
  readonly left: readonly BudgetLeft[];
}

/** Counters under links. */
export interface BudgetStore {
  /**
   * Charges calls of one platform one after another, in one statement. On rejection nothing was charged, or nobody knows.
   *
   * @returns one outcome for each, in their order
   */
  charge(platform: string, calls: readonly BudgetCall[]): Promise<readonly BudgetOutcome[]>;
  /** Drops counters under which nothing can pass any more. @returns how many */
  dropEnded(): Promise<number>;
}
