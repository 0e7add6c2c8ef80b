import { sign } from "node:crypto";

import type { PublishedKey } from "../oauth-service.ts";
import { DomainError } from "../parts/error.ts";
import { VERDICT_KEY_AGE, VERDICT_KEY_LEAD, VERDICT_KEY_MARGIN } from "../parts/lifetimes.ts";
import { createRateLimit } from "../parts/rate-limit.ts";
import type { Clock } from "../ports/clock.ts";
import type { StoredKeyPair } from "../ports/keys/key-pairs.ts";
import type { Randomness } from "../ports/randomness.ts";
import type { Store } from "../ports/store.ts";
import { createCustody } from "./custody.ts";
import { publicHalf, signingKey } from "./ed25519.ts";
import { createKeyPairRenewal, type KeyPairTies } from "./key-pair-renewal.ts";
import { inUse, takesOverAt } from "./key-times.ts";
import { createKeyring, doesNotOpen, type OpenKey } from "./keyring.ts";
import type { Sealing, SealingError } from "./sealing.ts";

/** The purpose under which private keys of verdicts are sealed. */
export const VERDICT_KEY_PURPOSE = "verdict key";

/** The keys that sign short verdicts: Ed25519 (RFC 8037). */
export interface VerdictKeys {
  /** Reads all that are not expired. One that does not open under the master key signs nothing here, and is published. */
  load(): Promise<void>;
  /** All that others may find under a signature now, or will soon. Makes the first key if there is none. */
  published(): Promise<readonly PublishedKey[]>;
  /**
   * Signs a JWT (RFC 7515 §7.1) with the key of now.
   *
   * @param typ the header's `typ`
   * @throws DomainError `unavailable` if no key opens here
   */
  signJwt(typ: string, claims: Readonly<Record<string, unknown>>): Promise<string>;
  /** Replaces a key of age; destroys expired ones; seals anew the keys that an earlier master key sealed. */
  maintain(): Promise<void>;
}

/** Reads a second where no key is in memory: anybody may ask, and the first may have been made elsewhere a moment ago. */
const RELOADS = { perSecond: 1, burst: 5, maxKeys: 1 };

const base64url = (text: string | Uint8Array) => Buffer.from(text).toString("base64url");

/**
 * Makes the custody of the keys.
 *
 * A key is published long before it signs, so that whoever keeps the key set for hours has it by then; and afterwards until
 * nothing that it signed is good any more. Only the first one signs at once: a replica without any key looks for it.
 *
 * @param stalenessMilliseconds within which every replica has read each commit
 */
export function createVerdictKeys(options: {
  readonly store: Store;
  readonly sealing: Sealing;
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly stalenessMilliseconds: number;
  /** Told once of each key that does not open. */
  readonly onUnopened: (keyId: string, error: SealingError) => void;
}): VerdictKeys {
  const { store, clock } = options;
  const custody = createCustody<KeyPairTies>({
    ...options,
    purpose: VERDICT_KEY_PURPOSE,
    keysOf: ({ verdictKeys }) => verdictKeys,
    tiesOf: ({ id }) => [id],
    destroyed: "verdict_key.destroyed",
  });
  // Newest first.
  const ring = createKeyring<StoredKeyPair>({ ...options, unseal: custody.open });
  const renew = createKeyPairRenewal({
    ...options,
    custody,
    purpose: VERDICT_KEY_PURPOSE,
    keysOf: ({ verdictKeys }) => verdictKeys,
    publicHalf,
    age: VERDICT_KEY_AGE,
    opens: (id) => !ring.shut.has(id),
    takesOver: (now) =>
      ring.open.size === 0
        ? now
        : Math.max(now + VERDICT_KEY_LEAD, takesOverAt(now, options.stalenessMilliseconds)),
    expires: (takenOverAt) => takenOverAt + VERDICT_KEY_MARGIN,
    created: "verdict_key.created",
  });
  const reloads = createRateLimit({ clock, ...RELOADS });

  async function load(): Promise<void> {
    ring.replace(await store.verdictKeys.usable(await store.now()));
  }

  const isEmpty = () => ring.open.size + ring.shut.size === 0;

  async function requireSome(): Promise<void> {
    if (!isEmpty() || !reloads.take("")) return;
    await load();
    if (!isEmpty()) return;
    await renew();
    await load();
  }

  function current(): OpenKey<StoredKeyPair> {
    const key = inUse(ring.open.values(), clock.now());
    if (key !== undefined) return key;
    if (ring.shut.size > 0) throw doesNotOpen("the key of signed verdicts");
    throw new DomainError("unavailable", "no key of signed verdicts has been made yet");
  }

  return {
    load,

    async published() {
      await requireSome();
      return [...ring.open.values(), ...ring.shut.values()].map(({ id, publicKey }) => ({ id, publicKey }));
    },

    async signJwt(typ, claims) {
      await requireSome();
      const { id, key } = current();
      const header = { alg: "EdDSA", typ, kid: id };
      const signed = `${base64url(JSON.stringify(header))}.${base64url(JSON.stringify(claims))}`;
      const signature = sign(null, Buffer.from(signed, "ascii"), signingKey(key.reveal()));
      return `${signed}.${base64url(signature)}`;
    },

    async maintain() {
      await custody.maintain(async () => {
        // Where nobody has asked for one there is none, and none is needed.
        if (!isEmpty()) await renew();
        await load();
      });
    },
  };
}
