import { createCipheriv, createDecipheriv, createHash, hkdfSync } from "node:crypto";

import { DomainError } from "../parts/error.ts";
import type { Randomness } from "../ports/randomness.ts";
import { Secret } from "./secret.ts";

/*
 * Layout of a sealed value: version (1 byte), id of the master key (8 bytes), nonce (12 bytes),
 * ciphertext, tag (16 bytes). AES-256-GCM (NIST SP 800-38D); random nonces are safe for the 2^32
 * values that one key may seal.
 *
 * Version 1 is sealed under the master key itself, version 2 under a key that is derived from it for one purpose. What
 * strangers can have sealed without end has a key of its own, so that they use up nothing of the one that root keys rest
 * under. Root keys stay in version 1, which older replicas beside this one must read.
 */
const UNDER_MASTER_KEY = 1;
const UNDER_OWN_KEY = 2;

/** The purpose of the cookie that holds a login while it is under way: anybody may begin one. */
export const LOGIN_ATTEMPT = "login attempt";
/** The purpose of the cookie that tells the provider which session a logout ends. */
export const LOGOUT_HINT = "logout hint";
const WITH_OWN_KEY: ReadonlySet<string> = new Set([LOGIN_ATTEMPT, LOGOUT_HINT]);

const ID_END = 9;
const NONCE_END = 21;
const TAG = 16;

/** Seals values that rest in the database under the master key. */
export interface Sealing {
  /** The id of the current master key, 8 bytes, as sealed values name it. */
  readonly keyId: Uint8Array;
  /**
   * @param purpose the kind of value; a value sealed for one purpose does not open for another
   * @param associated the things that the value belongs to; it opens only for exactly the same
   */
  seal(plain: Uint8Array, purpose: string, ...associated: readonly string[]): Uint8Array;
  /** Throws a {@link SealingError} for a value that was not sealed so, or under a master key that is not there. */
  open(sealed: Uint8Array, purpose: string, ...associated: readonly string[]): Uint8Array;
  /**
   * Keys for one purpose, 32 bytes each, which are derived from the master keys and the same on every replica that has them:
   * that of the current one first, then that of the previous one.
   */
  keysFor(purpose: string): readonly [Secret, ...Secret[]];
  /** Whether the value is sealed under the current master key and not the previous one. */
  isCurrent(sealed: Uint8Array): boolean;
}

/** A sealed value that does not open. */
export class SealingError extends Error {
  override readonly name = "SealingError";
}

/**
 * Opens a value that is kept for a caller.
 *
 * @param what its name, for the caller
 * @throws DomainError `unavailable` if it does not open here: a replica that has the master key of then, or this
 *   one once it has, can answer still. To take it for absent would do the same thing twice
 */
export function openKept(
  sealing: Sealing,
  what: string,
  ...[sealed, purpose, ...associated]: Parameters<Sealing["open"]>
): Uint8Array {
  try {
    return sealing.open(sealed, purpose, ...associated);
  } catch (error) {
    if (!(error instanceof SealingError)) throw error;
    throw new DomainError("unavailable", `${what} cannot be read: ${error.message}`);
  }
}

function masterKeyId(key: Uint8Array): Buffer {
  return createHash("sha256").update("bakehouse master key id v1\0").update(key).digest().subarray(0, 8);
}

/** A key for one purpose (HKDF, RFC 5869). The master key is random: it needs no salt. */
function ownKey(master: Secret, purpose: string): Secret {
  const info = `bakehouse sealing v2\0${purpose}`;
  return new Secret(new Uint8Array(hkdfSync("sha256", master.reveal(), "", info, 32)));
}

/** A key that seals nothing. Its label sets it apart from those that do. */
function derived(master: Secret, purpose: string): Secret {
  const info = `bakehouse derived key v1\0${purpose}`;
  return new Secret(new Uint8Array(hkdfSync("sha256", master.reveal(), "", info, 32)));
}

// Every part is preceded by its length, so that no two lists of parts give the same bytes.
function associatedData(parts: readonly string[]): Buffer {
  return Buffer.concat(
    parts.flatMap((part) => {
      const bytes = Buffer.from(part, "utf8");
      const length = Buffer.alloc(4);
      length.writeUInt32BE(bytes.length);
      return [length, bytes];
    }),
  );
}

/** A master key, and the keys that are derived from it. */
function masterOf(key: Secret) {
  const ownKeys = new Map([...WITH_OWN_KEY].map((purpose) => [purpose, ownKey(key, purpose)]));
  return {
    id: masterKeyId(key.reveal()),
    keyFor: (version: number, purpose: string): Secret =>
      version === UNDER_MASTER_KEY ? key : (ownKeys.get(purpose) ?? ownKey(key, purpose)),
  };
}

/** @param previous the master key before this one; values that it sealed still open */
export function createSealing(options: {
  readonly masterKey: Secret;
  readonly previous: Secret | undefined;
  readonly randomness: Randomness;
}): Sealing {
  const current = masterOf(options.masterKey);
  const all = options.previous === undefined ? [current] : [current, masterOf(options.previous)];

  return {
    keyId: new Uint8Array(current.id),

    keysFor: (purpose) => [
      derived(options.masterKey, purpose),
      ...(options.previous === undefined ? [] : [derived(options.previous, purpose)]),
    ],

    seal(plain, purpose, ...associated) {
      const version = WITH_OWN_KEY.has(purpose) ? UNDER_OWN_KEY : UNDER_MASTER_KEY;
      const nonce = options.randomness.bytes(NONCE_END - ID_END);
      const key = current.keyFor(version, purpose);
      const cipher = createCipheriv("aes-256-gcm", key.reveal(), nonce);
      cipher.setAAD(associatedData([purpose, ...associated]));
      const body = Buffer.concat([cipher.update(plain), cipher.final()]);
      return new Uint8Array(
        Buffer.concat([Buffer.of(version), current.id, nonce, body, cipher.getAuthTag()]),
      );
    },

    open(sealed, purpose, ...associated) {
      const [version] = sealed;
      const isKnown = version === UNDER_MASTER_KEY || version === UNDER_OWN_KEY;
      if (sealed.length < NONCE_END + TAG || !isKnown) {
        throw new SealingError(`a sealed value of ${sealed.length} bytes is not in this version's layout`);
      }
      const master = all.find(({ id }) => id.equals(sealed.subarray(1, ID_END)));
      if (master === undefined) throw new SealingError("sealed under a master key that is not configured");
      const decipher = createDecipheriv(
        "aes-256-gcm",
        master.keyFor(version, purpose).reveal(),
        sealed.subarray(ID_END, NONCE_END),
        {
          authTagLength: TAG,
        },
      );
      decipher.setAAD(associatedData([purpose, ...associated]));
      decipher.setAuthTag(sealed.subarray(sealed.length - TAG));
      try {
        const body = sealed.subarray(NONCE_END, sealed.length - TAG);
        return new Uint8Array(Buffer.concat([decipher.update(body), decipher.final()]));
      } catch {
        throw new SealingError("a sealed value was altered, or belongs to something else");
      }
    },

    isCurrent: (sealed) => current.id.equals(sealed.subarray(1, ID_END)),
  };
}
