import fc from "fast-check";
import { expect, test } from "vitest";

import { type AttributeCaveat, isOnAttribute } from "../../src/caveats/caveat.ts";
import { mergeCaveats } from "../../src/caveats/together/merge.ts";
import { sharedPhrases } from "../../src/caveats/together/shared-phrases.ts";
import { attributePhrases } from "../../src/caveats/together/summary-attributes.ts";
import { caveat } from "./arbitraries.ts";

const anew = (tests: readonly AttributeCaveat[]) => attributePhrases(mergeCaveats(tests));

test("phrases are those that would be said anew, whatever was said before", () => {
  const few = fc.array(caveat.filter(isOnAttribute), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(few, fc.array(fc.array(fc.nat(3), { maxLength: 5 }), { maxLength: 30 }), (caveats, lists) => {
      for (const list of lists) {
        const tests = list.map((at) => caveats[at % caveats.length] as AttributeCaveat);
        expect(sharedPhrases(tests, 9)).toEqual(anew(tests));
      }
    }),
    { numRuns: 300 },
  );
});

const tool = (name: string): AttributeCaveat => ({
  kind: "equality",
  attribute: "tool",
  operator: "=",
  value: name,
});

test("the same caveats share their phrases, and equal ones that are others do not", () => {
  const [first, second] = [tool("search"), tool("fetch")];
  const phrases = sharedPhrases([first, second], 9);
  expect(sharedPhrases([first, second], 9)).toBe(phrases);
  expect(sharedPhrases([tool("search"), second], 9)).not.toBe(phrases);
  expect(sharedPhrases([second, first], 9)).not.toBe(phrases);
  expect(sharedPhrases([second], 9)).toEqual(anew([second]));
});

test("what came last is kept, so many lists, and of short texts", () => {
  const lists = Array.from({ length: 17 }, (_, at) => [tool(`t${at}`)]);
  const all = lists.map((list) => sharedPhrases(list, 9));
  for (const [at, list] of lists.entries()) if (at > 0) expect(sharedPhrases(list, 9)).toBe(all[at]);
  expect(sharedPhrases(lists[0] ?? [], 9)).not.toBe(all[0]);

  // Memory is bounded by texts.
  const one = [tool("long")];
  expect(sharedPhrases(one, 1_025)).not.toBe(sharedPhrases(one, 1_025));
  expect(sharedPhrases(one, 1_024)).toBe(sharedPhrases(one, 1_024));
});
