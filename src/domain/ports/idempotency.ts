/** A caller's key for one operation, hashed, so that the store learns nothing of what callers put in it. */
export interface IdempotencyKey {
  /** SHA-256 over caller, route and key; 32 bytes. */
  readonly hash: Uint8Array;
  /** SHA-256 over the request body; 32 bytes. */
  readonly bodyHash: Uint8Array;
}

/** What became of an attempt to claim a key. */
export type Claim =
  /** The caller holds the key until the lease ends and must finish under this lease. */
  | { readonly state: "claimed"; readonly lease: string }
  /** An earlier request under the key was answered; the kept answer is sealed. */
  | { readonly state: "answered"; readonly sealed: Uint8Array }
  /** An earlier request under the key is still in flight. */
  | { readonly state: "in_flight" }
  /** An earlier request under the key had another body. */
  | { readonly state: "other_body" };

/** An answer that is to be kept under a claimed key. */
export interface KeptAnswer {
  /** The key's hash. */
  readonly hash: Uint8Array;
  /** The lease under which it was claimed. */
  readonly lease: string;
  readonly sealed: Uint8Array;
  /** How long it is kept, milliseconds. */
  readonly life: number;
}

/** Answers kept for repeats of a request; they are written with the change that they report. Every method rejects only when the store could not answer. */
export interface IdempotencyStore {
  /**
   * Claims a key, in one statement. A claim whose lease has run out without an answer (its process
   * died) is taken over; a kept answer older than its life counts as absent.
   *
   * @param lease a random string that names this attempt
   * @param leaseMilliseconds how long the claim holds
   */
  claim(key: IdempotencyKey, lease: string, leaseMilliseconds: number): Promise<Claim>;
  /** Gives a claimed key back after a request that changed nothing. */
  release(key: IdempotencyKey, lease: string): Promise<void>;
  /** Drops what has outlived its life. @returns how many */
  dropExpired(): Promise<number>;
}
