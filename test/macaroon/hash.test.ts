import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { nameOf } from "../../src/macaroon/hash/revocation-id.ts";
import { hmac2, signingKey } from "../../src/macaroon/key.ts";
import { CHAINS, fromHex, hex, KEYED_HASHES, NOBLE, utf8 } from "./support.ts";

describe.each(KEYED_HASHES)("the %s keyed hash", (_name, { hmac, sha256 }) => {
  test.each([
    ["", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"],
    ["abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"],
    [
      "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
    ],
  ])("SHA-256 of %j (FIPS 180-4's examples)", (message, digest) => {
    expect(hex(sha256(utf8(message)))).toBe(digest);
  });

  test.each([
    [
      "0b".repeat(20),
      hex(utf8("Hi There")),
      "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
    ],
    [
      hex(utf8("Jefe")),
      hex(utf8("what do ya want for nothing?")),
      "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
    ],
    ["aa".repeat(20), "dd".repeat(50), "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"],
    [
      "0102030405060708090a0b0c0d0e0f10111213141516171819",
      "cd".repeat(50),
      "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b",
    ],
    [
      "aa".repeat(131),
      hex(utf8("Test Using Larger Than Block-Size Key - Hash Key First")),
      "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
    ],
    [
      "aa".repeat(131),
      hex(
        utf8(
          "This is a test using a larger than block-size key and a larger than block-size data. The key needs to be hashed before being used by the HMAC algorithm.",
        ),
      ),
      "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2",
    ],
  ])("HMAC-SHA256 under %s (RFC 4231's examples)", (key, message, tag) => {
    expect(hex(hmac(fromHex(key), fromHex(message)))).toBe(tag);
  });

  test("is noble's, whatever the lengths, and whatever was hashed before", () => {
    const bytes = (most: number) =>
      fc.oneof(
        fc.uint8Array({ maxLength: 130 }),
        fc.uint8Array({ minLength: most - 2, maxLength: most + 2 }),
      );
    fc.assert(
      fc.property(bytes(64), bytes(4096), (key, message) => {
        expect(hex(hmac(key, message))).toBe(hex(NOBLE.hmac(key, message)));
        expect(hex(sha256(message))).toBe(hex(NOBLE.sha256(message)));
      }),
      { numRuns: 300 },
    );
  });

  test("gives bytes of its own: the next call does not change them, and what goes in is not changed", () => {
    const [key, message] = [utf8("key"), utf8("message")];
    const first = hmac(key, message);
    const digest = sha256(message);
    const [tag, sum] = [hex(first), hex(digest)];
    hmac(utf8("another key"), first);
    sha256(first);
    expect([hex(first), hex(digest), hex(key), hex(message)]).toEqual([
      tag,
      sum,
      hex(utf8("key")),
      hex(utf8("message")),
    ]);
    expect([first.constructor, digest.constructor]).toEqual([Uint8Array, Uint8Array]);
    expect(first.buffer.byteLength).toBe(32);
  });
});

describe.each(CHAINS)("the %s chain hash", (_name, chain) => {
  const message = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc
      .constantFrom(0, 54, 55, 56, 63, 64, 65, 119, 120, 4_095, 4_096, 4_097)
      .map((length) => new Uint8Array(length).fill(0xa5)),
  );
  const key = fc.oneof(
    fc.uint8Array({ minLength: 32, maxLength: 32 }),
    // Without a size, a run of this length is hardly ever drawn: so the wrong hash of a long key went unseen.
    fc.uint8Array({ minLength: 1, maxLength: 64, size: "max" }),
  );

  test("walks a chain as noble's HMAC does and names its links, whatever was walked before", () => {
    fc.assert(
      fc.property(key, fc.array(message, { maxLength: 6 }), (first, messages) => {
        chain.begin(first);
        let tail = first;
        const tails: Uint8Array[] = [];
        for (const next of messages) {
          const stepped = chain.step(next);
          tails.push(stepped);
          tail = NOBLE.hmac(tail, next);
          expect(hex(stepped)).toBe(hex(tail));
          expect(hex(chain.name(stepped))).toBe(hex(nameOf(tail, NOBLE.sha256)));
        }
        // What was given out is nobody's scratch.
        chain.begin(utf8("another"));
        chain.step(utf8("chain"));
        if (tails.length > 0) expect(hex(tails.at(-1) ?? utf8(""))).toBe(hex(tail));
        expect(new Set(tails.map(({ buffer }) => buffer)).size).toBe(tails.length);
      }),
      { numRuns: 100 },
    );
  });

  test.each([65, 200])("begins with no key of %i bytes", (length) => {
    expect(() => chain.begin(new Uint8Array(length))).toThrow("expected at most 64 bytes");
  });

  test("is as good for a third-party caveat, which takes three HMACs under one tail", () => {
    const hmac = (under: Uint8Array, of: Uint8Array): Uint8Array => {
      chain.begin(under);
      return chain.step(of);
    };
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), message, message, (tail, a, b) => {
        expect(hex(hmac2(tail, a, b, hmac))).toBe(hex(hmac2(tail, a, b, NOBLE.hmac)));
      }),
      { numRuns: 50 },
    );
  });
});

test("an empty root key, which everybody knows, signs nothing", () => {
  expect(() => signingKey(new Uint8Array())).toThrow(/"rootKey" is empty/);
});
