import { describe, expect, test } from "vitest";

import { DomainError } from "../../src/domain/parts/error.ts";
import { createLookUp } from "../../src/domain/parts/look-up.ts";
import { createManualClock } from "./manual.ts";

function setUp(options: { perSecond?: number; found?: ReadonlyMap<string, string> } = {}) {
  const { clock, advance } = createManualClock();
  const asked: string[] = [];
  const answers = new Map<
    string,
    { resolve(value: string | undefined): void; reject(error: unknown): void }
  >();
  const lookUp = createLookUp<string>({
    load(id) {
      asked.push(id);
      if (options.found !== undefined) return Promise.resolve(options.found.get(id));
      const { promise, resolve, reject } = Promise.withResolvers<string | undefined>();
      answers.set(id, { resolve, reject });
      return promise;
    },
    clock,
    perSecond: options.perSecond ?? 100,
    missMilliseconds: 1_000,
  });
  return { lookUp, asked, answers, advance };
}

describe("a look-up", () => {
  test("of one id by many at once is one query with one answer", async () => {
    const { lookUp, asked, answers } = setUp();
    const all = Promise.all(Array.from({ length: 20 }, () => lookUp.find("a")));
    answers.get("a")?.resolve("A");
    expect(await all).toEqual(Array(20).fill("A"));
    expect(asked).toEqual(["a"]);
  });

  test("of another id meanwhile does not wait for it", async () => {
    const { lookUp, asked, answers } = setUp();
    const first = lookUp.find("a");
    const second = lookUp.find("b");
    answers.get("b")?.resolve("B");
    expect(await second).toBe("B");
    answers.get("a")?.resolve("A");
    expect(await first).toBe("A");
    expect(asked).toEqual(["a", "b"]);
  });

  test("of an absent id is remembered for a while, and no longer", async () => {
    const { lookUp, asked, advance } = setUp({ found: new Map() });
    expect(await lookUp.find("a")).toBeUndefined();
    advance(999);
    expect(await lookUp.find("a")).toBeUndefined();
    expect(asked).toEqual(["a"]);
    advance(1);
    expect(await lookUp.find("a")).toBeUndefined();
    expect(asked).toEqual(["a", "a"]);
  });

  test("that finds something remembers nothing: that is the caller's", async () => {
    const { lookUp, asked } = setUp({ found: new Map([["a", "A"]]) });
    await lookUp.find("a");
    await lookUp.find("a");
    expect(asked).toEqual(["a", "a"]);
  });

  test("that fails fails for everyone who waits, is not taken for an absence, and is tried again", async () => {
    const { lookUp, asked, answers } = setUp();
    const all = Promise.allSettled([lookUp.find("a"), lookUp.find("a")]);
    answers.get("a")?.reject(new Error("down"));
    expect((await all).map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    const next = lookUp.find("a");
    answers.get("a")?.resolve("A");
    expect(await next).toBe("A");
    expect(asked).toEqual(["a", "a"]);
  });

  test("past the rate is unavailable, and never an absence", async () => {
    const { lookUp, asked, advance } = setUp({ perSecond: 3, found: new Map() });
    for (const id of ["a", "b", "c"]) expect(await lookUp.find(id)).toBeUndefined();
    await expect(lookUp.find("d")).rejects.toThrow(DomainError);
    await expect(lookUp.find("d")).rejects.toMatchObject({ code: "unavailable" });
    expect(await lookUp.find("a")).toBeUndefined(); // from memory
    expect(asked).toEqual(["a", "b", "c"]);
    advance(400);
    expect(await lookUp.find("d")).toBeUndefined();
    await expect(lookUp.find("e")).rejects.toMatchObject({ code: "unavailable" });
  });

  test("of ever new ids keeps a bounded memory of absences", async () => {
    const { lookUp, asked } = setUp({ perSecond: 1e9, found: new Map() });
    for (let index = 0; index < 10_001; index++) await lookUp.find(`id ${index}`);
    await lookUp.find("id 10000");
    expect(asked).toHaveLength(10_001);
    await lookUp.find("id 0"); // forgotten to make room
    expect(asked).toHaveLength(10_002);
  });
});
