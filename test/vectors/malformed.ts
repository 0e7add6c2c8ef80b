import { encode, type Format, mint } from "../../src/macaroon/index.ts";

/** A token that breaks one rule of its format. */
export interface MalformedVector {
  readonly name: string;
  readonly format: Format | "bundle";
  readonly token: string;
  readonly code: "malformed" | "too_large";
  readonly detail: string;
}

const text = (value: string): number[] => Array.from(Buffer.from(value));
const base64 = (bytes: readonly number[]): string => Buffer.from(bytes).toString("base64url");
const key = Buffer.from("root");
const SIGNATURE: readonly number[] = Array.from(mint({ rootKey: key, identifier: "id" }).signature);
const SIGNATURE_HEX = Buffer.from(SIGNATURE).toString("hex");
const SIGNATURE_64 = base64(SIGNATURE);

const HEAD = [2, 2, 2, ...text("id"), 0];
const END = [0, 6, 32, ...SIGNATURE];

function v2(
  name: string,
  bytes: readonly number[],
  detail: string,
  code: MalformedVector["code"] = "malformed",
): MalformedVector {
  return { name, format: "v2", token: base64(bytes), code, detail };
}

function packet(name: string, value: readonly number[]): number[] {
  const length = 6 + name.length + value.length;
  return [...text(length.toString(16).padStart(4, "0")), ...text(`${name} `), ...value, 10];
}

const V1_HEAD = [...packet("location", text("l")), ...packet("identifier", text("id"))];
const V1_END = packet("signature", SIGNATURE);

function v1(
  name: string,
  bytes: readonly number[],
  detail: string,
  code: MalformedVector["code"] = "malformed",
): MalformedVector {
  return { name, format: "v1", token: base64(bytes), code, detail };
}

function json(
  format: "v1-json" | "v2-json",
  name: string,
  token: string,
  detail: string,
  code: MalformedVector["code"] = "malformed",
): MalformedVector {
  return { name, format, token, code, detail };
}

function bundle(
  name: string,
  token: string,
  detail: string,
  code: MalformedVector["code"] = "malformed",
): MalformedVector {
  return { name, format: "bundle", token, code, detail };
}

const BARE = encode(mint({ rootKey: key, identifier: "id" }));
const s64 = `"s64":"${SIGNATURE_64}"`;
const good1 = `"location":"l","identifier":"id","signature":"${SIGNATURE_HEX}"`;

/** All of them, made anew. */
export function buildMalformedVectors(): readonly MalformedVector[] {
  return [
    v2("version 1", [1, ...HEAD.slice(1), ...END], "no macaroon in v1, v2 or JSON"),
    v2("version alone", [2], "data ends early"),
    v2("no identifier", [2, 0, ...END], "no identifier where one is due"),
    v2(
      "a location twice",
      [2, 1, 1, 108, 1, 1, 108, ...HEAD.slice(1), ...END],
      "no identifier where one is due",
    ),
    v2(
      "an identifier twice",
      [2, 2, 1, 97, ...HEAD.slice(1), ...END],
      "field that is unknown, doubled or out of order",
    ),
    v2(
      "a location after the identifier",
      [...HEAD.slice(0, -1), 1, 1, 108, 0, ...END],
      "field that is unknown, doubled or out of order",
    ),
    v2(
      "a verification id in the header",
      [...HEAD.slice(0, -1), 4, 1, 1, 0, ...END],
      "field that is unknown, doubled or out of order",
    ),
    v2(
      "an unknown field",
      [...HEAD.slice(0, -1), 7, 1, 1, 0, ...END],
      "field that is unknown, doubled or out of order",
    ),
    v2(
      "a signature in the header",
      [...HEAD.slice(0, -1), ...END.slice(1), 0, ...END],
      "field that is unknown, doubled or out of order",
    ),
    v2("a caveat without an id", [...HEAD, 4, 1, 1, 0, ...END], "no caveat where one is due"),
    v2(
      "a caveat with its location after the id",
      [...HEAD, 2, 1, 97, 1, 1, 108, 0, ...END],
      "field that is unknown, doubled or out of order",
    ),
    v2(
      "a first-party caveat with a location",
      [...HEAD, 1, 1, 108, 2, 1, 97, 0, ...END],
      "location in a first-party caveat",
    ),
    v2(
      "a caveat with a verification id twice",
      [...HEAD, 2, 1, 97, 4, 1, 1, 4, 1, 1, 0, ...END],
      "field that is unknown, doubled or out of order",
    ),
    v2(
      "a caveat without end",
      [...HEAD, 2, 1, 97, ...END.slice(1)],
      "field that is unknown, doubled or out of order",
    ),
    v2("no end of caveats", [...HEAD, ...END.slice(1)], "no caveat where one is due"),
    v2("no signature", [...HEAD, 0], "data ends early"),
    v2("another field for the signature", [...HEAD, 0, 5, ...END.slice(2)], "no signature where one is due"),
    v2("a signature of 31 bytes", [...HEAD, 0, 6, 31, ...SIGNATURE.slice(1)], "signature is not 32 bytes"),
    v2("a signature of 33 bytes", [...HEAD, 0, 6, 33, ...SIGNATURE, 0], "signature is not 32 bytes"),
    v2("an empty signature", [...HEAD, 0, 6, 0], "signature is not 32 bytes"),
    v2("a signature that is cut", [...HEAD, ...END.slice(0, -1)], "data ends early"),
    v2("a section end after the signature", [...HEAD, ...END, 0], "not a v2 macaroon"),
    v2("a length past the end", [2, 2, 127, ...text("id"), 0, ...END], "data ends early"),
    v2(
      "a length with needless bytes",
      [2, 2, 0x82, 0, ...HEAD.slice(3), ...END],
      "varint with needless bytes",
    ),
    v2("a zero length with needless bytes", [2, 2, 0x80, 0x80, 0, 0, ...END], "varint with needless bytes"),
    v2("a length of 2^31", [2, 2, 0x80, 0x80, 0x80, 0x80, 0x08], "varint past 2^31-1"),
    v2("a length of 2^31-1", [2, 2, 0xff, 0xff, 0xff, 0xff, 0x07], "data ends early"),
    v2("a length without end", [2, 2, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01], "varint past 2^31-1"),
    v2("a location that is not UTF-8", [2, 1, 1, 0xff, ...HEAD.slice(1), ...END], "location is not utf-8"),
    v2(
      "a location of a lone surrogate",
      [2, 1, 3, 0xed, 0xa0, 0x80, ...HEAD.slice(1), ...END],
      "location is not utf-8",
    ),
    v2(
      "a caveat's location that is not UTF-8",
      [...HEAD, 1, 1, 0xff, 2, 1, 97, 4, 1, 1, 0, ...END],
      "location is not utf-8",
    ),
    v2(
      "257 caveats",
      [...HEAD, ...Array(257).fill([2, 0, 0]).flat(), ...END],
      "more than 256 caveats",
      "too_large",
    ),
    v2(
      "a caveat of 4097 bytes",
      [...HEAD, 2, 0x81, 0x20, ...Array(4097).fill(97), 0, ...END],
      "field of more than 4096 bytes",
      "too_large",
    ),
    v2(
      "a caveat of 4097 bytes in three fields",
      [
        ...HEAD,
        1,
        1,
        108,
        2,
        0x80,
        0x10,
        ...Array(2048).fill(97),
        4,
        0x80,
        0x10,
        ...Array(2048).fill(97),
        0,
        ...END,
      ],
      "caveat of more than 4096 bytes",
      "too_large",
    ),
    v2(
      "an identifier of 4097 bytes",
      [2, 2, 0x81, 0x20, ...Array(4097).fill(97), 0, ...END],
      "field of more than 4096 bytes",
      "too_large",
    ),
    v2(
      "a location of 4097 bytes",
      [2, 1, 0x81, 0x20, ...Array(4097).fill(97), ...HEAD.slice(1), ...END],
      "field of more than 4096 bytes",
      "too_large",
    ),

    v1(
      "no location",
      [...packet("identifier", text("id")), ...V1_END],
      "no location packet where one is due",
    ),
    v1(
      "no identifier",
      [...packet("location", text("l")), ...V1_END],
      "no identifier packet where one is due",
    ),
    v1(
      "identifier before location",
      [...packet("identifier", text("id")), ...packet("location", text("l")), ...V1_END],
      "no location packet where one is due",
    ),
    v1("no signature", V1_HEAD, "data ends early"),
    v1(
      "a verification id without a caveat",
      [...V1_HEAD, ...packet("vid", [1]), ...V1_END],
      "no signature packet where one is due",
    ),
    v1(
      "a location without a caveat",
      [...V1_HEAD, ...packet("cl", [108]), ...V1_END],
      "no signature packet where one is due",
    ),
    v1(
      "a caveat's location before its verification id",
      [...V1_HEAD, ...packet("cid", [97]), ...packet("cl", [108]), ...packet("vid", [1]), ...V1_END],
      "location in a first-party caveat",
    ),
    v1(
      "a first-party caveat with a location",
      [...V1_HEAD, ...packet("cid", [97]), ...packet("cl", [108]), ...V1_END],
      "location in a first-party caveat",
    ),
    v1(
      "a verification id twice",
      [...V1_HEAD, ...packet("cid", [97]), ...packet("vid", [1]), ...packet("vid", [1]), ...V1_END],
      "no signature packet where one is due",
    ),
    v1(
      "an unknown packet",
      [...V1_HEAD, ...packet("nonce", [97]), ...V1_END],
      "no signature packet where one is due",
    ),
    v1(
      "a packet with a long key",
      [...packet("locationlocation", text("l")), ...V1_END],
      "no location packet where one is due",
    ),
    v1(
      "a packet with an empty key",
      [...packet("", text("l")), ...V1_END],
      "no location packet where one is due",
    ),
    v1("a packet without a space", [...text("000elocation="), 10, ...V1_END], "packet without a space"),
    v1(
      "a packet without a newline",
      [...text("000flocation l!"), ...V1_END],
      "packet without a newline at its end",
    ),
    v1("a packet of length 0", text("0000"), "packet shorter than its own length"),
    v1("a packet of length 3", text("0003a"), "packet shorter than its own length"),
    v1("a packet of length 4", [...text("0004"), ...V1_HEAD, ...V1_END], "packet without a space"),
    v1(
      "a packet length in upper case",
      [...text("000Flocation l"), 10, ...V1_HEAD.slice(16), ...V1_END],
      "packet length is not lower-case hexadecimal",
    ),
    v1(
      "a packet length with a sign",
      [...text("00-flocation l"), 10],
      "packet length is not lower-case hexadecimal",
    ),
    v1("a packet length past the end", [...text("ffff"), ...V1_HEAD, ...V1_END], "data ends early"),
    v1(
      "a signature of 31 bytes",
      [...V1_HEAD, ...packet("signature", SIGNATURE.slice(1))],
      "signature is not 32 bytes",
    ),
    v1(
      "a signature in hex",
      [...V1_HEAD, ...packet("signature", text(SIGNATURE_HEX))],
      "signature is not 32 bytes",
    ),
    v1("data after the signature", [...V1_HEAD, ...V1_END, 10], "data after the macaroon"),
    v1("two macaroons", [...V1_HEAD, ...V1_END, ...V1_HEAD, ...V1_END], "data after the macaroon"),
    v1(
      "a location that is not UTF-8",
      [...packet("location", [0xff]), ...packet("identifier", text("id")), ...V1_END],
      "location is not utf-8",
    ),
    v1(
      "257 caveats",
      [...V1_HEAD, ...Array(257).fill(packet("cid", [])).flat(), ...V1_END],
      "more than 256 caveats",
      "too_large",
    ),
    v1(
      "a caveat of 4097 bytes",
      [...V1_HEAD, ...packet("cid", Array(4097).fill(97)), ...V1_END],
      "caveat of more than 4096 bytes",
      "too_large",
    ),
    v1(
      "an identifier of 4097 bytes",
      [...packet("location", text("l")), ...packet("identifier", Array(4097).fill(97)), ...V1_END],
      "identifier of more than 4096 bytes",
      "too_large",
    ),

    json("v2-json", "version 3", `{"v":3,"i":"id",${s64}}`, "json version is not 2"),
    json("v2-json", "version 2.0", `{"v":2.0,"i":"id",${s64}}`, "json version is not 2"),
    json("v2-json", "version null", `{"v":null,"i":"id",${s64}}`, "json version is not 2"),
    json("v2-json", "no identifier", `{${s64}}`, "no identifier where one is due"),
    json("v2-json", "two identifiers", `{"i":"id","i64":"aWQ",${s64}}`, "json members i and i64 together"),
    json(
      "v2-json",
      "two signatures",
      `{"i":"id","s":"${"x".repeat(32)}",${s64}}`,
      "json members s and s64 together",
    ),
    json("v2-json", "no signature", `{"i":"id"}`, "no signature where one is due"),
    json("v2-json", "a short signature", `{"i":"id","s64":"AAAA"}`, "signature is not 32 bytes"),
    json(
      "v2-json",
      "two caveat ids",
      `{"i":"id","c":[{"i":"a","i64":"YQ"}],${s64}}`,
      "json members i and i64 together",
    ),
    json(
      "v2-json",
      "two verification ids",
      `{"i":"id","c":[{"i":"a","v":"b","v64":"Yg"}],${s64}}`,
      "json members v and v64 together",
    ),
    json("v2-json", "no caveat id", `{"i":"id","c":[{"v64":"Yg"}],${s64}}`, "no caveat id where one is due"),
    json(
      "v2-json",
      "a first-party caveat with a location",
      `{"i":"id","c":[{"i":"a","l":"l"}],${s64}}`,
      "location in a first-party caveat",
    ),
    json("v2-json", "a caveat that is a string", `{"i":"id","c":["a"],${s64}}`, "not a json object"),
    json(
      "v2-json",
      "caveats that are an object",
      `{"i":"id","c":{},${s64}}`,
      "json member c is not an array",
    ),
    json(
      "v2-json",
      "caveats that are a string",
      `{"i":"id","c":"a",${s64}}`,
      "json member c is not an array",
    ),
    json("v2-json", "an identifier that is a number", `{"i":1,${s64}}`, "json member i is not a string"),
    json("v2-json", "an unknown member", `{"i":"id","x":1,${s64}}`, "unknown json member"),
    json(
      "v2-json",
      "a member of the other version",
      `{"i":"id","location":"l",${s64}}`,
      "unknown json member",
    ),
    json(
      "v2-json",
      "an unknown member of a caveat",
      `{"i":"id","c":[{"i":"a","cid":"a"}],${s64}}`,
      "unknown json member",
    ),
    json("v2-json", "a duplicate member", `{"i":"id","i":"id",${s64}}`, "json: duplicate_member"),
    json("v2-json", "a lone surrogate", `{"i":"\\ud800",${s64}}`, "json: lone_surrogate"),
    json("v2-json", "deep nesting", `{"i":[[[[[1]]]]],${s64}}`, "json: too_deep"),
    json("v2-json", "data after it", `{"i":"id",${s64}}x`, "json: syntax"),
    json("v2-json", "base64 of two alphabets", `{"i64":"-_+/",${s64}}`, "base64 of two alphabets"),
    json(
      "v2-json",
      "257 caveats",
      `{"i":"id","c":[${Array(257).fill(`{"i":""}`)}],${s64}}`,
      "more than 256 caveats",
      "too_large",
    ),
    json(
      "v2-json",
      "a caveat of 4097 bytes",
      `{"i":"id","c":[{"i":"${"a".repeat(4097)}"}],${s64}}`,
      "caveat of more than 4096 bytes",
      "too_large",
    ),
    json(
      "v2-json",
      "a caveat of 4098 bytes of two-byte letters",
      `{"i":"id","c":[{"i":"${"é".repeat(2049)}"}],${s64}}`,
      "caveat of more than 4096 bytes",
      "too_large",
    ),
    json(
      "v2-json",
      "a string of 9000 characters",
      `{"i":"${"a".repeat(9000)}",${s64}}`,
      "field of more than 4096 bytes",
      "too_large",
    ),
    json("v2-json", "an array without macaroons", "[]", "no macaroon"),
    json("v2-json", "an array of something else", "[1]", "not a json object"),
    json("v2-json", "an array in an array", `[[{"i":"id",${s64}}]]`, "not a json object"),
    json("v2-json", "an empty object", "{}", "no identifier where one is due"),
    json(
      "v2-json",
      "33 discharges",
      `[${Array(34).fill(`{"i":"id",${s64}}`)}]`,
      "more than 32 discharges",
      "too_large",
    ),

    json(
      "v1-json",
      "no location",
      `{"identifier":"id","signature":"${SIGNATURE_HEX}"}`,
      "no json member location",
    ),
    json(
      "v1-json",
      "no identifier",
      `{"location":"l","signature":"${SIGNATURE_HEX}"}`,
      "no json member identifier",
    ),
    json("v1-json", "no signature", `{"location":"l","identifier":"id"}`, "no json member signature"),
    json(
      "v1-json",
      "a signature in base64",
      `{"location":"l","identifier":"id","signature":"${SIGNATURE_64}"}`,
      "signature is not 64 lower-case hexadecimal digits",
    ),
    json(
      "v1-json",
      "a signature in upper case",
      `{"location":"l","identifier":"id","signature":"${SIGNATURE_HEX.toUpperCase()}"}`,
      "signature is not 64 lower-case hexadecimal digits",
    ),
    json("v1-json", "a caveat without an id", `{${good1},"caveats":[{"vid":"YQ"}]}`, "no json member cid"),
    json(
      "v1-json",
      "a first-party caveat with a location",
      `{${good1},"caveats":[{"cid":"a","cl":"l"}]}`,
      "location in a first-party caveat",
    ),
    json(
      "v1-json",
      "a verification id that is not base64",
      `{${good1},"caveats":[{"cid":"a","vid":"?"}]}`,
      "base64 of an impossible length",
    ),
    json("v1-json", "an unknown member", `{${good1},"caveats":[],"v":1}`, "unknown json member"),
    json(
      "v1-json",
      "257 caveats",
      `{${good1},"caveats":[${Array(257).fill(`{"cid":""}`)}]}`,
      "more than 256 caveats",
      "too_large",
    ),
    json(
      "v1-json",
      "a caveat of 4097 bytes",
      `{${good1},"caveats":[{"cid":"${"a".repeat(4097)}"}]}`,
      "caveat of more than 4096 bytes",
      "too_large",
    ),

    bundle("nothing", "", "no macaroon"),
    bundle("a space before", ` ${BARE}`, "not base64"),
    bundle("a newline after", `${BARE}\n`, "not base64"),
    bundle("a newline within", `${BARE.slice(0, 20)}\n${BARE.slice(20)}`, "not base64"),
    bundle("two alphabets", "-_+/", "base64 of two alphabets"),
    bundle("spare bits", `${BARE.slice(0, -1)}${BARE.endsWith("w") ? "x" : "h"}`, "base64 with spare bits"),
    bundle("half padding", `${base64([2])}=`, "base64 with wrong padding"),
    bundle("padding where none is due", `${"A".repeat(8)}=`, "base64 with wrong padding"),
    bundle("padding within", `${base64([2])}==${base64([2])}`, "not base64"),
    bundle("one character too many", `${"A".repeat(9)}`, "base64 of an impossible length"),
    bundle("a character beyond ASCII", "Ａ===", "not base64"),
    bundle("a quoted token", `"${BARE}`, "not base64"),
    bundle("a comma between macaroons", `${BARE},${BARE}`, "not base64"),
    bundle("v1 after v2", base64([...HEAD, ...END, ...V1_HEAD, ...V1_END]), "not a v2 macaroon"),
    bundle(
      "33 discharges",
      base64(
        Array(34)
          .fill([...HEAD, ...END])
          .flat(),
      ),
      "more than 32 discharges",
      "too_large",
    ),
  ];
}
