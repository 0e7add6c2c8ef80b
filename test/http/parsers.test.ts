import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { MAX_CREDENTIAL, parseAuthorization } from "../../src/http/parts/authorization.ts";
import { readCookie, setCookie } from "../../src/http/parts/cookies.ts";
import { plainAddress } from "../../src/http/parts/peer.ts";
import { safeReturnTo } from "../../src/http/parts/return-to.ts";
import { fromBase64url, toBase64url } from "../../src/http/wire/base64url.ts";
import { processorTime } from "../support/processor-time.ts";

const ORIGIN = new URL("https://bakehouse.example");

describe("Authorization", () => {
  test.each([
    ["Bearer abc", "abc"],
    ["bearer abc", "abc"],
    ["BEARER abc", "abc"],
    ["Bearer    abc", "abc"],
    ["Bearer a-._~+/b==", "a-._~+/b=="],
    [`Bearer ${"a".repeat(MAX_CREDENTIAL - 7)}`, "a".repeat(MAX_CREDENTIAL - 7)],
  ])("%.40s is a credential", (header, token) => {
    expect(parseAuthorization(header)).toEqual({ kind: "bearer", token });
  });

  test.each([
    "",
    " ",
    "Bearer",
    "Bearer ",
    "Bearerabc",
    "Bearer\tabc",
    "Bearer abc ",
    " Bearer abc",
    "Bearer abc def",
    "Bearer abc,def",
    "Bearer abc, Bearer def",
    "Basic YTpi",
    "Bearer =abc",
    "Bearer ab=c",
    "Bearer a\u0000b",
    "Bearer é",
    `Bearer ${"a".repeat(MAX_CREDENTIAL - 6)}`,
  ])("%.40j is malformed and never absent", (header) => {
    expect(parseAuthorization(header).kind).toBe("malformed");
  });

  test("no header is absent", () => {
    expect(parseAuthorization(null)).toEqual({ kind: "absent" });
  });

  test("a refusal repeats nothing of the header", () => {
    fc.assert(
      fc.property(fc.string({ minLength: 12 }), (header) => {
        const read = parseAuthorization(header);
        return read.kind !== "malformed" || !read.detail.includes(header);
      }),
    );
  });

  test("a hostile header costs linear time", () => {
    const spent = processorTime(() => {
      parseAuthorization(`Bearer ${"=".repeat(65_000)}`);
      parseAuthorization(`Bearer${" ".repeat(65_000)}`);
      parseAuthorization(`Bearer ${"a=".repeat(32_000)}`);
    });
    expect(spent).toBeLessThan(1_000);
  });
});

describe("cookies", () => {
  test.each([
    ["bakehouse=abc", "abc"],
    ["a=b; bakehouse=abc; c=d", "abc"],
    ["a=b;bakehouse=abc", "abc"],
    ["bakehouse=A-Z.a_z~09", "A-Z.a_z~09"],
  ])("%s has the session", (header, value) => {
    expect(readCookie(header, "bakehouse")).toBe(value);
  });

  test.each([
    null,
    "",
    "bakehouse",
    "bakehouse=",
    "bakehouse=a b",
    'bakehouse="abc"',
    "bakehouse=a%20b",
    "bakehouse=a; bakehouse=a",
    "Bakehouse=abc",
    "xbakehouse=abc",
    "__Host-bakehouse=abc",
    "bakehouse-login=abc",
    `bakehouse=${"a".repeat(4097)}`,
  ])("%.40j has none", (header) => {
    expect(readCookie(header, "bakehouse")).toBeUndefined();
  });

  test("a life is never negative or broken", () => {
    expect(setCookie("n", "v", -5, false)).toContain("Max-Age=0;");
    expect(setCookie("n", "v", 1.9, false)).toContain("Max-Age=1;");
  });
});

describe("return_to", () => {
  test.each([
    ["/", "/"],
    ["/docs", "/docs"],
    ["/a/b?c=d&e=%2F%2Ff#g", "/a/b?c=d&e=%2F%2Ff#g"],
    [`/${"a".repeat(2047)}`, `/${"a".repeat(2047)}`],
    ["/ü x", "/%C3%BC%20x"],
    ["/a/../b", "/b"],
    ["/?next=https://evil.example", "/?next=https://evil.example"],
    ["/%2F%2Fevil.example", "/%2F%2Fevil.example"],
    ["/@evil.example", "/@evil.example"],
  ])("%.40s returns to %.40s", (text, path) => {
    expect(safeReturnTo(text, ORIGIN)).toBe(path);
  });

  test.each([
    "",
    "docs",
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "\\/evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    "\t//evil.example",
    "/a\\b",
    "/.//evil.example",
    "/..//evil.example",
    "/a/..//evil.example",
    "/%2e//evil.example",
    "https://evil.example/",
    "https://bakehouse.example/docs",
    "https:/evil.example",
    "javascript:alert(1)",
    " /docs",
    "/docs\u0000",
    "/docs\u0085",
    "/login",
    "/login?return_to=/",
    "/callback?code=x",
    "/logout",
    `/${"a".repeat(2048)}`,
    `/${"ü".repeat(400)}`,
  ])("%.40j is refused", (text) => {
    expect(safeReturnTo(text, ORIGIN)).toBeUndefined();
  });

  test("whatever is accepted stays on the origin, and is a header's text", () => {
    const piece = fc.constantFrom(
      "/",
      "\\",
      "..",
      ".",
      "//",
      "%2f",
      "@",
      ":",
      "?",
      "#",
      "\t",
      "\n",
      " ",
      "evil.example",
      "ü",
      "http:",
    );
    const text = fc.oneof(
      fc.string(),
      fc.array(piece, { maxLength: 8 }).map((pieces) => `/${pieces.join("")}`),
    );
    fc.assert(
      fc.property(text, (candidate) => {
        const path = safeReturnTo(candidate, ORIGIN);
        if (path === undefined) return;
        expect(new URL(path, ORIGIN).origin).toBe(ORIGIN.origin);
        expect(path).toMatch(/^\/(?!\/)[\x21-\x7e]*$/);
      }),
      { numRuns: 2000 },
    );
  });
});

describe("the peer's address", () => {
  test.each([
    ["127.0.0.1", "127.0.0.1"],
    ["::ffff:192.0.2.1", "192.0.2.1"],
    ["::FFFF:192.0.2.1", "192.0.2.1"],
    ["2001:db8::1", "2001:db8::1"],
    ["fe80::1%eth0", "fe80::1"],
    ["::1", "::1"],
  ])("%s is named %s", (address, named) => {
    expect(plainAddress(address)).toBe(named);
  });
});

describe("base64url", () => {
  test("each value has one text", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        expect(fromBase64url(toBase64url(bytes))).toEqual(bytes);
      }),
    );
  });

  test.each(["A", "AB", "AA==", "A A", "A+/A", "AAA!", "\u00e9"])("%s is none", (text) => {
    expect(fromBase64url(text)).toBeUndefined();
  });
});
