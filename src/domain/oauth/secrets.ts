import { createCipheriv, createDecipheriv, createHash, createHmac, hkdfSync } from "node:crypto";

import { constantTimeEqual } from "../../macaroon/index.ts";
import { REFRESH_TOKEN as REFRESH } from "../../words/ids.ts";
import type { Sealing } from "../keys/sealing.ts";
import type { Randomness } from "../ports/randomness.ts";

/** Bytes: of the random part, which nobody guesses, and of the part that shows that this service made it. */
const RANDOM = 32;
const MARK = 12;
const FAMILY = 16;
const NONCE = 12;
const TAG = 16;

/** A secret that is given out once and kept as a hash. */
export interface MadeSecret {
  readonly text: string;
  /** SHA-256, 32 bytes. */
  readonly hash: Uint8Array;
}

/** Codes and refresh tokens. */
export interface OAuthSecrets {
  code(): MadeSecret;
  /** The code by which a device asks for its answer. It has the form of a code, and is kept by a hash of its own kind. */
  device(): MadeSecret;
  /** @param family the id of its family, a UUID: a replaced token still names it */
  refresh(family: string): MadeSecret;
  /** A registered client's. */
  clientSecret(): MadeSecret;
  /**
   * Whether this service made a code or refresh token, on any replica: such a one is no guess.
   *
   * Under a master key that has gone it is not known any more, and is then looked up like a guess.
   */
  isMarked(text: string): boolean;
}

const CODE = /^[A-Za-z0-9_-]{59}$/;

/** Whether a text has the form of a code. */
export function isCode(text: string): boolean {
  return CODE.test(text);
}

/**
 * The family that a text names as a refresh token; a UUID.
 *
 * @returns undefined for a text of another form. A name gives no power: the token's hash decides
 */
export function familyOf(text: string): string | undefined {
  if (!REFRESH.test(text)) return undefined;
  const hex = Buffer.from(text, "base64url").subarray(0, FAMILY).toString("hex");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/** The hash under which a secret is kept, 32 bytes. All of them are random: none needs salt or work. */
export function hashOf(text: string): Uint8Array {
  return new Uint8Array(createHash("sha256").update("bakehouse oauth secret v1\0").update(text).digest());
}

/** The hash under which a device's code is kept, 32 bytes. As a code of the other grant it is worth nothing, and the other way round. */
export function deviceHashOf(text: string): Uint8Array {
  return new Uint8Array(createHash("sha256").update("bakehouse device code v1\0").update(text).digest());
}

/** Makes the codes and tokens of the authorization server. */
export function createOAuthSecrets(options: {
  readonly sealing: Pick<Sealing, "keysFor">;
  readonly randomness: Randomness;
}): OAuthSecrets {
  const { randomness } = options;
  const keys = options.sealing.keysFor("oauth secrets");

  function markOf(bytes: Uint8Array, key: Uint8Array): Uint8Array {
    return new Uint8Array(createHmac("sha256", key).update(bytes).digest().subarray(0, MARK));
  }

  function made(bytes: Uint8Array): MadeSecret {
    const text = Buffer.concat([bytes, markOf(bytes, keys[0].reveal())]).toString("base64url");
    return { text, hash: hashOf(text) };
  }

  return {
    code: () => made(randomness.bytes(RANDOM)),
    device() {
      const { text } = made(randomness.bytes(RANDOM));
      return { text, hash: deviceHashOf(text) };
    },
    refresh: (family) =>
      made(Buffer.concat([Buffer.from(family.replaceAll("-", ""), "hex"), randomness.bytes(RANDOM)])),
    clientSecret() {
      const text = Buffer.from(randomness.bytes(RANDOM)).toString("base64url");
      return { text, hash: hashOf(text) };
    },
    isMarked(text) {
      if (!CODE.test(text) && !REFRESH.test(text)) return false;
      const bytes = new Uint8Array(Buffer.from(text, "base64url"));
      if (Buffer.from(bytes).toString("base64url") !== text) return false;
      const body = bytes.subarray(0, -MARK);
      return keys.some((key) => constantTimeEqual(markOf(body, key.reveal()), bytes.subarray(-MARK)));
    },
  };
}

/** Whether a secret is the one that the kept hash was made from. */
export function isSecret(text: string, hash: Uint8Array): boolean {
  return constantTimeEqual(hashOf(text), hash);
}

function answerKey(token: string): Uint8Array {
  return new Uint8Array(hkdfSync("sha256", token, "", "bakehouse refresh answer v1", 32));
}

/**
 * Seals the answer that replaces a refresh token under a key that only that token yields. So the database holds nothing that it
 * could be read with.
 *
 * @param replaced the token that the answer was given for
 * @param family its family, to which the answer is bound
 */
export function sealAnswer(
  answer: string,
  replaced: string,
  family: string,
  randomness: Randomness,
): Uint8Array {
  const nonce = randomness.bytes(NONCE);
  const cipher = createCipheriv("aes-256-gcm", answerKey(replaced), nonce);
  cipher.setAAD(Buffer.from(family));
  const body = Buffer.concat([cipher.update(answer, "utf8"), cipher.final()]);
  return new Uint8Array(Buffer.concat([nonce, body, cipher.getAuthTag()]));
}

/** Opens an answer. @returns undefined if it was sealed for another token or family, or altered */
export function openAnswer(sealed: Uint8Array, replaced: string, family: string): string | undefined {
  if (sealed.length < NONCE + TAG) return undefined;
  const decipher = createDecipheriv("aes-256-gcm", answerKey(replaced), sealed.subarray(0, NONCE), {
    authTagLength: TAG,
  });
  decipher.setAAD(Buffer.from(family));
  decipher.setAuthTag(sealed.subarray(sealed.length - TAG));
  try {
    const body = [decipher.update(sealed.subarray(NONCE, sealed.length - TAG)), decipher.final()];
    return Buffer.concat(body).toString("utf8");
  } catch {
    return undefined;
  }
}
