import { describe, expect, test } from "vitest";

import {
  attenuate,
  type Decoded,
  decodeBinary,
  decodeBundle,
  encode,
  encodeBundle,
  type Format,
  mint,
  type UnverifiedMacaroon,
} from "../../src/macaroon/index.ts";
import { decoded, dischargeFor, KEY, rootWith, utf8, withThirdParty } from "./support.ts";

const S64 = `"s64":"${"A".repeat(43)}"`;
const HEX = "0".repeat(64);
const NO_HEX = "signature is not 64 lower-case hexadecimal digits";

describe("JSON that is read though we would not write it so", () => {
  test.each([
    ["no version", `{"i":"id","c":[],${S64}}`],
    ["the version as a string", `{"v":"2","i":"id","c":[],${S64}}`],
    ["no caveats", `{"v":2,"i":"id",${S64}}`],
    ["null for what is absent", `{"l":null,"i":"id","c":null,${S64}}`],
    ["base64 for text", `{"i64":"aWQ=","c":[],${S64}}`],
    ["the signature as padded standard base64", `{"i":"id","s64":"${"A".repeat(43)}="}`],
    ["white space", ` {\n"i" : "id",\t${S64} }\r\n`],
    ["an array of one", `[{"i":"id",${S64}}]`],
    ["escapes", `{"\\u0069":"\\u0069d",${S64}}`],
  ])("%s", (_name, text) => {
    expect(decodeBundle(text)).toEqual({
      ok: true,
      format: "v2-json",
      macaroons: [{ identifier: utf8("id"), unverifiedCaveats: [], signature: new Uint8Array(32) }],
    });
  });

  test("a signature as text of 32 bytes", () => {
    expect(decoded(`{"i":"id","s":"${"x".repeat(32)}"}`)[0].signature).toEqual(utf8("x".repeat(32)));
  });

  test("the short ids of macaroon-bakery, which begin with a NUL's neighbour", () => {
    const [macaroon] = decoded(
      `{"i":"\\u0003\\u0000","c":[{"i":"\\u0003\\u0000","v64":"AA","l":"https://d/"}],${S64}}`,
    );
    expect(macaroon.identifier).toEqual(Uint8Array.of(3, 0));
    expect(macaroon.unverifiedCaveats).toEqual([
      { id: Uint8Array.of(3, 0), verificationId: Uint8Array.of(0), location: "https://d/" },
    ]);
    expect(decoded(encode(macaroon, "v2-json"))).toEqual([macaroon]);
  });

  test("null for a caveat's verification id and location, as pymacaroons writes it", () => {
    const v1 = `{"location":"","identifier":"id","signature":"${HEX}","caveats":[{"cid":"a","vid":null,"cl":null}]}`;
    const v2 = `{"i":"id","c":[{"i":"a","v":null,"l":null}],${S64}}`;
    for (const text of [v1, v2]) expect(decoded(text)[0].unverifiedCaveats).toEqual([{ id: utf8("a") }]);
  });

  test("both versions in one array", () => {
    const text = `[{"i":"id",${S64}},{"location":"l","identifier":"id","signature":"${HEX}","caveats":[]}]`;
    expect(decodeBundle(text)).toMatchObject({
      ok: true,
      format: "v2-json",
      macaroons: [{}, { location: "l" }],
    });
  });
});

describe("absent and empty locations", () => {
  const absent = mint({ rootKey: KEY, identifier: "id" });
  const empty = mint({ rootKey: KEY, identifier: "id", location: "" });

  test.each<[Format, boolean]>([
    ["v2", true],
    ["v2-json", true],
    ["v1", false],
    ["v1-json", false],
  ])("%s tells them apart: %s", (format, apart) => {
    expect(encode(absent, format) === encode(empty, format)).toBe(!apart);
    expect(decoded(encode(empty, format))).toEqual([empty]);
    expect(decoded(encode(absent, format))).toEqual([apart ? absent : empty]);
  });

  test("an empty location in a first-party caveat, as pymacaroons may write it, is read and written back", () => {
    const macaroon: UnverifiedMacaroon = { ...absent, unverifiedCaveats: [{ id: utf8("a"), location: "" }] };
    for (const format of ["v2", "v2-json"] as const)
      expect(decoded(encode(macaroon, format))).toEqual([macaroon]);
    expect(decoded(encode(macaroon, "v1"))[0].unverifiedCaveats).toEqual(macaroon.unverifiedCaveats);
  });
});

describe("spellings of JSON", () => {
  const macaroon = {
    ...withThirdParty(
      attenuate(mint({ rootKey: KEY, identifier: "a/b", location: "http://l/<&>" }), ["time < 1\u2028"]),
      "t",
    ),
    signature: new Uint8Array(32),
  };
  const vid = Buffer.from(macaroon.unverifiedCaveats[1]?.verificationId ?? []).toString("base64url");

  test.each([
    [
      "v2-json",
      "plain",
      `{"v":2,"l":"http://l/<&>","i":"a/b","c":[{"i":"time < 1\u2028"},{"i":"t","v64":"${vid}","l":"https://third.example"}],${S64}}`,
    ],
    [
      "v2-json",
      "libmacaroons",
      `{"v":2,"l":"http://l/<&>","i":"a/b","c":[{"i":"time < 1\u2028"},{"i":"t","v64":"${vid}","l":"https://third.example"}],${S64}}`,
    ],
    [
      "v2-json",
      "go",
      `{"c":[{"i":"time \\u003c 1\\u2028"},{"i":"t","v64":"${vid}","l":"https://third.example"}],"l":"http://l/\\u003c\\u0026\\u003e","i":"a/b",${S64}}`,
    ],
    [
      "v1-json",
      "plain",
      `{"caveats":[{"cid":"time < 1\u2028"},{"cid":"t","vid":"${vid}","cl":"https://third.example"}],"location":"http://l/<&>","identifier":"a/b","signature":"${HEX}"}`,
    ],
    [
      "v1-json",
      "libmacaroons",
      `{"caveats":[{"cid":"time < 1\u2028"},{"cid":"t","vid":"${vid}","cl":"https:\\/\\/third.example"}],"location":"http:\\/\\/l\\/<&>","identifier":"a\\/b","signature":"${HEX}"}`,
    ],
    [
      "v1-json",
      "go",
      `{"caveats":[{"cid":"time \\u003c 1\\u2028"},{"cid":"t","vid":"${vid}","cl":"https://third.example"}],"location":"http://l/\\u003c\\u0026\\u003e","identifier":"a/b","signature":"${HEX}"}`,
    ],
  ] as const)("%s as %s writes it", (format, spelling, text) => {
    expect(encode(macaroon, format, spelling)).toBe(text);
    expect(decoded(text)).toEqual([macaroon]);
  });

  test("an id that is no text, or that holds a NUL, is base64; go keeps the NUL", () => {
    const bytes = attenuate(mint({ rootKey: KEY, identifier: "i\u0000" }), [Uint8Array.of(0xff)]);
    expect(encode(bytes, "v2-json")).toContain('"i64":"aQA","c":[{"i64":"_w"}]');
    expect(encode(bytes, "v2-json", "go")).toContain('"c":[{"i64":"_w"}],"i":"i\\u0000"');
    expect(() => encode(bytes, "v1-json")).toThrow("caveat is not utf-8");
    const named = mint({ rootKey: KEY, identifier: Uint8Array.of(0xff) });
    expect(() => encode(named, "v1-json")).toThrow("identifier is not utf-8");
  });

  test("go leaves out what is empty", () => {
    const bare = { ...mint({ rootKey: KEY, identifier: "id", location: "" }), signature: new Uint8Array(32) };
    expect(encode(bare, "v2-json", "go")).toBe(`{"i":"id",${S64}}`);
  });
});

describe("bundles", () => {
  const root = withThirdParty(rootWith(), "t");
  const bundle = encodeBundle([root, dischargeFor("t"), dischargeFor("u")]);

  test("are macaroons one after another in one base64url text", () => {
    expect(bundle).toMatch(/^[A-Za-z0-9_-]+$/);
    expect(decoded(bundle)).toEqual([root, dischargeFor("t"), dischargeFor("u")]);
    expect(encodeBundle([root])).toBe(encode(root));
  });

  test("are read from bytes as well, in text form or bare", () => {
    expect(decoded(utf8(bundle))).toEqual(decoded(bundle));
    expect(decodeBinary(Uint8Array.from(Buffer.from(bundle, "base64url")))).toEqual(decodeBundle(bundle));
  });

  // A Buffer is a Uint8Array whose `slice` copies nothing.
  test.each([
    ["bare bytes", Uint8Array.from(Buffer.from(bundle, "base64url"))],
    ["a Buffer's bytes", Buffer.from(bundle, "base64url")],
  ])("%s are copied, so that changing them later changes no macaroon", (_name, bytes) => {
    const result = decodeBinary(bytes);
    bytes.fill(0);
    expect(result).toEqual(decodeBundle(bundle));
  });

  test.each<[string, () => Decoded]>([
    ["text that is not UTF-8", () => decodeBundle(Uint8Array.of(0xff, 0xfe))],
    ["a text for bare bytes", () => decodeBinary(utf8(bundle))],
    ["no bytes", () => decodeBinary(new Uint8Array())],
  ])("%s is malformed", (_name, read) => expect(read()).toMatchObject({ ok: false, code: "malformed" }));

  test.each<[string, string]>([
    ["0", "data ends early"],
    ["9", "data ends early"],
    ["a", "data ends early"],
    ["f", "data ends early"],
    ["/", "no macaroon in v1, v2 or JSON"],
    [":", "no macaroon in v1, v2 or JSON"],
    ["`", "no macaroon in v1, v2 or JSON"],
    ["g", "no macaroon in v1, v2 or JSON"],
    ["00/0", "packet length is not lower-case hexadecimal"],
    ["00:0", "packet length is not lower-case hexadecimal"],
    ["00`0", "packet length is not lower-case hexadecimal"],
    ["00g0", "packet length is not lower-case hexadecimal"],
    ["0006 \n", "no location packet where one is due"],
    ["0005 ", "packet without a newline at its end"],
    ["0009cl \nx", "packet without a newline at its end"],
  ])("bytes that begin with %j are malformed: %s", (text, detail) => {
    expect(decodeBinary(utf8(text))).toEqual({ ok: false, code: "malformed", detail });
  });

  test.each<[string, string]>([
    ["Ag[", "not base64"],
    ['[{"i":"id","c":[{"i":[]}]}]', "json: too_deep"],
    ['[{"i":"id","c":[{"i":1}]}]', "json member i is not a string"],
  ])("the text %s is malformed: %s", (text, detail) => {
    expect(decodeBundle(text)).toEqual({ ok: false, code: "malformed", detail });
  });

  test.each<[string, string]>([
    [`{"i":"id","c":1,${S64}}`, "json member c is not an array"],
    [`{"i":"id","c":true,${S64}}`, "json member c is not an array"],
    [`{"v":{},"i":"id",${S64}}`, "json version is not 2"],
    [`{"v":"3","i":"id",${S64}}`, "json version is not 2"],
    [`{"i":"id","c":[null],${S64}}`, "not a json object"],
    [`{"location":"","identifier":"id","caveats":[],"signature":"0${HEX}"}`, NO_HEX],
    [`{"location":"","identifier":"id","caveats":[],"signature":"${HEX.slice(1)}"}`, NO_HEX],
    [`{"location":"","identifier":"id","caveats":[],"signature":"${HEX} "}`, NO_HEX],
    [`{"location":"","identifier":"id","caveats":[],"signature":"x${HEX}"}`, NO_HEX],
  ])("%s is malformed: %s", (text, detail) => {
    expect(decodeBundle(text)).toEqual({ ok: false, code: "malformed", detail });
  });

  const long = "x".repeat(4_097);
  test.each<[string, string]>([
    [`{"i":"${long}",${S64}}`, "identifier of more than 4096 bytes"],
    [`{"l":"${long}","i":"id",${S64}}`, "location of more than 4096 bytes"],
    [`{"location":"","identifier":"${long}","signature":"${HEX}"}`, "identifier of more than 4096 bytes"],
    [`{"location":"${long}","identifier":"id","signature":"${HEX}"}`, "location of more than 4096 bytes"],
    // A limit is told before anything else that is wrong behind it.
    [`{"i":"id","c":[{"i":"${long}"}],"s":"x"}`, "caveat of more than 4096 bytes"],
    [`{"i":"id","c":[${"{},".repeat(256)}{}],${S64}}`, "more than 256 caveats"],
    [
      `{"location":"","identifier":"id","signature":"x","caveats":[${"{},".repeat(256)}{}]}`,
      "more than 256 caveats",
    ],
    [
      `{"location":"","identifier":"id","signature":"x","caveats":[{"cid":"${long}"}]}`,
      "caveat of more than 4096 bytes",
    ],
  ])("%.40s… is too large: %s", (text, detail) => {
    expect(decodeBundle(text)).toEqual({ ok: false, code: "too_large", detail });
  });

  test.each<[string, () => Decoded]>([
    ["characters", () => decodeBundle("A".repeat(65_537))],
    ["white space before JSON", () => decodeBundle(`${" ".repeat(65_536)}{}`)],
    ["bytes", () => decodeBinary(new Uint8Array(65_537))],
    ["characters, lowered", () => decodeBundle(bundle, { bundleBytes: bundle.length - 1 })],
    ["discharges, lowered", () => decodeBundle(bundle, { discharges: 1 })],
    ["caveats, lowered", () => decodeBundle(bundle, { caveats: 0 })],
    ["bytes of a caveat, lowered", () => decodeBundle(bundle, { caveatBytes: 50 })],
    ["bytes of a location in version 1", () => decodeBinary(versionOne("x".repeat(4_097), "i"))],
    ["bytes of an identifier in version 1", () => decodeBinary(versionOne("x", "i".repeat(4_097)))],
  ])("too many %s is too large", (_name, read) =>
    expect(read()).toMatchObject({ ok: false, code: "too_large" }),
  );

  test("that nobody would read are not written", () => {
    const large = attenuate(rootWith(), Array(13).fill("x".repeat(4000)));
    expect(() => encodeBundle([large])).toThrow("bundle of more than 65536 bytes");
    expect(() => encodeBundle([root, ...Array(33).fill(dischargeFor("t"))])).toThrow(
      "more than 32 discharges",
    );
  });

  test("that are just within every limit are read", () => {
    const most = attenuate(rootWith(), Array(256).fill("a"));
    expect(decoded(encodeBundle([most, ...Array(32).fill(dischargeFor("t"))]))).toHaveLength(33);
    const items = Array<string>(33).fill(`{"i":"id",${S64}}`);
    expect(decoded(`[${items.join(",")}]`)).toHaveLength(33);
    const longest = attenuate(mint({ rootKey: KEY, identifier: "i".repeat(4096) }), ["x".repeat(4096)]);
    for (const format of ["v1", "v2", "v1-json", "v2-json"] as const) {
      expect(decoded(encode(longest, format))[0].unverifiedCaveats).toEqual(longest.unverifiedCaveats);
    }
  });
});

test("a v1 field that does not fit into a packet is not written", () => {
  const around = "ffff".length + "identifier \n".length;
  const macaroon = { ...rootWith(), identifier: new Uint8Array(65_535 - around) };
  expect(encode(macaroon, "v1")).toContain(Buffer.from("ffffidentifier ").toString("base64url").slice(4, -4));
  const longer = { ...macaroon, identifier: new Uint8Array(65_536 - around) };
  expect(() => encode(longer, "v1")).toThrow("packet of more than 65535 bytes");
});

/** A macaroon without caveats in version 1. */
function versionOne(location: string, identifier: string): Uint8Array {
  const packet = (key: string, value: string): string =>
    `${(key.length + value.length + 6).toString(16).padStart(4, "0")}${key} ${value}\n`;
  return utf8(
    packet("location", location) + packet("identifier", identifier) + packet("signature", "s".repeat(32)),
  );
}
