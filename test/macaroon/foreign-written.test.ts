/** Bytes that other libraries wrote, kept in this repository: what is promised to be read is read here. */
import { describe, expect, test } from "vitest";

import {
  boxPublicKey,
  decodeBinary,
  decodeBundle,
  openTicket,
  sealTicket,
} from "../../src/macaroon/index.ts";
import { vectorsOf } from "../vectors/files.ts";
import { membersV1 } from "../vectors/tickets.ts";
import { decoded, fromHex, hex, utf8, verified, verifyWithEach as verify } from "./support.ts";

describe.each(vectorsOf("foreign.json"))("written by js-macaroon: $name", ({ root_key, macaroons }) => {
  const written = macaroons.flatMap((macaroon) =>
    Object.entries(macaroon.tokens).map(([format, token]) => ({ ...macaroon, format, token })),
  );

  test.each(written)("$format is read", ({ format, token, location, identifier, caveats, signature }) => {
    expect(decodeBundle(token)).toMatchObject({ ok: true, format });
    const [macaroon] = decoded(token);
    // Whether an empty location is written or left out differs from format to format.
    expect({
      ...macaroon,
      location: macaroon.location ?? "",
      unverifiedCaveats: macaroon.unverifiedCaveats.map((caveat) => ({ location: "", ...caveat })),
    }).toEqual({
      location,
      identifier: fromHex(identifier),
      unverifiedCaveats: caveats.map((caveat) => ({
        id: fromHex(caveat.id),
        location: caveat.location ?? "",
        ...(caveat.verification_id !== undefined && { verificationId: fromHex(caveat.verification_id) }),
      })),
      signature: fromHex(signature),
    });
  });

  test("verifies, and its discharges are bound", () => {
    const [root, ...discharges] = macaroons.map(({ tokens }) => decoded(tokens["v2-json"] ?? "")[0]);
    if (root === undefined) throw new Error("no root macaroon");
    const macaroon = verified(verify({ root, discharges, rootKey: fromHex(root_key) }));
    expect(macaroon.discharges).toMatchObject(discharges.map(() => ({ state: "good", binding: "bound" })));
    const open = macaroons[0]?.caveats.filter(({ verification_id }) => verification_id !== undefined) ?? [];
    expect(macaroon.undischarged).toHaveLength(discharges.length === 0 ? open.length : 0);
    expect(verify({ root, discharges, rootKey: utf8("another key") })).toMatchObject({ ok: false });
  });
});

describe.each(vectorsOf("spellings.json"))("$format of identifier $identifier", (vector) => {
  test.each(["url", "url_padded", "standard", "standard_padded"] as const)("is read from %s", (spelling) => {
    const expected = decodeBinary(fromHex(vector.bytes));
    expect(expected).toMatchObject({ ok: true, format: vector.format });
    expect(decoded(vector[spelling])[0].identifier).toEqual(fromHex(vector.identifier));
    expect(decodeBundle(vector[spelling])).toEqual(expected);
    expect(decodeBundle(utf8(vector[spelling]))).toEqual(expected);
  });

  test("tells the alphabets apart", () => {
    expect(vector.url).not.toBe(vector.standard);
  });
});

test("bundles are read in every spelling of base64", () => {
  const texts = vectorsOf("spellings.json").flatMap(({ format, bytes }) => (format === "v2" ? [bytes] : []));
  const bytes = Uint8Array.from(Buffer.from(texts.join(""), "hex"));
  const expected = decodeBinary(bytes);
  expect(expected).toHaveProperty("macaroons.length", 3);
  const standard = Buffer.from(bytes).toString("base64");
  for (const text of [
    standard,
    standard.replaceAll("=", ""),
    standard.replaceAll("+", "-").replaceAll("/", "_"),
  ]) {
    expect(decodeBundle(text)).toEqual(expected);
  }
});

describe("tickets in macaroon-bakery's format, sealed by another NaCl", () => {
  test.each(vectorsOf("tickets.json"))("version $version: $name", (vector) => {
    const { version, condition, namespace } = vector;
    const privateKey = fromHex(vector.third_party_private_key);
    expect(openTicket(fromHex(vector.ticket), privateKey)).toEqual({
      ok: true,
      ticket: {
        version,
        condition,
        caveatKey: fromHex(vector.caveat_key),
        firstPartyPublicKey: fromHex(vector.first_party_public_key),
        ...(namespace !== undefined && { namespace }),
      },
    });
    expect(openTicket(fromHex(vector.ticket), fromHex(vector.first_party_private_key))).toMatchObject({
      ok: false,
      code: "wrong_key",
    });
    expect(hex(boxPublicKey(fromHex(vector.first_party_private_key)))).toBe(vector.first_party_public_key);
    if (version === 1) return;
    // The same keys and nonce give the same box, so what is sealed here must be those very bytes.
    const sealed = sealTicket({
      version,
      condition,
      caveatKey: fromHex(vector.caveat_key),
      ...(namespace !== undefined && { namespace }),
      thirdPartyPublicKey: boxPublicKey(privateKey),
      firstPartyPrivateKey: fromHex(vector.first_party_private_key),
      nonce: fromHex(vector.nonce),
    });
    expect(hex(sealed)).toBe(vector.ticket);
  });

  const ours = new Uint8Array(32).fill(7);
  const theirs = new Uint8Array(32).fill(9);
  const nonce = new Uint8Array(24).fill(1);
  const secretOf = (members: object) => JSON.stringify({ RootKey: "AAAA", Condition: "c", ...members });
  const good = membersV1(secretOf({}), ours, theirs, nonce);
  const sealing = (secret: string) => membersV1(secret, ours, theirs, nonce);
  const asTicket = (members: object) => utf8(Buffer.from(JSON.stringify(members)).toString("base64"));
  const padded = (text: string, bytes: number) =>
    Buffer.from(text, "base64").subarray(0, bytes).toString("base64");

  test("version 1 as it should be is opened", () => {
    expect(openTicket(asTicket(good), ours)).toMatchObject({
      ok: true,
      ticket: { version: 1, condition: "c", caveatKey: new Uint8Array(3) },
    });
  });

  test.each<[string, object, string, string]>([
    ["with a member more", { ...good, More: "" }, "malformed", "ticket with unknown or missing members"],
    [
      "with one member under another name",
      { ...good, Id: undefined, ID: good.Id },
      "malformed",
      "ticket member is not a string",
    ],
    ["with a number", { ...good, Nonce: 1 }, "malformed", "ticket member is not a string"],
    ["with an object inside", { ...good, Id: {} }, "malformed", "json: too_deep"],
    [
      "with a key of 31 bytes",
      { ...good, FirstPartyPublicKey: padded(good.FirstPartyPublicKey, 31) },
      "malformed",
      "ticket with a key or nonce of the wrong length",
    ],
    [
      "for a key of 31 bytes",
      { ...good, ThirdPartyPublicKey: padded(good.ThirdPartyPublicKey, 31) },
      "malformed",
      "ticket with a key or nonce of the wrong length",
    ],
    [
      "with a nonce of 23 bytes",
      { ...good, Nonce: padded(good.Nonce, 23) },
      "malformed",
      "ticket with a key or nonce of the wrong length",
    ],
    ["for another key", membersV1(secretOf({}), theirs, theirs, nonce), "wrong_key", "another key"],
    [
      "with another nonce",
      { ...good, Nonce: padded(good.ThirdPartyPublicKey, 24) },
      "cannot_open",
      "not open",
    ],
    ["with an empty key inside", sealing(secretOf({ RootKey: "" })), "malformed", "ticket with an empty key"],
    ["with a number inside", sealing(secretOf({ Condition: 1 })), "malformed", "not a string"],
    ["with a member more inside", sealing(secretOf({ More: "" })), "malformed", "unknown or missing members"],
    ["with no object inside", sealing("[]"), "malformed", "ticket is not a json object"],
    ["with no JSON inside", sealing("{"), "malformed", "json: syntax"],
  ])("version 1 %s is refused", (_name, members, code, detail) => {
    const opening = openTicket(asTicket(members), ours);
    expect(opening).toMatchObject({ ok: false, code });
    expect(opening).toHaveProperty("detail", expect.stringContaining(detail));
  });
});
