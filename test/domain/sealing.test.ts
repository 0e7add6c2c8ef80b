import { randomBytes } from "node:crypto";

import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { createSealing, SealingError } from "../../src/domain/keys/sealing.ts";
import { Secret } from "../../src/domain/keys/secret.ts";
import { systemRandomness } from "../../src/run/system.ts";

const KEY = new Secret(Uint8Array.from({ length: 32 }, (_, index) => index));
const OTHER = new Secret(new Uint8Array(randomBytes(32)));
const PLAIN = new TextEncoder().encode("a root key of thirty-two bytes!!");

function sealing(masterKey = KEY, previous?: Secret) {
  return createSealing({ masterKey, previous, randomness: systemRandomness });
}

const sealed = sealing().seal(PLAIN, "root key", "id", "default");

test("what strangers can have sealed rests under a key of its own, and root keys as older versions read them", () => {
  const attempt = sealing().seal(PLAIN, "login attempt");
  expect([sealed[0], attempt[0]]).toEqual([1, 2]);
  expect(sealing().open(attempt, "login attempt")).toEqual(PLAIN);
  expect(sealing(OTHER, KEY).open(attempt, "login attempt")).toEqual(PLAIN);
  expect(() => sealing().open(attempt, "root key")).toThrow(SealingError);
  // Neither layout passes for the other, for whatever key: the version decides which.
  for (const [value, version, purpose] of [
    [attempt, 1, "login attempt"],
    [sealed, 2, "root key"],
  ] as const) {
    const changed = value.slice();
    changed[0] = version;
    expect(() =>
      sealing().open(changed, purpose, ...(purpose === "root key" ? ["id", "default"] : [])),
    ).toThrow(SealingError);
  }
});

test("a login that an older version began opens", () => {
  // As version 0.1.0 sealed it, under KEY.
  const old = "AfdVLFzwlz-DBwcHBwcHBwcHBwcHbkrUMwB795-j5DPv5nGA88gu-Qqlg_Z23tknjmGtEzqkdoMp5gHyjmy-NupESiMj";
  expect(sealing().open(new Uint8Array(Buffer.from(old, "base64url")), "login attempt")).toEqual(PLAIN);
});

describe("what was sealed", () => {
  test("opens for the same purpose and the same things, and for nothing else", () => {
    expect(sealing().open(sealed, "root key", "id", "default")).toEqual(PLAIN);
    for (const [purpose, ...associated] of [
      ["idempotent answer", "id", "default"],
      ["root key", "di", "default"],
      ["root key", "id", "other"],
      ["root key", "id"],
      ["root key", "id", "default", ""],
      ["root key", "iddefault", ""],
      ["root key", "", "iddefault"],
      ["root keyid", "", "default"],
      ["", "root key", "id", "default"],
    ]) {
      expect(() => sealing().open(sealed, purpose ?? "", ...associated)).toThrow(SealingError);
    }
  });

  test("does not open with any one bit changed, or any length", () => {
    for (let at = 0; at < sealed.length; at++) {
      for (const bit of [1, 0x80]) {
        const changed = sealed.slice();
        changed[at] = (changed[at] ?? 0) ^ bit;
        expect(() => sealing().open(changed, "root key", "id", "default"), `byte ${at}`).toThrow(
          SealingError,
        );
      }
    }
    for (let length = 0; length < sealed.length; length++) {
      const cut = sealed.slice(0, length);
      expect(() => sealing().open(cut, "root key", "id", "default")).toThrow(SealingError);
    }
    const longer = Uint8Array.from([...sealed, 0]);
    expect(() => sealing().open(longer, "root key", "id", "default")).toThrow(SealingError);
  });

  test("does not open under another master key, and opens where that one is the previous", () => {
    expect(() => sealing(OTHER).open(sealed, "root key", "id", "default")).toThrow(
      "sealed under a master key that is not configured",
    );
    const both = sealing(OTHER, KEY);
    expect(both.open(sealed, "root key", "id", "default")).toEqual(PLAIN);
    expect(both.isCurrent(sealed)).toBe(false);
    const anew = both.seal(PLAIN, "root key", "id", "default");
    expect(both.isCurrent(anew)).toBe(true);
    expect(() => sealing().open(anew, "root key", "id", "default")).toThrow(SealingError);
  });

  test("holds nothing of what is in it, nor the master key, and is another each time", () => {
    const text = Buffer.from(sealed).toString("hex");
    expect(text).not.toContain(Buffer.from(PLAIN).toString("hex"));
    expect(text).not.toContain(Buffer.from(KEY.reveal()).toString("hex").slice(0, 16));
    const again = sealing().seal(PLAIN, "root key", "id", "default");
    expect(Buffer.from(again).equals(Buffer.from(sealed))).toBe(false);
  });

  test("an error says how long it was and not what was in it", () => {
    try {
      sealing().open(sealed, "root key", "other", "things");
      expect.unreachable();
    } catch (error) {
      if (!(error instanceof SealingError)) throw error;
      expect(error.message).toBe("a sealed value was altered, or belongs to something else");
      expect(error.cause).toBeUndefined();
    }
  });
});

test("seal and open are inverse, for all bytes and all texts", () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 300 }),
      fc.string(),
      fc.array(fc.string({ unit: "grapheme" }), { maxLength: 4 }),
      (plain, purpose, associated) => {
        const one = sealing();
        const box = one.seal(plain, purpose, ...associated);
        expect(one.open(box, purpose, ...associated)).toEqual(plain);
        expect(() => one.open(box, `${purpose}.`, ...associated)).toThrow(SealingError);
        expect(() => one.open(box, purpose, ...associated, "")).toThrow(SealingError);
      },
    ),
  );
});

test("a secret does not print", () => {
  const secret = new Secret(new TextEncoder().encode("hunter2hunter2"));
  const { inspect } = process.getBuiltinModule("node:util");
  const hex = Buffer.from("hunter2").toString("hex");
  for (const text of [
    `${secret}`,
    JSON.stringify({ secret }),
    inspect(secret),
    inspect([{ secret }]),
    String(secret),
  ]) {
    expect(text).not.toContain("hunter2");
    expect(text).not.toContain(hex);
    expect(text).toContain("[secret]");
  }
});
