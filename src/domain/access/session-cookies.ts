import { createHmac } from "node:crypto";

import { constantTimeEqual } from "../../macaroon/index.ts";
import type { Sealing } from "../keys/sealing.ts";
import type { Randomness } from "../ports/randomness.ts";

const COOKIE = /^[A-Za-z0-9_-]{43}$/;
/** The random part, and the part that shows that this service made it: 160 bits nobody guesses, 96 bits nobody forges. */
const RANDOM = 20;
const MARK = 12;

/** The values of session cookies. */
interface SessionCookies {
  make(): string;
  /** Whether a text has the form of one. */
  isOne(text: string): boolean;
  /**
   * Whether this service made it, on any replica. It may have been ended since; one that a version without marks made
   * has none.
   */
  isMarked(text: string): boolean;
}

/**
 * Makes cookies that are told from guesses without a look-up, so that strangers with made-up cookies use up nothing of the
 * look-ups of people with a session.
 */
export function createSessionCookies(options: {
  readonly sealing: Pick<Sealing, "keysFor">;
  readonly randomness: Randomness;
}): SessionCookies {
  const keys = options.sealing.keysFor("session cookies");

  function markOf(random: Uint8Array, key: Uint8Array): Uint8Array {
    return new Uint8Array(createHmac("sha256", key).update(random).digest().subarray(0, MARK));
  }

  return {
    make() {
      const random = options.randomness.bytes(RANDOM);
      return Buffer.concat([random, markOf(random, keys[0].reveal())]).toString("base64url");
    },
    isOne: (text) => COOKIE.test(text),
    isMarked(text) {
      if (!COOKIE.test(text)) return false;
      const bytes = new Uint8Array(Buffer.from(text, "base64url"));
      const mark = bytes.subarray(RANDOM);
      return keys.some((key) => constantTimeEqual(markOf(bytes.subarray(0, RANDOM), key.reveal()), mark));
    },
  };
}
