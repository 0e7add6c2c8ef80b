import type { ReservationState } from "../../words/states.ts";

/** The share of one call in one counter. */
export interface BudgetDraw {
  /** The revocation id of the budget's link: 16 bytes. */
  readonly link: Uint8Array;
  /** The budget's limit, a decimal in plain notation. */
  readonly most: string;
  /** The amount that the call takes, likewise: 1 of `uses` and `rate`. */
  readonly takes: string;
  /** The window of a `rate`, milliseconds; undefined for a budget that never gains. */
  readonly window: number | undefined;
  /** The earliest `time <` at or above the link in its own macaroon, unix milliseconds; undefined if there is none. */
  readonly endsAt: number | undefined;
}

/** A charge that is remembered for a day, so that the same question is not charged again. */
export interface ChargeKey {
  /** Names platform and `charge_id`: 32 bytes. */
  readonly hash: Uint8Array;
  /** A hash of the question: 32 bytes. */
  readonly question: Uint8Array;
}

/** A charge whose final amount is said later. */
export interface NewReservation {
  /** A UUID. */
  readonly id: string;
  /** Milliseconds; it ends with the first of its counters, too. */
  readonly life: number;
  /** The charges of `spend` budgets, by link. */
  readonly spends: readonly { readonly link: Uint8Array; readonly unit: string; readonly amount: string }[];
  /** All that the call costs, by unit: decimals in plain notation. */
  readonly cost: Readonly<Record<string, string>>;
  /** The resource that reserves; undefined for none. */
  readonly resource?: string | undefined;
}

/** A call that draws on budgets, on all of them or on none, or that comes with a proof. */
export interface BudgetCall {
  /** No two of one link; none if only the proof matters. */
  readonly draws: readonly BudgetDraw[];
  /** Asks only: nothing is taken. */
  readonly dry: boolean;
  readonly key?: ChargeKey;
  readonly reserve?: NewReservation;
  /** Names the proof that came with the call: 32 bytes. It is good once. */
  readonly proof?: Uint8Array;
}

/** The rest of a budget behind a call. */
export interface BudgetLeft {
  /** A decimal in plain notation. */
  readonly remaining: string;
  /** Whether the call was refused because of this budget. */
  readonly short: boolean;
  /** Seconds until a full rate has room for one call more; undefined for a budget that has room, or never gets any. */
  readonly retryAfter: number | undefined;
}

/** The outcome of a call. */
export interface BudgetOutcome {
  readonly passed: boolean;
  /** Whether the same question was charged before under its key: it was not charged again. */
  readonly repeated: boolean;
  /** Whether another question was charged before under its key: this one was not charged. */
  readonly mismatched: boolean;
  /** Whether its proof came with a call before: nothing was charged. */
  readonly replayed: boolean;
  /** Made now, or when the call was charged first; `expiresAt` is unix milliseconds. */
  readonly reservation: { readonly id: string; readonly expiresAt: number } | undefined;
  /** One for each of its draws, in their order. */
  readonly left: readonly BudgetLeft[];
}

/** A reservation, as it stands. */
export interface Reservation {
  readonly id: string;
  readonly state: ReservationState;
  /** The upper bound by unit: decimals in plain notation. */
  readonly cost: Readonly<Record<string, string>>;
  /** The final amounts; null unless it is settled. */
  readonly settled: Readonly<Record<string, string>> | null;
  /** Unix milliseconds. */
  readonly expiresAt: number;
}

/** A reservation, with the resource that reserved; null for none. That never changes. */
export interface OwnedReservation extends Reservation {
  readonly resource: string | null;
}

/** The outcome of settling a reservation, or of giving all of it back. */
export type Settlement =
  | { readonly outcome: "done"; readonly reservation: Reservation }
  /** It was settled in another way before, or it has ended. */
  | { readonly outcome: "other_state"; readonly reservation: Reservation }
  /** Other units than were reserved, or more of one. */
  | { readonly outcome: "other_cost"; readonly reservation: Reservation }
  | { readonly outcome: "unknown" };

/** Counters under links. */
export interface BudgetStore {
  /**
   * Charges calls of one platform one after another, in one statement. On rejection nothing was charged, or nobody knows.
   *
   * @returns one outcome for each, in their order
   */
  charge(platform: string, calls: readonly BudgetCall[]): Promise<readonly BudgetOutcome[]>;
  /** @returns undefined for one that is another platform's, or that was never made or is not kept any more */
  reservation(platform: string, id: string): Promise<OwnedReservation | undefined>;
  /**
   * Says the final amounts of a reservation, and gives the rest back to its counters. The first to say so wins.
   *
   * @param cost by unit, decimals in plain notation; null to give all back
   */
  settle(platform: string, id: string, cost: Readonly<Record<string, string>> | null): Promise<Settlement>;
  /** Drops counters, charges and reservations that have lived their time. */
  dropEnded(): Promise<void>;
}
