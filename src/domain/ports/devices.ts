/** A person's answer to a device's request; `pending` before there is one. */
export type DeviceState = "pending" | "approved" | "denied";

/** A device's request that waits for a person (RFC 8628). */
export interface DeviceRequest {
  /** Of the device code; 32 bytes. The code that an approved one is redeemed as has the same. */
  readonly hash: Uint8Array;
  /** Of the code that a person types, under a key; 32 bytes. */
  readonly userHash: Uint8Array;
  readonly clientId: string;
  readonly platform: string;
  /** Canonical URI. */
  readonly resource: string;
  /** Empty for a resource without scopes. */
  readonly scopes: readonly string[];
  readonly state: DeviceState;
  /** Seconds that the device has to wait between two questions. */
  readonly pause: number;
  /** Unix milliseconds. */
  readonly createdAt: number;
  /** Unix milliseconds. */
  readonly expiresAt: number;
}

/** A device's question whether there is an answer. */
export interface DevicePoll {
  readonly state: DeviceState;
  /** Unix milliseconds. */
  readonly expiresAt: number;
  /** Whether it came before its time; the device has to wait longer from then on. */
  readonly isEarly: boolean;
}

/** The requests of devices. Every method rejects only when the store could not answer. */
export interface DeviceStore {
  /** @returns false if the code that a person types is another request's: nothing was written */
  insert(request: DeviceRequest): Promise<boolean>;
  /** A request by the code that a person typed, under any of the keys. One that is over or was answered is not found. */
  find(userHashes: readonly Uint8Array[], now: number): Promise<DeviceRequest | undefined>;
  /**
   * Notes a question of a client, and makes it wait longer if it came too early.
   *
   * @param now unix milliseconds, by the database's clock
   * @returns undefined for a code that the client does not have
   */
  poll(hash: Uint8Array, clientId: string, now: number): Promise<DevicePoll | undefined>;
  /** Answers a request. @returns false if it is over, or was answered before */
  answer(hash: Uint8Array, state: "approved" | "denied", now: number): Promise<boolean>;
  /** Drops those that were over before an instant. @returns how many */
  dropExpired(before: number): Promise<number>;
}
