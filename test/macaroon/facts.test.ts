/** The published example macaroons (libmacaroons' README and unit tests), step by step. */
import { describe, expect, test } from "vitest";
import {
  addThirdPartyCaveat,
  attenuate,
  bind,
  boxPublicKey,
  defaultHmac,
  encode,
  encodeBase64Url,
  mint,
  openTicket,
  sealTicket,
  verify,
} from "../../src/macaroon/index.ts";
import { deriveKey } from "../../src/macaroon/key.ts";
import { decodeBase64 } from "../../src/macaroon/parts/base64.ts";
import { decoded, hex, utf8, verified } from "./support.ts";

describe("root macaroon and first-party caveats", () => {
  const rootKey = utf8("this is the key");
  const root = mint({ rootKey, identifier: "keyid", location: "http://example.org/" });
  const one = attenuate(root, ["account = 3735928559"]);
  const two = attenuate(one, ["user = alice"]);

  test("the derived key and every tail", () => {
    expect(hex(deriveKey(rootKey, defaultHmac))).toBe(
      "8077ec6552874dd30c53585558bebb1c8e2a844cd9f8950700c144e840e2ff51",
    );
    expect(hex(root.signature)).toBe("7cdee792511c5bc6f528485805dfe9b24e785e28e2a99301f9d711c609e38ef7");
    expect(hex(one.signature)).toBe("f54807f6dc6edf88bf0f7306b3822562a362533dbf7339ba61765da4bd259d87");
    expect(hex(two.signature)).toBe("4be967cd1ea0c6b26baf6a4a94ee9b05b15886da0ba85e8c42a93c8d0e125efc");
    expect(attenuate(root, ["account = 3735928559", "user = alice"])).toEqual(two);
  });

  test.each([
    ["v2", root, "AgETaHR0cDovL2V4YW1wbGUub3JnLwIFa2V5aWQAAAYgfN7nklEcW8b1KEhYBd_psk54XijiqZMB-dcRxgnjjvc"],
    [
      "v2",
      one,
      "AgETaHR0cDovL2V4YW1wbGUub3JnLwIFa2V5aWQAAhRhY2NvdW50ID0gMzczNTkyODU1OQAABiD1SAf23G7fiL8PcwazgiVio2JTPb9zObphdl2kvSWdhw",
    ],
    [
      "v2",
      two,
      "AgETaHR0cDovL2V4YW1wbGUub3JnLwIFa2V5aWQAAhRhY2NvdW50ID0gMzczNTkyODU1OQACDHVzZXIgPSBhbGljZQAABiBL6WfNHqDGsmuvakqU7psFsViG2guoXoxCqTyNDhJe_A",
    ],
    [
      "v2-json",
      two,
      '{"v":2,"l":"http://example.org/","i":"keyid","c":[{"i":"account = 3735928559"},{"i":"user = alice"}],"s64":"S-lnzR6gxrJrr2pKlO6bBbFYhtoLqF6MQqk8jQ4SXvw"}',
    ],
    [
      "v1",
      one,
      "MDAyMWxvY2F0aW9uIGh0dHA6Ly9leGFtcGxlLm9yZy8KMDAxNWlkZW50aWZpZXIga2V5aWQKMDAxZGNpZCBhY2NvdW50ID0gMzczNTkyODU1OQowMDJmc2lnbmF0dXJlIPVIB_bcbt-Ivw9zBrOCJWKjYlM9v3M5umF2XaS9JZ2HCg",
    ],
  ] as const)("%s: the text both ways", (format, macaroon, text) => {
    expect(encode(macaroon, format)).toBe(text);
    expect(decoded(text)).toEqual([macaroon]);
  });

  test("verifies under its key and under no other", () => {
    expect(verify({ root: two, rootKey }).ok).toBe(true);
    expect(verify({ root: two, rootKey: utf8("this is not the key") })).toEqual({
      ok: false,
      code: "bad_signature",
    });
  });
});

describe("third-party caveat and discharge", () => {
  const rootKey = utf8("this is a different super-secret key; never use the same secret twice");
  const caveatKey = utf8("4; guaranteed random by a fair toss of the dice");
  const ticket = "this was how we remind auth of key/pred";
  const location = "http://auth.mybank/";
  const sig0 = mint({ rootKey, identifier: "we used our other secret key", location: "http://mybank/" });
  const narrow = attenuate(sig0, ["account = 3735928559"]);
  const root = addThirdPartyCaveat(narrow, { location, ticket, caveatKey, nonce: new Uint8Array(24) });
  const unbound = attenuate(mint({ rootKey: caveatKey, identifier: ticket, location }), [
    "time < 2015-01-01T00:00",
  ]);
  const bound = bind(root, unbound);

  test("every tail, the verification id and the bound signature", () => {
    expect(hex(sig0.signature)).toBe("dd8b433968690376c1f59716491db815e8eb0069d299d4e34e3135da1dacd92d");
    expect(hex(narrow.signature)).toBe("1434e674ad84fdfdc9bc1aa00785325c8b6d57341fc7ce200ba4680c80786dda");
    expect(hex(root.signature)).toBe("d27db2fd1f22760e4c3dae8137e2d8fc1df6c0741c18aed4b97256bf78d1f55c");
    expect(encodeBase64Url(root.unverifiedCaveats[1]?.verificationId ?? new Uint8Array())).toBe(
      "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA027FAuBYhtHwJ58FX6UlVNFtFsGxQHS7uD_w_dedwv4Jjw7UorCREw5rXbRqIKhr",
    );
    expect(hex(unbound.signature)).toBe("82a80681f9f32d419af12f6a71787a1bac3ab199df934ed950ddf20c25ac8c65");
    expect(hex(bound.signature)).toBe("2eb01d0dd2b4475330739140188648cf25dda0425ea9f661f1574ca0a9eac54e");
  });

  test.each([
    [
      root,
      "AgEOaHR0cDovL215YmFuay8CHHdlIHVzZWQgb3VyIG90aGVyIHNlY3JldCBrZXkAAhRhY2NvdW50ID0gMzczNTkyODU1OQABE2h0dHA6Ly9hdXRoLm15YmFuay8CJ3RoaXMgd2FzIGhvdyB3ZSByZW1pbmQgYXV0aCBvZiBrZXkvcHJlZARIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA027FAuBYhtHwJ58FX6UlVNFtFsGxQHS7uD_w_dedwv4Jjw7UorCREw5rXbRqIKhrAAAGINJ9sv0fInYOTD2ugTfi2Pwd9sB0HBiu1LlyVr940fVc",
    ],
    [
      bound,
      "AgETaHR0cDovL2F1dGgubXliYW5rLwIndGhpcyB3YXMgaG93IHdlIHJlbWluZCBhdXRoIG9mIGtleS9wcmVkAAIXdGltZSA8IDIwMTUtMDEtMDFUMDA6MDAAAAYgLrAdDdK0R1Mwc5FAGIZIzyXdoEJeqfZh8VdMoKnqxU4",
    ],
  ])("the v2 text both ways", (macaroon, text) => {
    expect(encode(macaroon)).toBe(text);
    expect(decoded(text)).toEqual([macaroon]);
  });

  test.each([
    ["bound", bound],
    ["unbound", unbound],
  ])("the discharge is good, and is known to be %s", (binding, discharge) => {
    const macaroon = verified(verify({ root, discharges: [discharge], rootKey }));
    expect(macaroon.discharges).toMatchObject([
      { state: "good", binding, forCaveat: { macaroon: "root", caveat: 1 } },
    ]);
    expect(macaroon.undischarged).toEqual([]);
    expect(macaroon.caveats[1]).toMatchObject({ kind: "third", discharge: 0, location });
  });

  test("without it the ticket is reported", () => {
    const { undischarged } = verified(verify({ root, rootKey }));
    expect(undischarged).toEqual([{ ticket: utf8(ticket), location, at: { macaroon: "root", caveat: 1 } }]);
  });
});

describe("tickets that Go's macaroon-bakery wrote", () => {
  const thirdParty = decodeBase64("TSpvLpQkRj+T3JXnsW2n43n5zP/0X4zn0RvDiWC3IJ0=");
  const firstParty = decodeBase64("KXpsoJ9ujZYi/O2Cca6kaWh65MSawzy79LWkrjOfzcs=");

  test.each([
    {
      version: 3 as const,
      text: "A_D-xlUf2MdGMgtu7OKRQnCP1OQJk6PKeFWRK26WIBA6DNwKGNLeFSkD2M-8AEYvmgVH95GWu7T7caKxKhhOQFcEKgnXKJvYXxz1zin4cZc4Q6C7gVqA-J4_j31LX4VKxymqG62UGPo78wOv0_fKjr3OI6PPJOYOQgBMclemlRF2",
      key: "oqOXI3/Mz/pKjCuFOt2eYxb7ndLq66GY",
      namespace: "std:",
    },
    {
      version: 2 as const,
      text: "AvD-xlUf2MdGMgtu7OKRQnCP1OQJk6PKeFWRK26WIBA6DNwKGIHq9xGcHS9IZLh0cL6D9qpeKI0mXmCPfnwRQDuVYC8y5gVWd-oCGZaj5TGtk3byp2Vnw6ojmtsULDhY59YA_J_Y0ATkERO5T9ajoRWBxU2OXBoX6bImXA",
      key: "wh0HSM65wWHOIxoGjgJJOFvQKn2jJFhC",
      namespace: undefined,
    },
  ])("version $version opens, and sealing anew gives the same bytes", ({ version, text, key, namespace }) => {
    const ticket = decodeBase64(text);
    const condition = "third party condition";
    expect(openTicket(ticket, thirdParty)).toEqual({
      ok: true,
      ticket: {
        version,
        condition,
        caveatKey: decodeBase64(key),
        firstPartyPublicKey: boxPublicKey(firstParty),
        ...(namespace !== undefined && { namespace }),
      },
    });
    const sealed = sealTicket({
      version,
      condition,
      caveatKey: decodeBase64(key),
      thirdPartyPublicKey: boxPublicKey(thirdParty),
      firstPartyPrivateKey: firstParty,
      nonce: ticket.subarray(37, 61),
    });
    expect(encodeBase64Url(sealed)).toBe(text);
  });
});
