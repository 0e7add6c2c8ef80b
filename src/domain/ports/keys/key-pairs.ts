/** A key pair of the service as it rests in the store: the private half is sealed under the master key. */
export interface StoredKeyPair {
  /** 16 characters of base64url. */
  readonly id: string;
  /** 32 bytes: Curve25519 of discharge keys, Ed25519 of those that sign verdicts. */
  readonly publicKey: Uint8Array;
  /** The sealed private key (see `domain/keys/sealing.ts`). */
  readonly sealed: Uint8Array;
  /** Unix milliseconds. */
  readonly createdAt: number;
  /** It is the one in use from this instant on, unix milliseconds. */
  readonly activeFrom: number;
  /** It is good for nothing after this instant, unix milliseconds; null while it is the newest. */
  readonly expiresAt: number | null;
}

/** The key pairs of one kind: those that tickets are sealed to, or that sign verdicts. Every method rejects only when the store could not answer. */
export interface KeyPairStore {
  insert(key: StoredKeyPair): Promise<void>;
  /** All keys that are not expired at `now` (unix milliseconds), newest first. */
  usable(now: number): Promise<readonly StoredKeyPair[]>;
  /** Sets when a key expires. */
  retire(id: string, expiresAt: number): Promise<void>;
  /** Replaces the sealed form, as when the master key changes. */
  reseal(id: string, sealed: Uint8Array): Promise<void>;
  /** Destroys keys that expired before `now`. @returns their ids */
  destroyExpired(now: number): Promise<readonly string[]>;
}
