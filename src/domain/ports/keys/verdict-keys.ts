/** A key that signs short verdicts, as it rests in the store: the private half is sealed under the master key. */
export interface StoredVerdictKey {
  /** 16 characters of base64url: the `kid` of what it signs. */
  readonly id: string;
  /** Ed25519, 32 bytes. */
  readonly publicKey: Uint8Array;
  /** The sealed private key (see `domain/keys/sealing.ts`). */
  readonly sealed: Uint8Array;
  /** It is published from this instant on, unix milliseconds. */
  readonly createdAt: number;
  /** It signs from this instant on, unix milliseconds. */
  readonly activeFrom: number;
  /** It is published no more after this instant, unix milliseconds; null while it is the newest. */
  readonly expiresAt: number | null;
}

/** The keys of short signed verdicts. Every method rejects only when the store could not answer. */
export interface VerdictKeyStore {
  insert(key: StoredVerdictKey): Promise<void>;
  /** All keys that are not expired at `now` (unix milliseconds), newest first. */
  usable(now: number): Promise<readonly StoredVerdictKey[]>;
  /** Sets when a key expires. */
  retire(id: string, expiresAt: number): Promise<void>;
  /** Replaces the sealed form, as when the master key changes. */
  reseal(id: string, sealed: Uint8Array): Promise<void>;
  /** Destroys keys that expired before `now`. @returns their ids */
  destroyExpired(now: number): Promise<readonly string[]>;
}
