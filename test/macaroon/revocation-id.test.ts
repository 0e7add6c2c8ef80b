import { createHash } from "node:crypto";

import { describe, expect, test } from "vitest";

import { chainOf, defaultHmac, parseRevocationId, revocationId, verify } from "../../src/macaroon/index.ts";
import { KEY, rootWith, utf8, verified } from "./support.ts";

const tail = rootWith("a = 1").signature;

test("is the first half of a hash of the tail, under a name and a zero byte", () => {
  const hash = createHash("sha256").update("bakehouse revocation v1\0").update(tail).digest().subarray(0, 16);
  const { bytes, text } = revocationId(tail);
  expect(Buffer.from(bytes).equals(hash)).toBe(true);
  expect(text).toBe(hash.toString("base64url"));
  expect(text).toHaveLength(22);
});

test("of a known tail is known: other implementations can check against it", () => {
  expect(revocationId(new Uint8Array(32)).text).toBe("c-Z1q2omGR_iisqWJppOQQ");
});

test("a link keeps its id however far the macaroon is narrowed below it", () => {
  const parent = verified(verify({ root: rootWith("a = 1"), rootKey: KEY }));
  const child = verified(verify({ root: rootWith("a = 1", "b = 2"), rootKey: KEY }));
  expect(child.revocationIds.slice(0, 2)).toEqual(parent.revocationIds);
  const sibling = verified(verify({ root: rootWith("a = 1", "b = 3"), rootKey: KEY }));
  expect(sibling.revocationId.text).not.toBe(child.revocationId.text);
});

test("another hash function can be plugged in, and is used", () => {
  const sha256 = () => utf8("0123456789abcdef0123456789abcdef");
  const macaroon = verified(
    verify({ root: rootWith("a = 1"), rootKey: KEY, chain: chainOf(defaultHmac, sha256) }),
  );
  expect(macaroon.revocationIds.map(({ bytes }) => Buffer.from(bytes).toString())).toEqual(
    Array(2).fill("0123456789abcdef"),
  );
});

test("is refused of bytes that are no tail", () => {
  for (const length of [0, 16, 31, 33]) expect(() => revocationId(new Uint8Array(length))).toThrow(/tail/);
});

describe("its text", () => {
  test("reads back", () => {
    const id = revocationId(tail);
    expect(parseRevocationId(id.text)).toEqual(id);
  });

  test.each([
    "",
    "A",
    "A".repeat(21),
    `${"A".repeat(21)}B`,
    "A".repeat(23),
    `${"A".repeat(22)}==`,
    `${"A".repeat(20)}+A`,
    `${"A".repeat(21)} `,
    "é".repeat(22),
  ])("is nothing else: %j", (text) => expect(parseRevocationId(text)).toBeUndefined());
});
