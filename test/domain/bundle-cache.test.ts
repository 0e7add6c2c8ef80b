import { describe, expect, test } from "vitest";

import { bundleKey, createBundleCache, isKeepable } from "../../src/domain/memory/bundle-cache.ts";
import { createSightings } from "../../src/domain/memory/sightings.ts";

const MEBIBYTE = 1024 * 1024;

describe("the key of a bundle", () => {
  const parts: readonly [string, readonly string[], string | undefined][] = [
    ["abcd", [], "shop"],
    ["abcd", [], "bank"],
    ["abcd", [], undefined],
    ["abcde", [], "shop"],
    ["abc", [], "shop"],
    ["ABCD", [], "shop"],
    ["abcd", ["ef"], "shop"],
    ["abcdef", [], "shop"],
    ["ab", ["cd"], "shop"],
    ["ef", ["abcd"], "shop"],
    ["abcd", ["ef", ""], "shop"],
    ["abcd", [""], "shop"],
    ["abcd", ["ef", "gh"], "shop"],
    ["abcd", ["gh", "ef"], "shop"],
    ["", ["abcd", "ef"], "shop"],
    // Texts that no decoder takes, and so none that is kept.
    ["abcd ef", [], "shop"],
    ["abcd", ["ef gh"], "shop"],
    ["abcd ef", ["gh"], "shop"],
    ["abcd ", [], "shop"],
    ["shop abcd", [], undefined],
    ["0 shop abcd", [], undefined],
  ];

  test("is another one for every text, every cut between texts and every platform that asks", () => {
    for (const [index, kept] of parts.entries()) {
      if (!isKeepable(kept[0], kept[1])) continue;
      for (const [other, asked] of parts.entries()) {
        expect(bundleKey(...kept) === bundleKey(...asked), `${kept} and ${asked}`).toBe(index === other);
      }
    }
  });

  test.each([
    ["a text", "x".repeat(8_192), [], true],
    ["a text that is longer", "x".repeat(8_193), [], false],
    ["texts together", "x".repeat(4_096), ["x".repeat(4_097)], false],
  ])("is only made where the engine hashes all of it: %s", (_name, text, more, made) => {
    expect(bundleKey(text, more, "shop") !== undefined).toBe(made);
  });
});

describe("sightings", () => {
  const signature = (...bytes: readonly number[]) => Uint8Array.from({ ...bytes, length: 32 });

  test("tell the second presentation from the first", () => {
    const sightings = createSightings();
    expect(sightings.again(signature(1, 2, 3, 4, 5, 6))).toBe(false);
    expect(sightings.again(signature(1, 2, 3, 4, 5, 6))).toBe(true);
    expect(sightings.again(signature(1, 2, 3, 4, 5, 7))).toBe(false);
    expect(sightings.again(signature(2, 2, 3, 4, 5, 6))).toBe(false);
    expect(sightings.again(signature(255, 255, 255, 255, 255, 255))).toBe(false);
    expect(sightings.again(signature(255, 255, 255, 255, 255, 255))).toBe(true);
  });
});

describe("a cache of bundles", () => {
  test("finds what was kept under the very key", () => {
    const cache = createBundleCache<string>(MEBIBYTE);
    cache.keep("abcd", "one", 100);
    expect(["abcd", "abc", "abcde", "abce", "ABCD", ""].map((key) => cache.find(key))).toEqual([
      "one",
      ...Array(5).fill(undefined),
    ]);
  });

  test("what is kept again replaces what was kept before, and counts once", () => {
    const cache = createBundleCache<string>(MEBIBYTE);
    for (const found of [false, true]) {
      cache.keep("a", "old", 500);
      if (found) cache.find("a");
      cache.keep("a", "new", 100);
      expect([cache.find("a"), cache.size, cache.bytes]).toEqual(["new", 1, 100]);
    }
  });

  test.each([
    ["kept once", 1],
    ["each found again", 2],
  ])("a flood, %s, stays within the bound", (_name, times) => {
    const cache = createBundleCache<number>(MEBIBYTE);
    let most = 0;
    for (let index = 0; index < 20_000; index++) {
      cache.keep(`flood ${index}`, index, 2_000);
      for (let time = 1; time < times; time++) expect(cache.find(`flood ${index}`)).toBe(index);
      most = Math.max(most, cache.bytes);
    }
    expect(most).toBeLessThanOrEqual(MEBIBYTE);
    expect(most).toBeGreaterThan(MEBIBYTE / 2);
    expect(cache.size * 2_000).toBe(cache.bytes);
  });

  test("the bound is of bytes: few large ones, and one that is too large not at all", () => {
    const cache = createBundleCache<string>(MEBIBYTE);
    for (let index = 0; index < 1_000; index++) cache.keep(`large ${index}`, "large", 15_000);
    expect(cache.bytes).toBeLessThanOrEqual(MEBIBYTE);
    expect(cache.size).toBeLessThan(70);
    cache.keep("too large", "too large", MEBIBYTE + 1);
    expect(cache.find("too large")).toBeUndefined();
    expect(cache.size).toBeGreaterThan(50);
  });

  test("a flood that is not found again leaves the hot set alone, however long it lasts", () => {
    const cache = createBundleCache<string>(MEBIBYTE);
    const hot = Array.from({ length: 100 }, (_, index) => `hot ${index}`);
    for (const one of hot) cache.keep(one, "hot", 5_000);
    for (const one of hot) cache.find(one);
    for (let index = 0; index < 50_000; index++) cache.keep(`flood ${index}`, "flood", 5_000);
    expect(hot.filter((one) => cache.find(one) === "hot")).toHaveLength(100);
  });

  test("a flood that is found again leaves what is found more often than it", () => {
    const cache = createBundleCache<string>(MEBIBYTE);
    const hot = Array.from({ length: 50 }, (_, index) => `hot ${index}`);
    for (const one of hot) cache.keep(one, "hot", 5_000);
    let lost = 0;
    for (let index = 0; index < 10_000; index++) {
      cache.keep(`flood ${index}`, "flood", 5_000);
      cache.find(`flood ${index}`);
      if (index % 2 > 0) continue;
      if (cache.find(`hot ${(index / 2) % hot.length}`) === undefined) lost++;
    }
    expect(lost).toBe(0);
  });

  test("a hot set that has gone cold makes room for another", () => {
    const cache = createBundleCache<string>(MEBIBYTE);
    for (const set of ["first", "second", "third"]) {
      const hot = Array.from({ length: 120 }, (_, index) => `${set} ${index}`);
      // In no order that repeats: a cycle longer than the part on trial would find nothing there.
      for (let step = 0, place = 1; step < 2_000; step++) {
        place = (place * 48_271) % 2_147_483_647;
        const one = hot[place % hot.length] ?? "";
        if (cache.find(one) === undefined) cache.keep(one, set, 5_000);
      }
      expect(hot.filter((one) => cache.find(one) === set).length).toBeGreaterThan(110);
      expect(cache.bytes).toBeLessThanOrEqual(MEBIBYTE);
    }
  });
});
