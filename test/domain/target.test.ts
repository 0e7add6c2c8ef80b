/** The target of a call that a proof names: one form for each, and none for what reads in two ways. */
import fc from "fast-check";
import { expect, test } from "vitest";

import { targetOf } from "../../src/domain/holder/target.ts";

test.each([
  ["https://api.example", "https://api.example/"],
  ["https://api.example/", "https://api.example/"],
  ["HTTPS://API.Example:443/A", "https://api.example/A"],
  ["http://api.example:80/a?b=c#d", "http://api.example/a"],
  ["https://api.example?b", "https://api.example/"],
  ["https://api.example#b", "https://api.example/"],
  ["https://api.example:8443/a", "https://api.example:8443/a"],
  ["https://api.example/a/./b/../c", "https://api.example/a/c"],
  ["https://api.example/%7euser/%2f%2F", "https://api.example/~user/%2F%2F"],
  ["https://api.example/@me:x", "https://api.example/@me:x"],
  ["https://api.example//a/", "https://api.example//a/"],
  ["https://[2001:DB8::1]:443/a", "https://[2001:db8::1]/a"],
  ['https://api.example/a?q={"x":1} ^', "https://api.example/a"],
])("%s is %s", (uri, target) => {
  expect(targetOf(uri)).toBe(target);
  expect(targetOf(target)).toBe(target);
});

test.each([
  "",
  "/a",
  "api.example/a",
  "ftp://api.example/a",
  "wss://api.example/a",
  "https:/api.example/a",
  "https:api.example/a",
  "https:///a",
  "https://user@api.example/a",
  "https://user:pass@api.example/a",
  "https://@api.example/a",
  "https://api.example:99999/a",
  "https://api.example\\a",
  "https://api.example/a\\b",
  "https://api.example/a b",
  "https://api.example/%zz",
  "https://api.example/%",
  " https://api.example/a",
  "https://api.example/a\t",
  "https://api.exam\nple/a",
  "https://api.example/\u00e9",
  "https://\u0430pi.example/a",
  `https://api.example/${"a".repeat(8_192)}`,
])("%j is none", (uri) => expect(targetOf(uri)).toBeUndefined());

test("the form is stable, and origin and path of another URI are never taken for it", () => {
  const part = fc.stringMatching(/^[a-zA-Z0-9%.@:~-]{0,6}$/);
  fc.assert(
    fc.property(fc.array(part, { maxLength: 4 }), (parts) => {
      const target = targetOf(`https://api.example/${parts.join("/")}`);
      if (target === undefined) return;
      expect(targetOf(target)).toBe(target);
      expect(target.startsWith("https://api.example/")).toBe(true);
      expect(target).not.toMatch(/\/\.\.?(?:\/|$)/);
    }),
  );
});
