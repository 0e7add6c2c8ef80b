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
        expect(sharedPhrases(tests)).toEqual(anew(tests));
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
  const phrases = sharedPhrases([first, second]);
  expect(sharedPhrases([first, second])).toBe(phrases);
  expect(sharedPhrases([tool("search"), second])).not.toBe(phrases);
  expect(sharedPhrases([second, first])).not.toBe(phrases);
  expect(sharedPhrases([second])).toEqual(anew([second]));
});

test("what came last is kept, so many lists and no longer ones", () => {
  const lists = Array.from({ length: 17 }, (_, at) => [tool(`t${at}`)]);
  const all = lists.map((list) => sharedPhrases(list));
  for (const [at, list] of lists.entries()) if (at > 0) expect(sharedPhrases(list)).toBe(all[at]);
  expect(sharedPhrases(lists[0] ?? [])).not.toBe(all[0]);

  const long = Array.from({ length: 33 }, (_, at) => tool(`t${at}`));
  expect(sharedPhrases(long)).not.toBe(sharedPhrases(long));
  expect(sharedPhrases(long.slice(1))).toBe(sharedPhrases(long.slice(1)));
});
