/** A notification that waits to be delivered. */
export interface WebhookMessage {
  /** UUIDv7; the same at every attempt, so that receivers can tell repeats. */
  readonly id: string;
  /** JSON, as it is sent and signed. */
  readonly body: string;
  /** Attempts that were made. */
  readonly attempts: number;
}

/** Notifications that wait. Every method rejects only when the store could not answer. */
export interface WebhookOutbox {
  insert(message: { readonly id: string; readonly body: string; readonly dueAt: number }): Promise<void>;
  /**
   * Takes messages that are due, and makes them due again at `again`: should this replica die, another one
   * sends them. Two replicas never take the same one at once.
   */
  claim(now: number, again: number, limit: number): Promise<readonly WebhookMessage[]>;
  /** Counts a failed attempt. */
  postpone(id: string, dueAt: number): Promise<void>;
  remove(id: string): Promise<void>;
  /** Takes a message back that nobody has tried to send yet. @returns whether it was there still */
  takeBack(id: string, now: number): Promise<boolean>;
}

/** Sends notifications to the configured address. */
export interface Webhook {
  /** @returns whether the receiver took it; never rejects */
  send(message: { readonly id: string; readonly body: string; readonly at: number }): Promise<boolean>;
}
