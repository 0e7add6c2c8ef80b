import { describe, expect, test } from "vitest";
import { boundSignature } from "../../src/macaroon/bind.ts";
import {
  addThirdPartyCaveat,
  attenuate,
  boxPublicKey,
  decodeBundle,
  defaultHmac,
  encode,
  encodeUvarint,
  type Format,
  mint,
  openTicket,
  sealTicket,
  type UnverifiedMacaroon,
} from "../../src/macaroon/index.ts";
import { decodeBase64 } from "../../src/macaroon/parts/base64.ts";
import { readUvarint } from "../../src/macaroon/parts/uvarint.ts";
import { buildMacaroonVectors } from "../vectors/build.ts";
import {
  type Base64Vector,
  type BindVector,
  type EquivalentVector,
  type ExpectedMacaroon,
  foreignVectors,
  type MintVector,
  type ParseVector,
  type TicketVector,
  type VarintVector,
  type VerifyVector,
} from "./foreign-vectors.ts";
import { decoded, fromHex, fromUtf8, hex, verifyWithEach as verify } from "./support.ts";

/**
 * Where implementations disagree, and which rule of ours decides. A vector with a divergence that no rule
 * here names fails: it must be looked at, not passed by chance.
 */
const DECISIONS: readonly { readonly rule: string; readonly names: RegExp }[] = [
  {
    rule: "a signature is exactly 32 bytes",
    names: /^json-v2-short-signature$|^json signature too (short|long)$/,
  },
  { rule: "a field stands in one representation only", names: /^json ambiguous / },
  {
    rule: "version 2 JSON says 2, or nothing: what claims another version is not read as this one",
    names: /^json version /,
  },
  {
    rule: "each discharge satisfies exactly one caveat",
    names: /^(two discharges for one caveat|one discharge used for two caveats|unused discharge) /,
  },
  { rule: "a packet is at least as long as its own length", names: /^bad v1 fuzz zeros$/ },
];

const FORMATS: Readonly<Record<VerifyVector["format"], Format>> = {
  v1: "v1",
  v2: "v2",
  v1j: "v1-json",
  v2j: "v2-json",
};

const foreign = foreignVectors();

function ofKind<T>(kind: string): readonly T[] {
  return (foreign ?? []).filter((vector) => vector.kind === kind) as unknown as readonly T[];
}

/** Checks that a text is read, and written back as the same bytes, or for JSON as the same value. */
function readAndWriteBack(token: string, format: Format): UnverifiedMacaroon {
  const [macaroon] = decoded(token);
  const written = encode(macaroon, format);
  if (format === "v1" || format === "v2") expect(hex(decodeBase64(written))).toBe(hex(decodeBase64(token)));
  expect(decodeBundle(written)).toEqual({ ok: true, format, macaroons: [macaroon] });
  return macaroon;
}

function expectMacaroon(macaroon: UnverifiedMacaroon, expected: ExpectedMacaroon): void {
  expect(macaroon.location).toBe(expected.location);
  expect(hex(macaroon.identifier)).toBe(expected.id);
  expect(
    macaroon.unverifiedCaveats.map(({ id, verificationId, location }) => ({
      cid: hex(id),
      vid: verificationId === undefined ? null : hex(verificationId),
      ...(location !== undefined && { loc: location }),
    })),
  ).toEqual(expected.caveats);
}

/** The verdict of a service that takes the named predicates as true and wants every discharge bound. */
function verdict(
  vector: Pick<VerifyVector, "token" | "discharges" | "key" | "predicates">,
): "valid" | "invalid" {
  const [root] = decoded(vector.token);
  const discharges = vector.discharges.map((token) => decoded(token)[0]);
  const result = verify({ root, discharges, rootKey: fromHex(vector.key) });
  if (!result.ok) return "invalid";
  for (const discharge of result.macaroon.discharges) {
    if (discharge.state === "invalid" || discharge.binding === "unbound") return "invalid";
  }
  const caveats = [result.macaroon, ...result.macaroon.discharges].flatMap((chain) =>
    "caveats" in chain ? chain.caveats : [],
  );
  const predicates = caveats.filter(({ kind }) => kind === "first").map(({ id }) => fromUtf8(id));
  if (result.macaroon.undischarged.length > 0) return "invalid";
  return predicates.every((predicate) => vector.predicates.includes(predicate)) ? "valid" : "invalid";
}

if (foreign === undefined) {
  test("the vectors of other implementations are not beside this checkout: only our own are run", () => {
    for (const { bundle } of buildMacaroonVectors()) expect(decodeBundle(bundle)).toMatchObject({ ok: true });
  });
} else {
  test("176 vectors of other implementations are run, of eight kinds", () => {
    expect(foreign).toHaveLength(176);
    expect([...new Set(foreign.map(({ kind }) => kind))].sort()).toEqual([
      "bakery-caveat",
      "base64",
      "bind",
      "equivalent",
      "mint",
      "parse",
      "varint",
      "verify",
    ]);
  });

  test.each(foreign.filter(({ divergence }) => divergence !== undefined))(
    "where others diverge, one rule decides: $name",
    ({ name, expect: verdict }) => {
      expect(DECISIONS.filter(({ names }) => names.test(name))).toHaveLength(1);
      // All of them are decided on the strict side.
      expect(verdict).not.toBe("valid");
    },
  );

  describe("verify", () => {
    test.each(ofKind<VerifyVector>("verify"))("$name ($format): $expect", (vector) => {
      expect(verdict(vector)).toBe(vector.expect);
      const macaroon = readAndWriteBack(vector.token, FORMATS[vector.format]);
      if (vector.expected_signature !== undefined)
        expect(hex(macaroon.signature)).toBe(vector.expected_signature);
      for (const token of vector.discharges) readAndWriteBack(token, FORMATS[vector.format]);
    });
  });

  describe("parse", () => {
    test.each(ofKind<ParseVector>("parse"))("$name ($format): $expect", (vector) => {
      if (vector.expect === "parse-error") {
        expect(decodeBundle(vector.token)).toMatchObject({ ok: false, code: "malformed" });
        return;
      }
      const macaroon = readAndWriteBack(vector.token, FORMATS[vector.format]);
      if (vector.expected !== undefined) expectMacaroon(macaroon, vector.expected);
      if (vector.expected_signature !== undefined)
        expect(hex(macaroon.signature)).toBe(vector.expected_signature);
    });

    test.each([
      ["roundtrip v1j exact JSON as produced by libmacaroons", "v1-json", "libmacaroons"],
      ["roundtrip v2j strings for ASCII", "v2-json", "go"],
    ] as const)("%s is written back to the letter", (name, format, spelling) => {
      const vector = ofKind<ParseVector>("parse").find((candidate) => candidate.name === name);
      expect(encode(decoded(vector?.token ?? "")[0], format, spelling)).toBe(vector?.token);
    });
  });

  describe("equivalent", () => {
    test.each(ofKind<EquivalentVector>("equivalent"))("$name is one macaroon in three formats", (vector) => {
      const { tokens } = vector;
      for (const [name, token] of Object.entries(tokens)) {
        const macaroon = readAndWriteBack(token, FORMATS[name as keyof typeof tokens]);
        expectMacaroon(macaroon, vector.expected);
        expect(hex(macaroon.signature)).toBe(vector.expected_signature);
        expect(verify({ root: macaroon, rootKey: fromHex(vector.key) }).ok).toBe(true);
        expect(encode(macaroon, "v1")).toBe(tokens.v1);
        expect(encode(macaroon, "v2")).toBe(tokens.v2.replaceAll("=", ""));
        expect(encode(macaroon, "v2-json", "libmacaroons")).toBe(tokens.v2j);
      }
    });
  });

  describe("mint", () => {
    test.each(ofKind<MintVector>("mint"))("$name ($source)", (vector) => {
      const { location } = vector;
      let macaroon = mint({ rootKey: fromHex(vector.key), identifier: fromHex(vector.identifier), location });
      for (const { cid, key, loc, nonce } of vector.caveats) {
        const ticket = fromHex(cid);
        macaroon =
          key === undefined
            ? attenuate(macaroon, [ticket])
            : addThirdPartyCaveat(macaroon, {
                location: loc ?? "",
                ticket,
                caveatKey: fromHex(key),
                nonce: fromHex(nonce ?? ""),
              });
      }
      expect(hex(macaroon.signature)).toBe(vector.expected_signature);
      for (const [name, token] of Object.entries(vector.expected_tokens ?? {})) {
        expect(encode(macaroon, FORMATS[name as VerifyVector["format"]])).toBe(token);
      }
    });
  });

  describe("bind", () => {
    test.each(ofKind<BindVector>("bind"))("$name", (vector) => {
      const { root_signature, discharge_signature, expected_signature } = vector;
      const bound = boundSignature(fromHex(root_signature), fromHex(discharge_signature), defaultHmac);
      expect(hex(bound)).toBe(expected_signature);
    });
  });

  describe("varint", () => {
    // libmacaroons packs 64 bits; lengths past 2^31-1 are refused here, as by go-macaroon.
    test.each(ofKind<VarintVector>("varint"))("$value", ({ value, encoded }) => {
      const reader = { bytes: fromHex(encoded), offset: 0 };
      if (BigInt(value) < 2n ** 31n) {
        expect(readUvarint(reader)).toBe(Number(value));
        expect(reader.offset).toBe(reader.bytes.length);
        expect(hex(encodeUvarint(Number(value)))).toBe(encoded);
      } else {
        expect(() => readUvarint(reader)).toThrow("varint past 2^31-1");
        expect(() => encodeUvarint(Number(value))).toThrow(RangeError);
      }
    });
  });

  describe("base64", () => {
    test.each(ofKind<Base64Vector>("base64"))("$name", ({ input, expected_hex }) => {
      if (expected_hex === undefined) expect(() => decodeBase64(input)).toThrow("base64");
      else expect(hex(decodeBase64(input))).toBe(expected_hex);
    });
  });

  describe("bakery caveat ids", () => {
    test.each(ofKind<TicketVector>("bakery-caveat"))("$name", (vector) => {
      const ticket = fromHex(vector.caveat_id);
      const opening = openTicket(ticket, decodeBase64(vector.third_party_private_key));
      if (!opening.ok) throw new Error(opening.code);
      const { version, condition, caveatKey, namespace } = opening.ticket;
      expect({ version, condition, key: hex(caveatKey) }).toEqual({
        version: vector.bakery_version,
        condition: vector.expected_condition,
        key: vector.expected_root_key,
      });
      if (version === 1) return;
      // A box is one and the same for the same keys and nonce, so sealing anew must give Go's very bytes.
      const sealed = sealTicket({
        version,
        condition,
        caveatKey,
        ...(namespace !== undefined && { namespace }),
        thirdPartyPublicKey: boxPublicKey(decodeBase64(vector.third_party_private_key)),
        firstPartyPrivateKey: decodeBase64(vector.first_party_private_key),
        nonce: ticket.subarray(37, 61),
      });
      expect(hex(sealed)).toBe(vector.caveat_id);
    });
  });
}
