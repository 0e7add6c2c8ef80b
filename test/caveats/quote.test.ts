/** How a text of anybody's is shown in a sentence of the service. */
import { describe, expect, test } from "vitest";

import { bareOrQuoted, printable, quote } from "../../src/caveats/values/quote.ts";

describe("a word stands as itself", () => {
  test.each([
    "a",
    "Z",
    "0",
    "*",
    "_",
    "/",
    "read",
    "repo:acme/web",
    "a_b.c:d/e@f*g+h#i-j",
    "**",
    "10.0.0.0/8",
  ])("%s", (text) => expect(bareOrQuoted(text)).toBe(text));

  // A word that says more is none inside another one.
  test.each(["recall", "allow", "notary", "orders", "fort", "ending", "ifs", "xor"])("%s", (text) =>
    expect(bareOrQuoted(text)).toBe(text),
  );

  test.each(["", ".a", ":a", "@a", "+1", "#1", "-1", "a b", "a,b", 'a"', "a'", "a(", "é", "aé", "a\u200b"])(
    "but not %j",
    (text) => expect(bareOrQuoted(text)).toMatch(/^".*"$/),
  );

  test("as long as a sentence shows it whole", () => {
    expect(bareOrQuoted("a".repeat(80))).toBe("a".repeat(80));
    expect(bareOrQuoted("a".repeat(81))).toBe(`"${"a".repeat(80)}"…`);
    expect(bareOrQuoted("abc", 3)).toBe("abc");
    expect(bareOrQuoted("abcd", 3)).toBe('"abc"…');
  });
});

describe("a word that would say more in a sentence stands in quotes", () => {
  test.each([
    ...[
      "all",
      "always",
      "and",
      "any",
      "anyone",
      "anything",
      "but",
      "else",
      "every",
      "everyone",
      "everything",
    ],
    ...["except", "forever", "if", "never", "no", "none", "not", "nothing", "only", "or", "than", "then"],
    ...["unless", "unlimited", "until", "whatever", "when", "with", "without"],
  ])("%s", (word) => {
    for (const text of [word, word.toUpperCase(), `a-${word}`, `${word}-a`, `a/${word}/b`, `1${word}2`]) {
      expect(bareOrQuoted(text)).toBe(`"${text}"`);
    }
  });
});

describe("what could deceive is escaped", () => {
  test.each([
    ["\u0000", "\\u{0}"],
    ["\u001b", "\\u{1b}"],
    ["\u007f", "\\u{7f}"],
    ["\u0085", "\\u{85}"],
    ["\u00a0", "\\u{a0}"],
    ["\u00ad", "\\u{ad}"],
    ["\u200b", "\\u{200b}"],
    ["\u202e", "\\u{202e}"],
    ["\u2028", "\\u{2028}"],
    ["\u3000", "\\u{3000}"],
    ["\u3164", "\\u{3164}"],
    ["\ufe0f", "\\u{fe0f}"],
    ["\ue000", "\\u{e000}"],
    ["\u{e0001}", "\\u{e0001}"],
    ["\u{10ffff}", "\\u{10ffff}"],
    ["\ud800", "\\u{d800}"],
  ])("%j", (character, shown) => {
    expect(quote(`a${character}b`)).toBe(`"a${shown}b"`);
    expect(printable(`a${character}b`, 80)).toBe(`a${shown}b`);
  });

  test.each(['a"b', "a\\b"])("in quotes %s too", (text) => {
    expect(quote(text)).toBe(`"a\\${text.slice(1)}"`);
    expect(printable(text, 80)).toBe(text);
  });

  test.each(["a b", " ", "", "é", "漢字", "a~!#[]{}|", "\u{1f600}"])("and not %j", (text) => {
    expect(quote(text)).toBe(`"${text}"`);
    expect(printable(text, 80)).toBe(text);
  });
});

describe("what is long is cut between characters", () => {
  test.each([
    ["abc", 3, '"abc"', "abc"],
    ["abcd", 3, '"abc"…', "abc…"],
    ["a\u0000\u0000c", 3, '"a\\u{0}\\u{0}"…', "a\\u{0}\\u{0}…"],
    ["éab", 2, '"éa"…', "éa…"],
    ["\u{1f600}\u{1f600}", 2, '"\u{1f600}\u{1f600}"', "\u{1f600}\u{1f600}"],
    ["\u{1f600}\u{1f600}\u{1f600}", 2, '"\u{1f600}\u{1f600}"…', "\u{1f600}\u{1f600}…"],
    ["\uffff\uffffa", 2, '"\\u{ffff}\\u{ffff}"…', "\\u{ffff}\\u{ffff}…"],
  ])("%j after %i", (text, most, quoted, printed) => {
    expect(quote(text, most)).toBe(quoted);
    expect(printable(text, most)).toBe(printed);
  });

  test("after eighty in quotes, unless said", () => {
    expect(quote("a".repeat(80))).toBe(`"${"a".repeat(80)}"`);
    expect(quote("a".repeat(81))).toBe(`"${"a".repeat(80)}"…`);
  });
});
