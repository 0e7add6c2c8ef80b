import { boxPublicKey, type OpenedTicket, openTicket, type TicketOpening } from "../../macaroon/index.ts";
import { DomainError } from "../parts/error.ts";
import { ROOT_KEY_AGE } from "../parts/lifetimes.ts";
import { createRateLimit } from "../parts/rate-limit.ts";
import { nextTurn } from "../parts/turn.ts";
import type { Clock } from "../ports/clock.ts";
import type { StoredKeyPair } from "../ports/keys/key-pairs.ts";
import type { Randomness } from "../ports/randomness.ts";
import type { Store } from "../ports/store.ts";
import { createCustody } from "./custody.ts";
import { createKeyPairRenewal, type KeyPairTies } from "./key-pair-renewal.ts";
import { expiresAfter, inUse, takesOverAt } from "./key-times.ts";
import { createKeyring, doesNotOpen, type OpenKey } from "./keyring.ts";
import type { Sealing, SealingError } from "./sealing.ts";
import type { Secret } from "./secret.ts";

/** The purpose under which private keys of discharges are sealed. */
export const DISCHARGE_KEY_PURPOSE = "discharge key";

/** The keys that tickets are sealed to: which key is published, and which keys still open tickets. */
export interface DischargeKeys {
  /** Reads all usable keys. A key that does not open under the master key opens no ticket; the others do. */
  load(): Promise<void>;
  /** The public key to seal new tickets to. Makes the first key if there is none. */
  publicKey(): Promise<Uint8Array>;
  /** The published key pair, to seal tickets of this service's own to itself. */
  own(): Promise<{ readonly publicKey: Uint8Array; readonly privateKey: Secret }>;
  /**
   * Opens a ticket with the key that it is made for.
   *
   * @returns the ticket, and whether this service itself wrote it
   * @throws DomainError `ticket_invalid`; `unavailable` if it may be made for a key that does not open
   */
  open(ticket: Uint8Array): Promise<{ readonly ticket: OpenedTicket; readonly own: boolean }>;
  /** Whether these bytes are a ticket that a key in memory opens. */
  opens(ticket: Uint8Array): Promise<boolean>;
  /** Replaces a key of age; destroys expired ones; seals anew the keys that an earlier master key sealed. */
  maintain(): Promise<void>;
}

/** Reads a second for tickets that no key in memory opens: a key may have been made elsewhere a moment ago. */
const RELOADS = { perSecond: 1, burst: 5, maxKeys: 1 };

/** @param stalenessMilliseconds within which every replica has read each commit */
export function createDischargeKeys(options: {
  readonly store: Store;
  readonly sealing: Sealing;
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly stalenessMilliseconds: number;
  /** Told once of each key that does not open. */
  readonly onUnopened: (keyId: string, error: SealingError) => void;
}): DischargeKeys {
  const { store, clock } = options;
  const custody = createCustody<KeyPairTies>({
    ...options,
    purpose: DISCHARGE_KEY_PURPOSE,
    keysOf: ({ dischargeKeys }) => dischargeKeys,
    tiesOf: ({ id }) => [id],
    destroyed: "discharge_key.destroyed",
  });
  // Newest first.
  const ring = createKeyring<StoredKeyPair>({ ...options, unseal: custody.open });
  const renew = createKeyPairRenewal({
    ...options,
    custody,
    purpose: DISCHARGE_KEY_PURPOSE,
    keysOf: ({ dischargeKeys }) => dischargeKeys,
    publicHalf: boxPublicKey,
    age: ROOT_KEY_AGE,
    opens: (id) => !ring.shut.has(id),
    takesOver: (now) => takesOverAt(now, options.stalenessMilliseconds),
    expires: expiresAfter,
    created: "discharge_key.created",
  });
  const reloads = createRateLimit({ clock, ...RELOADS });

  async function load(): Promise<void> {
    ring.replace(await store.dischargeKeys.usable(await store.now()));
  }

  function published(): OpenKey<StoredKeyPair> | undefined {
    return inUse(ring.open.values(), clock.now());
  }

  async function current(): Promise<OpenKey<StoredKeyPair>> {
    // The keys are read again by a timer. Callers may be anyone, and must not make that happen more often.
    if (published() === undefined && ring.shut.size > 0) throw doesNotOpen("a discharge key");
    if (published() === undefined) {
      await load();
      if (published() === undefined) {
        await renew();
        await load();
      }
    }
    const key = published();
    if (key === undefined) throw new DomainError("unavailable", "no discharge key has been made yet");
    return key;
  }

  function tryAll(ticket: Uint8Array): TicketOpening | undefined {
    let opening: TicketOpening | undefined;
    for (const { key } of ring.open.values()) {
      opening = openTicket(ticket, key.reveal());
      if (opening.ok || opening.code !== "wrong_key") return opening;
    }
    return opening;
  }

  return {
    load,
    publicKey: async () => (await current()).publicKey,

    async own() {
      const { publicKey, key: privateKey } = await current();
      return { publicKey, privateKey };
    },

    async open(ticket) {
      await current();
      // It takes milliseconds, and many may ask in one turn of the event loop.
      await nextTurn();
      let opening = tryAll(ticket);
      if (opening?.ok === false && opening.code === "wrong_key" && reloads.take("")) {
        await load();
        opening = tryAll(ticket);
      }
      if (opening?.ok !== true) {
        // It may be made for a key that is on record, so to call it invalid might be wrong.
        if (ring.shut.size > 0 && (opening === undefined || opening.code === "wrong_key")) {
          throw doesNotOpen("a discharge key");
        }
        throw new DomainError("ticket_invalid", opening?.detail ?? "ticket is made for another key");
      }
      const writer = Buffer.from(opening.ticket.firstPartyPublicKey);
      const own = [...ring.open.values()].some(({ publicKey }) => writer.equals(publicKey));
      return { ticket: opening.ticket, own };
    },

    async opens(ticket) {
      await nextTurn();
      return tryAll(ticket)?.ok === true;
    },

    async maintain() {
      await custody.maintain(async () => {
        await renew();
        await load();
      });
    },
  };
}
