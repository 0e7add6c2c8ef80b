/** What somebody is told that they probably meant. */
import { describe, expect, test } from "vitest";

import { distanceOf, nearest, nearestName } from "../../src/words/near.ts";

describe("the distance of two texts", () => {
  test.each([
    ["", "", 0],
    ["", "abc", 3],
    ["abc", "abc", 0],
    ["bc", "abc", 1],
    ["ac", "abc", 1],
    ["ab", "abc", 1],
    ["xbc", "abc", 1],
    ["axc", "abc", 1],
    ["abx", "abc", 1],
    ["ba", "ab", 1],
    ["bac", "abc", 1],
    ["acb", "abc", 1],
    ["abdc", "abcd", 1],
    ["badc", "abcd", 2],
    ["cba", "abc", 2],
    ["xyz", "abc", 3],
    ["ca", "abc", 3],
    ["kitten", "sitting", 3],
    ["agnet", "agent", 1],
    ["resuorce", "resource", 1],
    ["aaa", "a", 2],
    ["abab", "baba", 2],
  ])("%j and %j: %i", (one, other, distance) => {
    expect(distanceOf(one, other)).toBe(distance);
    expect(distanceOf(other, one)).toBe(distance);
  });
});

describe("the word that a text is most likely meant for", () => {
  const WORDS = ["issue", "verify", "revoke", "read", "discharge", "it"];

  test.each<[string, string | undefined]>([
    ["iss", "issue"],
    ["is", undefined],
    ["isue", "issue"],
    ["issuxx", undefined],
    ["veirfy", "verify"],
    ["verxxy", "verify"],
    ["vexxxy", undefined],
    ["raed", "read"],
    ["redd", "read"],
    ["raedd", undefined],
    ["ix", undefined],
    ["voke", "revoke"],
    ["discharges", "discharge"],
    ["", undefined],
    ["something else", undefined],
  ])("%j: %j", (text, word) => expect(nearest(text, WORDS)).toBe(word));

  test("a word of two letters too many is one of six letters or more", () => {
    expect(nearest("abcdexx", ["abcde"])).toBeUndefined();
    expect(nearest("abcdefxx", ["abcdef"])).toBe("abcdef");
    expect(nearest("abcdefxxx", ["abcdef"])).toBeUndefined();
  });

  test("is the nearest one, and the first of those that are equally near", () => {
    expect(nearest("revole", ["reboke", "revoke"])).toBe("revoke");
    expect(nearest("revole", ["revoke", "reboke"])).toBe("revoke");
    expect(nearest("revoxe", ["revone", "revoke"])).toBe("revone");
  });

  test("is held against words of three letters and more, unless said otherwise", () => {
    expect(nearest("axc", ["abc"])).toBe("abc");
    expect(nearest("ac", ["ab"])).toBeUndefined();
    expect(nearest("ac", ["ab"], 2)).toBe("ab");
    expect(nearest("axc", ["abc"], 4)).toBeUndefined();
    expect(nearest("abc", ["abcdef"], 4)).toBeUndefined();
  });

  test("is none for a text of more than forty letters", () => {
    const words = ["a".repeat(41), "b".repeat(42)];
    expect(nearest("a".repeat(40), words)).toBe(words[0]);
    expect(nearest("b".repeat(41), words)).toBeUndefined();
  });
});

describe("the name that another one is most likely meant for", () => {
  const NAMES = ["token", "issued_before", "revocation_id", "successors"];

  test.each<[string, string | undefined]>([
    ["issuedBefore", "issued_before"],
    ["I_S_S_U_E_D_before", "issued_before"],
    ["RevocationID", "revocation_id"],
    ["tokne", "token"],
    ["t", "token"],
    ["token_identifier", "token"],
    ["a_token", undefined],
    ["before", undefined],
    ["", undefined],
  ])("%j: %j", (name, other) => expect(nearestName(name, NAMES)).toBe(other));

  test("another spelling comes before a beginning, and that before what is gone beyond", () => {
    expect(nearestName("aB", ["aBc", "a_b"])).toBe("a_b");
    expect(nearestName("abc", ["ab", "abcdef"])).toBe("abcdef");
  });

  test("is none for a name of more than forty letters", () => {
    expect(nearestName("A".repeat(40), ["a".repeat(40)])).toBe("a".repeat(40));
    expect(nearestName("A".repeat(41), ["a".repeat(41)])).toBeUndefined();
  });
});
