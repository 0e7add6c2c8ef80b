import { randomBytes } from "node:crypto";

import fc from "fast-check";
import { describe, expect, test } from "vitest";

import {
  addSealedCondition,
  bind,
  boxPublicKey,
  MacaroonError,
  mint,
  openTicket,
  type SealTicketOptions,
  sealCondition,
  sealTicket,
  verify,
} from "../../src/macaroon/index.ts";
import { sealBox } from "../../src/macaroon/tickets/box.ts";
import { isX25519PublicKey } from "../../src/macaroon/tickets/x25519.ts";
import { utf8 } from "./support.ts";

const ours = new Uint8Array(32).fill(7);
const theirs = new Uint8Array(32).fill(9);
const options: SealTicketOptions = {
  version: 3,
  thirdPartyPublicKey: boxPublicKey(ours),
  firstPartyPrivateKey: theirs,
  nonce: new Uint8Array(24).fill(1),
  caveatKey: new Uint8Array(24).fill(2),
  condition: "is-principal",
};

/** A version 3 or 2 ticket around whatever plain text. */
function around(plain: Uint8Array, version = 3, publicKey = boxPublicKey(theirs)): Uint8Array {
  const box = sealBox(plain, options.nonce, boxPublicKey(ours), theirs) ?? new Uint8Array();
  return Uint8Array.from([
    version,
    ...boxPublicKey(ours).subarray(0, 4),
    ...publicKey,
    ...options.nonce,
    ...box,
  ]);
}

test.each([2, 3] as const)("version %d: what was sealed opens", (version) => {
  fc.assert(
    fc.property(
      fc.string({ unit: "grapheme", maxLength: 200 }),
      fc.uint8Array({ minLength: 1, maxLength: 200 }),
      fc.string({ maxLength: 40 }),
      (condition, caveatKey, namespace) => {
        const sealed = sealTicket({ ...options, version, condition, caveatKey, namespace });
        expect(openTicket(sealed, ours)).toEqual({
          ok: true,
          ticket: {
            version,
            condition,
            caveatKey,
            firstPartyPublicKey: boxPublicKey(theirs),
            ...(version === 3 && { namespace }),
          },
        });
      },
    ),
    { numRuns: 25 },
  );
});

test("version 3 has the standard prefixes, unless others are given", () => {
  expect(openTicket(sealTicket(options), ours)).toMatchObject({ ok: true, ticket: { namespace: "std:" } });
});

test("a ticket is as long as a caveat may be", () => {
  // The version, the length of the key, the key, and what stands around them.
  const most = 4_096 - 1 - 1 - 24 - (1 + 4 + 32 + 24 + 16);
  const longest = sealTicket({ ...options, version: 2, condition: "c".repeat(most) });
  expect(longest).toHaveLength(4_096);
  expect(openTicket(longest, ours)).toMatchObject({ ok: true });
  expect(() => sealTicket({ ...options, version: 2, condition: "c".repeat(most + 1) })).toThrow(
    "ticket too large for a caveat",
  );
});

test("only what X25519 makes of a private key is a public key", () => {
  expect(isX25519PublicKey(boxPublicKey(ours))).toBe(true);
  for (const lowOrder of [0, 1])
    expect(isX25519PublicKey(new Uint8Array(32).fill(lowOrder, 0, 1))).toBe(false);
});

describe("a sealed condition", () => {
  const root = mint({ rootKey: utf8("k"), identifier: "i" });
  const random = (length: number) => new Uint8Array(randomBytes(length));

  test("opens for the third party, whose discharge then proves the caveat", () => {
    const sealed = sealCondition({ condition: "is-principal", publicKey: boxPublicKey(ours) }, random);
    if (sealed === undefined) throw new Error("nothing was sealed");
    // The length that macaroon-bakery's own clients write.
    expect(sealed.caveatKey).toHaveLength(24);
    const opening = openTicket(sealed.ticket, ours);
    if (!opening.ok) throw new Error(opening.detail);
    expect(opening.ticket).toMatchObject({ condition: "is-principal", caveatKey: sealed.caveatKey });

    const narrowed = addSealedCondition(root, "https://third.example", sealed, random);
    expect(narrowed.unverifiedCaveats.map(({ location }) => location)).toEqual(["https://third.example"]);
    const discharge = mint({ rootKey: opening.ticket.caveatKey, identifier: sealed.ticket });
    const verified = verify({ root: narrowed, discharges: [bind(narrowed, discharge)], rootKey: utf8("k") });
    expect(verified.ok && verified.macaroon.discharges.map(({ state }) => state)).toEqual(["good"]);
    expect(verified.ok && verified.macaroon.undischarged).toEqual([]);
  });

  test("has keys and nonces of its own, unless the writer's key is given", () => {
    const publicKey = boxPublicKey(ours);
    const seal = (privateKey?: Uint8Array) => {
      const parts = { condition: "c", publicKey, ...(privateKey && { privateKey }) };
      const sealed = sealCondition(parts, random);
      const opening = sealed && openTicket(sealed.ticket, ours);
      if (!opening?.ok) throw new Error("the ticket does not open");
      return [opening.ticket.caveatKey, opening.ticket.firstPartyPublicKey].map((bytes) => bytes.join());
    };
    expect(new Set([...seal(), ...seal()]).size).toBe(4);
    expect(seal(theirs)[1]).toBe(boxPublicKey(theirs).join());
  });

  test("is not made for a key of low order, with which everybody knows the secret", () => {
    const publicKey = new Uint8Array(32);
    expect(sealCondition({ condition: "c", publicKey }, random)).toBeUndefined();
    expect(() => sealTicket({ ...options, thirdPartyPublicKey: publicKey })).toThrow(
      expect.objectContaining({ name: "MacaroonError", code: "invalid_argument" }),
    );
  });

  test("is refused for a key of another length, and for a condition that does not fit", () => {
    for (const [condition, publicKey] of [
      ["c", new Uint8Array(31)],
      ["c".repeat(4_096), boxPublicKey(ours)],
    ] as const) {
      expect(() => sealCondition({ condition, publicKey }, random)).toThrow(MacaroonError);
    }
  });
});

describe("refused", () => {
  const sealed = sealTicket(options);

  test.each<[string, Uint8Array, string]>([
    ["nothing", new Uint8Array(), "malformed"],
    ["an unknown version", Uint8Array.of(4, ...sealed.subarray(1)), "malformed"],
    ["the short id of bakery version 3", Uint8Array.of(3, 0), "payload_missing"],
    ["a payload that is cut before its box", sealed.subarray(0, 77), "payload_missing"],
    ["a version 2 payload that is cut", Uint8Array.of(2, ...sealed.subarray(1, 40)), "malformed"],
    [
      "made for another key",
      sealTicket({ ...options, thirdPartyPublicKey: boxPublicKey(theirs) }),
      "wrong_key",
    ],
    ["version 3 renamed to 2", Uint8Array.of(2, ...sealed.subarray(1)), "malformed"],
    ["another version inside", around(Uint8Array.of(2, 1, 1, 0, 97)), "malformed"],
    ["an empty key", around(Uint8Array.of(3, 0, 0, 97)), "malformed"],
    ["a key past the end", around(Uint8Array.of(3, 9, 1)), "malformed"],
    ["a key length with needless bytes", around(Uint8Array.of(3, 0x81, 0, 1, 0, 97)), "malformed"],
    ["a condition that is not UTF-8", around(Uint8Array.of(3, 1, 1, 0, 0xff)), "malformed"],
    ["a namespace that is not UTF-8", around(Uint8Array.of(3, 1, 1, 1, 0xff, 97)), "malformed"],
    ["an empty box", around(new Uint8Array()), "payload_missing"],
    ["a box of one byte", around(Uint8Array.of(3)), "malformed"],
    ["an empty box of version 2", around(new Uint8Array(), 2), "malformed"],
    [
      "a public key of low order",
      around(Uint8Array.of(3, 1, 1, 0, 97), 3, new Uint8Array(32)),
      "cannot_open",
    ],
    ["4097 bytes", new Uint8Array(4097).fill(3), "too_large"],
    ["version 1 that is not base64", utf8("e!"), "malformed"],
    ["version 1 that is not JSON", utf8("eyJ"), "malformed"],
    ["version 1 without members", utf8(Buffer.from('{"a":1}  ').toString("base64")), "malformed"],
    [
      "version 1 with a doubled member",
      utf8(Buffer.from('{"Id":"","Id":""}').toString("base64")),
      "malformed",
    ],
  ])("%s", (_name, ticket, code) => {
    expect(openTicket(ticket, ours)).toMatchObject({ ok: false, code });
  });

  test("any changed byte", () => {
    for (let index = 0; index < sealed.length; index++) {
      const changed = Uint8Array.from(sealed, (byte, at) => (at === index ? byte ^ 1 : byte));
      expect(openTicket(changed, ours).ok).toBe(false);
    }
  });

  test("any bytes at all, without a throw", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.constantFrom(2, 3, 0x65), (bytes, first) => {
        expect(openTicket(Uint8Array.of(first, ...bytes), ours).ok).toBe(false);
      }),
    );
  });
});

describe("a ticket has one spelling", () => {
  const P = 2n ** 255n - 19n;
  const key = boxPublicKey(theirs);
  const sealed = sealTicket(options);
  /** The same box, with another key of the writer's before it. */
  const respelled = (first: Uint8Array) =>
    Uint8Array.from([...sealed.subarray(0, 5), ...first, ...sealed.subarray(37)]);
  const number = (bytes: Uint8Array) => bytes.reduceRight((sum, byte) => sum * 256n + BigInt(byte), 0n);
  const bytes = (n: bigint) =>
    Uint8Array.from({ length: 32 }, (_, at) => Number((n >> BigInt(8 * at)) & 255n));
  const power = (base: bigint, exponent: bigint): bigint =>
    exponent === 0n ? 1n : (power((base * base) % P, exponent / 2n) * (exponent % 2n === 1n ? base : 1n)) % P;
  // The point of order 2 added: RFC 7748's scalars are multiples of eight, so the shared secret is the same.
  const inverse = bytes(power(number(key), P - 2n));

  test.each<[string, Uint8Array]>([
    ["the bit that X25519 passes over", Uint8Array.from(key, (byte, at) => (at === 31 ? byte ^ 0x80 : byte))],
    ["a point of low order added", inverse],
    [
      "a point of low order added, and that bit",
      Uint8Array.from(inverse, (byte, at) => (at === 31 ? byte ^ 0x80 : byte)),
    ],
  ])("other bytes for the writer's key are refused: %s", (_name, first) => {
    expect(openTicket(sealed, ours)).toMatchObject({ ok: true });
    expect(openTicket(respelled(first), ours)).toMatchObject({ ok: false, code: "malformed" });
  });

  test("in version 1, too", () => {
    const first = (bytes: Uint8Array) => versionOne({ FirstPartyPublicKey: b64(bytes) });
    expect(openTicket(first(key), ours)).toMatchObject({ ok: true, ticket: { version: 1 } });
    expect(openTicket(first(inverse), ours)).toMatchObject({ ok: false, code: "malformed" });
  });
});

const b64 = (value: Uint8Array) => Buffer.from(value).toString("base64");

/** A version 1 ticket, with some members of its outside, or of what is in its box, changed. */
function versionOne(outside: object, inside: object = {}): Uint8Array {
  const plain = Array.isArray(inside)
    ? inside
    : { RootKey: b64(options.caveatKey), Condition: "c", ...inside };
  const box = sealBox(utf8(JSON.stringify(plain)), options.nonce, boxPublicKey(ours), theirs);
  const members = {
    ThirdPartyPublicKey: b64(boxPublicKey(ours)),
    FirstPartyPublicKey: b64(boxPublicKey(theirs)),
    Nonce: b64(options.nonce),
    Id: b64(box ?? new Uint8Array()),
    ...outside,
  };
  return utf8(b64(utf8(JSON.stringify(members))));
}

describe("a ticket of version 1", () => {
  const SIZE = "ticket with a key or nonce of the wrong length";
  const MEMBERS = "ticket with unknown or missing members";
  const short = b64(new Uint8Array(31));

  test("opens", () => {
    expect(openTicket(versionOne({}), ours)).toEqual({
      ok: true,
      ticket: {
        version: 1,
        condition: "c",
        caveatKey: options.caveatKey,
        firstPartyPublicKey: boxPublicKey(theirs),
      },
    });
  });

  test.each<[string, object, object, string]>([
    ["a short third party's key", { ThirdPartyPublicKey: short }, {}, SIZE],
    ["a short first party's key", { FirstPartyPublicKey: short }, {}, SIZE],
    ["a short nonce", { Nonce: b64(new Uint8Array(23)) }, {}, SIZE],
    ["a long nonce", { Nonce: b64(new Uint8Array(25)) }, {}, SIZE],
    ["a member more", { More: "" }, {}, MEMBERS],
    ["a member less", { Id: undefined }, {}, MEMBERS],
    ["another member", { Id: undefined, More: "" }, {}, "ticket member is not a string"],
    ["a number", { Id: 1 }, {}, "ticket member is not a string"],
    ["an object", { Id: {} }, {}, "ticket json: too_deep"],
    ["a member more in the box", {}, { More: "" }, MEMBERS],
    ["a condition that is none", {}, { Condition: null }, "ticket member is not a string"],
    ["an array in the box", {}, [], "ticket is not a json object"],
    ["an empty key", {}, { RootKey: "" }, "ticket with an empty key"],
    ["a key that is not base64", {}, { RootKey: "AB" }, "base64 with spare bits"],
  ])("with %s is malformed", (_name, outside, inside, detail) => {
    expect(openTicket(versionOne(outside, inside), ours)).toEqual({ ok: false, code: "malformed", detail });
  });

  test("is UTF-8", () => {
    const detail = "ticket json: syntax";
    expect(openTicket(Uint8Array.of(0x65, 0xff), ours)).toEqual({ ok: false, code: "malformed", detail });
  });
});

test("a ticket's bytes are copied, those of a Buffer too", () => {
  const ticket = Buffer.from(sealTicket(options));
  const opening = openTicket(ticket, ours);
  ticket.fill(0);
  expect(opening).toMatchObject({ ok: true, ticket: { firstPartyPublicKey: boxPublicKey(theirs) } });
});

describe("arguments", () => {
  test.each<[string, Partial<SealTicketOptions>, string]>([
    [
      "a short public key",
      { thirdPartyPublicKey: new Uint8Array(31) },
      `"thirdPartyPublicKey" expected 32 bytes, got 31`,
    ],
    [
      "a long private key",
      { firstPartyPrivateKey: new Uint8Array(33) },
      `"firstPartyPrivateKey" expected 32 bytes, got 33`,
    ],
    ["a short nonce", { nonce: new Uint8Array(8) }, `"nonce" expected 24 bytes, got 8`],
    ["an empty key", { caveatKey: new Uint8Array() }, `"caveatKey" is empty`],
    ["a condition too long for a caveat", { condition: "x".repeat(4096) }, "ticket too large for a caveat"],
    ["a condition with a lone surrogate", { condition: "\ud800" }, "lone surrogate"],
  ])("%s", (_name, change, message) => expect(() => sealTicket({ ...options, ...change })).toThrow(message));

  test("a private key has 32 bytes", () => {
    expect(() => openTicket(sealTicket(options), new Uint8Array(31))).toThrow(
      `"privateKey" expected 32 bytes, got 31`,
    );
  });
});
