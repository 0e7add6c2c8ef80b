/** A discharge key as it rests in the store: the private half is sealed under the master key. */
export interface StoredDischargeKey {
  /** 16 characters of base64url. */
  readonly id: string;
  /** Curve25519, 32 bytes. */
  readonly publicKey: Uint8Array;
  /** The sealed private key (see `domain/sealing.ts`). */
  readonly sealed: Uint8Array;
  /** Unix milliseconds. */
  readonly createdAt: number;
  /** It is published from this instant on, unix milliseconds. */
  readonly activeFrom: number;
  /** No ticket for it is opened after this instant, unix milliseconds; null while it is the newest. */
  readonly expiresAt: number | null;
}

/** The keys that tickets are sealed to. Every method rejects only when the store could not answer. */
export interface DischargeKeyStore {
  insert(key: StoredDischargeKey): Promise<void>;
  /** All keys that are not expired at `now` (unix milliseconds), newest first. */
  usable(now: number): Promise<readonly StoredDischargeKey[]>;
  /** Sets when a key expires. */
  retire(id: string, expiresAt: number): Promise<void>;
  /** Replaces the sealed form, as when the master key changes. */
  reseal(id: string, sealed: Uint8Array): Promise<void>;
  /** Destroys keys that expired before `now`. @returns their ids */
  destroyExpired(now: number): Promise<readonly string[]>;
}
