import { randomBytes } from "node:crypto";

import { expect, test } from "vitest";

import { createSearch } from "./search.ts";

const secret = { name: "the canary", bytes: new Uint8Array(randomBytes(32)) };
const search = createSearch([
  ...Array.from({ length: 50 }, (_, index) => ({ name: `another ${index}`, bytes: randomBytes(32) })),
  secret,
]);
const buffer = Buffer.from(secret.bytes);
const hex = buffer.toString("hex");
const around = (before: number, after: number) =>
  Buffer.concat([randomBytes(before), buffer, randomBytes(after)]);

test.each<readonly [string, string | Uint8Array]>([
  ["raw bytes", around(1_000, 7)],
  ["raw bytes at the very start", around(0, 0)],
  ["hex", `\\x${hex}`],
  ["upper-case hex", hex.toUpperCase()],
  ["hex with spaces", hex.replace(/../g, "$& ")],
  ["a printed Buffer", `<Buffer ${hex.replace(/..(?!$)/g, "$& ")}>`],
  ["a Buffer's JSON", JSON.stringify(buffer)],
  ["a Uint8Array's JSON", JSON.stringify(secret.bytes)],
  ["a printed Uint8Array", String(secret.bytes)],
  ["base64", buffer.toString("base64")],
  ["base64url", buffer.toString("base64url")],
  ...[0, 1, 2, 3, 4, 5].flatMap((before) =>
    (["base64", "base64url"] as const).map((alphabet): [string, string] => [
      `${alphabet} of it behind ${before} bytes`,
      around(before, 5).toString(alphabet),
    ]),
  ),
])("is found as %s", (_, planted) => {
  const haystack = typeof planted === "string" ? new TextEncoder().encode(planted) : planted;
  const found = search.in(haystack);
  expect(found.length).toBeGreaterThan(0);
  expect(new Set(found.map((finding) => finding.secret))).toEqual(new Set(["the canary"]));
});

test("is found each time, at its place", () => {
  const haystack = Buffer.concat([randomBytes(100), buffer, randomBytes(9), buffer]);
  expect(search.in(haystack).map(({ offset }) => offset)).toEqual([100, 141]);
});

test("is not found where it is not, nor where a part of it is", () => {
  expect(search.in(randomBytes(1_000_000))).toEqual([]);
  expect(search.in(buffer.subarray(0, 31))).toEqual([]);
  expect(search.in(new Uint8Array())).toEqual([]);
});

test("is refused where chance would find it", () => {
  expect(() => createSearch([{ name: "a short one", bytes: randomBytes(4) }])).toThrow("too few");
});
