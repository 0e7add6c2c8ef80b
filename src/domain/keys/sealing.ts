import { createCipheriv, createDecipheriv, createHash } from "node:crypto";

import { DomainError } from "../parts/error.ts";
import type { Randomness } from "../ports/randomness.ts";
import type { Secret } from "./secret.ts";

/*
 * Layout of a sealed value: version 1 (1 byte), id of the master key (8 bytes), nonce (12 bytes),
 * ciphertext, tag (16 bytes). AES-256-GCM (NIST SP 800-38D); random nonces are safe for the 2^32
 * values that one master key may seal.
 */
const VERSION = 1;
const ID_END = 9;
const NONCE_END = 21;
const TAG = 16;

/** Seals what rests in the database under the master key. */
export interface Sealing {
  /**
   * @param purpose what kind of value it is; a value sealed for one purpose does not open for another
   * @param associated what the value belongs to; it opens only for exactly the same
   */
  seal(plain: Uint8Array, purpose: string, ...associated: readonly string[]): Uint8Array;
  /** Throws a {@link SealingError} for a value that was not sealed so, or under a master key that is not there. */
  open(sealed: Uint8Array, purpose: string, ...associated: readonly string[]): Uint8Array;
  /** Whether the value is sealed under the current master key and not the previous one. */
  isCurrent(sealed: Uint8Array): boolean;
}

/** A sealed value that does not open. */
export class SealingError extends Error {
  override readonly name = "SealingError";
}

/**
 * Opens what is kept for a caller.
 *
 * @param what what it is, for the caller
 * @throws DomainError `unavailable` where it does not open here: a replica that has the master key of then, or this
 *   one once it has, can answer still. To take it for absent would do a second time what was done
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

/** @param previous the master key before this one; what it sealed still opens */
export function createSealing(options: {
  readonly masterKey: Secret;
  readonly previous: Secret | undefined;
  readonly randomness: Randomness;
}): Sealing {
  const current = { id: masterKeyId(options.masterKey.reveal()), key: options.masterKey };
  const all = [current];
  if (options.previous !== undefined) {
    all.push({ id: masterKeyId(options.previous.reveal()), key: options.previous });
  }

  return {
    seal(plain, purpose, ...associated) {
      const nonce = options.randomness.bytes(NONCE_END - ID_END);
      const cipher = createCipheriv("aes-256-gcm", current.key.reveal(), nonce);
      cipher.setAAD(associatedData([purpose, ...associated]));
      const body = Buffer.concat([cipher.update(plain), cipher.final()]);
      return new Uint8Array(
        Buffer.concat([Buffer.of(VERSION), current.id, nonce, body, cipher.getAuthTag()]),
      );
    },

    open(sealed, purpose, ...associated) {
      if (sealed.length < NONCE_END + TAG || sealed[0] !== VERSION) {
        throw new SealingError(`a sealed value of ${sealed.length} bytes is not in this version's layout`);
      }
      const master = all.find(({ id }) => id.equals(sealed.subarray(1, ID_END)));
      if (master === undefined) throw new SealingError("sealed under a master key that is not configured");
      const decipher = createDecipheriv(
        "aes-256-gcm",
        master.key.reveal(),
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
