/**
 * The places of tickets that say `once`: each is taken by one request at a time, and then by its discharge. Every method
 * rejects only when the store could not answer.
 */
export interface LiveDischargeStore {
  /**
   * Takes a place that is free, or whose time is over. Of several callers at once one gets it.
   *
   * @param place 32 bytes, which name a ticket and the link that asks
   * @param livesUntil unix milliseconds
   * @param now unix milliseconds, by the database's clock
   * @returns false if the place is taken
   */
  take(
    turn: { readonly place: Uint8Array; readonly requestId: string; readonly livesUntil: number },
    now: number,
  ): Promise<boolean>;
  /** Moves the end of what a request has taken. Nothing happens for a request that has no place. */
  moveEnd(requestId: string, livesUntil: number): Promise<void>;
  /** Drops places whose time was over before an instant. */
  dropBefore(instant: number): Promise<void>;
}
