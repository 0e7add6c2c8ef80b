import { expect, test } from "vitest";

import { createLookUp } from "../../src/domain/parts/look-up.ts";

test("whoever asks for too many unknown ids uses up nobody else's look-ups", async () => {
  const asked: string[] = [];
  const lookUp = createLookUp({
    load: async (id) => {
      asked.push(id);
      return id === "there" ? id : undefined;
    },
    clock: { now: () => 0, monotonic: () => 0 },
    perSecond: 3,
    missMilliseconds: 1_000,
  });
  for (const id of ["a", "b", "c"]) expect(await lookUp.find(id, "guesser")).toBeUndefined();
  await expect(lookUp.find("d", "guesser")).rejects.toMatchObject({ code: "unavailable" });
  expect(await lookUp.find("there", "other")).toBe("there");
  expect(await lookUp.find("a", "guesser")).toBeUndefined(); // remembered, so it costs nothing
  expect(asked).toEqual(["a", "b", "c", "there"]);
});
