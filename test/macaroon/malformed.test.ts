import { expect, test } from "vitest";
import { decodeBinary, decodeBundle } from "../../src/macaroon/index.ts";
import { decodeBase64 } from "../../src/macaroon/parts/base64.ts";
import { vectorsOf } from "../vectors/files.ts";

const vectors = vectorsOf("malformed.json");

test.each(vectors)("$format: $name is $code: $detail", ({ format, token, code, detail }) => {
  expect(decodeBundle(token)).toEqual({ ok: false, code, detail });
  expect(decodeBundle(new TextEncoder().encode(token))).toEqual({ ok: false, code, detail });
  if (format === "v1" || format === "v2")
    expect(decodeBinary(decodeBase64(token))).toEqual({ ok: false, code, detail });
});

test("names are unique within a format", () => {
  expect(new Set(vectors.map(({ format, name }) => `${format} ${name}`)).size).toBe(vectors.length);
});
