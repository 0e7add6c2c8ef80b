import fc from "fast-check";
import { expect, test } from "vitest";

import { encodeV2 } from "../../src/macaroon/codec/v2.ts";
import {
  attenuate,
  decodeBinary,
  decodeBundle,
  encode,
  encodeBase64Url,
  encodeBundle,
  type UnverifiedMacaroon,
} from "../../src/macaroon/index.ts";
import { anyMacaroon, anyTextMacaroon } from "./arbitrary.ts";
import { decoded, hex, KEY, verified, verifyWithEach as verify } from "./support.ts";

const verifies = (root: UnverifiedMacaroon): boolean => verify({ root, rootKey: KEY }).ok;

/** A text that a decoder may take for something: valid tokens cut, spliced and changed, and noise. */
const nearToken = fc
  .tuple(
    anyMacaroon,
    fc.constantFrom("v1", "v2", "v2-json", "bundle" as const),
    fc.nat(),
    fc.nat(),
    fc.string({ unit: "binary", maxLength: 6 }),
  )
  .map(([macaroon, format, from, length, noise]) => {
    const token = format === "bundle" ? encodeBundle([macaroon, macaroon]) : encode(macaroon, format);
    const start = from % (token.length + 1);
    return token.slice(0, start) + noise + token.slice(start + (length % 8));
  });

test("decoding never throws, and whatever it reads it writes back", () => {
  const source = fc.oneof(nearToken, fc.string({ unit: "binary", maxLength: 60 }), fc.json());
  fc.assert(
    fc.property(source, (text) => {
      const result = decodeBundle(text);
      if (!result.ok) {
        expect(["malformed", "too_large"]).toContain(result.code);
        return;
      }
      for (const macaroon of result.macaroons)
        expect(decoded(encode(macaroon, result.format))).toEqual([macaroon]);
      if (result.format === "v1" || result.format === "v2") {
        const bytes = result.macaroons.map((macaroon) =>
          Buffer.from(encode(macaroon, result.format), "base64url"),
        );
        expect(Buffer.concat(bytes).toString("base64url")).toBe(
          text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", ""),
        );
      }
    }),
    { numRuns: 3_000 },
  );
});

test("decoding changed binaries never throws, and one binary has one meaning", () => {
  fc.assert(
    fc.property(anyMacaroon, fc.nat(), fc.nat(255), (macaroon, at, byte) => {
      const bytes = encodeV2(macaroon);
      bytes[at % bytes.length] = byte;
      const result = decodeBinary(bytes);
      if (result.ok && result.format === "v2") {
        expect(Buffer.concat(result.macaroons.map(encodeV2)).equals(bytes)).toBe(true);
      }
    }),
    { numRuns: 2_000 },
  );
});

test("a detail never repeats what the sender wrote", () => {
  fc.assert(
    fc.property(fc.constantFrom("v1", "v2", "v2-json" as const), fc.nat(), (format, cut) => {
      const canary = "CANARYcanaryCANARY";
      const token = encode(attenuate(decoded(encode(BARE))[0], [canary]), format);
      const result = decodeBundle(token.slice(0, cut % token.length));
      const member = decodeBundle(`{"${canary}":{"${canary}":"${canary}"}}`);
      for (const { detail } of [result, member].filter((one) => !one.ok))
        expect(detail).not.toMatch(/canary/i);
    }),
  );
});

test("encoding and decoding are inverse, in every format", () => {
  fc.assert(
    fc.property(anyMacaroon, (macaroon) => {
      for (const format of ["v2", "v2-json"] as const)
        expect(decoded(encode(macaroon, format))).toEqual([macaroon]);
      const v1 = { location: "", ...macaroon };
      expect(decoded(encode(macaroon, "v1"))).toEqual([v1]);
      expect(decoded(encodeBundle([macaroon, macaroon]))).toEqual([macaroon, macaroon]);
    }),
  );
});

test("every format carries the same macaroon", () => {
  fc.assert(
    fc.property(
      anyTextMacaroon,
      fc.constantFrom("plain", "libmacaroons", "go" as const),
      (macaroon, spelling) => {
        for (const format of ["v1", "v2", "v1-json", "v2-json"] as const) {
          const [read] = decoded(encode(macaroon, format, spelling));
          expect({ location: "", ...read }).toEqual(macaroon);
          expect(verifies(read)).toBe(true);
        }
      },
    ),
  );
});

test("a minted and attenuated macaroon verifies, and its links are those of its parent and one more", () => {
  fc.assert(
    fc.property(anyMacaroon, fc.string({ maxLength: 20 }), (parent, predicate) => {
      const child = attenuate(parent, [predicate]);
      const [mine, theirs] = [child, parent].map(
        (root) => verified(verify({ root, rootKey: KEY })).revocationIds,
      );
      expect(mine?.slice(0, -1)).toEqual(theirs);
      expect(mine).toHaveLength(child.unverifiedCaveats.length + 1);
    }),
  );
});

test("a flipped bit anywhere but in a location never verifies", () => {
  fc.assert(
    fc.property(anyMacaroon, (macaroon) => {
      const bytes = encodeV2(macaroon);
      for (let bit = 0; bit < bytes.length * 8; bit++) {
        const changed = Uint8Array.from(bytes, (byte, at) =>
          at === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte,
        );
        const result = decodeBinary(changed);
        if (!result.ok || result.macaroons.length > 1 || !verifies(result.macaroons[0])) continue;
        // Locations are hints that nobody signs; the rest must be what it was.
        expect(withoutLocations(result.macaroons[0])).toEqual(withoutLocations(macaroon));
      }
    }),
    { numRuns: 8 },
  );
});

test("dropping, doubling, swapping, adding or cutting caveats never verifies", () => {
  fc.assert(
    fc.property(
      anyMacaroon,
      fc.nat(),
      fc.nat(),
      fc.uint8Array({ maxLength: 8 }),
      (macaroon, one, other, id) => {
        const caveats = macaroon.unverifiedCaveats;
        fc.pre(caveats.length > 0);
        const i = one % caveats.length;
        const j = other % caveats.length;
        const changes = [
          caveats.filter((_, index) => index !== i),
          caveats.slice(0, i),
          caveats.toSpliced(i, 0, ...caveats.slice(i, i + 1)),
          caveats.toSpliced(i, 0, { id }),
          caveats.with(i, caveats[j] ?? { id }).with(j, caveats[i] ?? { id }),
          caveats.with(i, { id }),
        ];
        for (const unverifiedCaveats of changes) {
          const forged = { ...macaroon, unverifiedCaveats };
          if (hex(encodeV2({ ...forged, location: "" })) === hex(encodeV2({ ...macaroon, location: "" })))
            continue;
          const same =
            JSON.stringify(withoutLocations(forged)) === JSON.stringify(withoutLocations(macaroon));
          expect(verifies(forged)).toBe(same);
        }
      },
    ),
  );
});

test("no other key verifies", () => {
  fc.assert(
    fc.property(anyMacaroon, fc.uint8Array({ minLength: 1, maxLength: 64 }), (root, rootKey) => {
      fc.pre(!Buffer.from(rootKey).equals(Buffer.from(KEY)));
      expect(verify({ root, rootKey })).toEqual({ ok: false, code: "bad_signature" });
    }),
  );
});

const BARE: UnverifiedMacaroon = {
  identifier: Uint8Array.of(1),
  unverifiedCaveats: [],
  signature: new Uint8Array(32),
};

function withoutLocations({ identifier, unverifiedCaveats, signature }: UnverifiedMacaroon): unknown {
  const caveats = unverifiedCaveats.map(({ id, verificationId }) => [
    hex(id),
    verificationId && hex(verificationId),
  ]);
  return [hex(identifier), caveats, encodeBase64Url(signature)];
}
