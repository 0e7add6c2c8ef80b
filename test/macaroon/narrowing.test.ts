import fc from "fast-check";
import { expect, test } from "vitest";
import {
  addThirdPartyCaveat,
  attenuate,
  bind,
  defaultHmac,
  mint,
  type UnverifiedCaveat,
  type UnverifiedMacaroon,
} from "../../src/macaroon/index.ts";
import { deriveKey } from "../../src/macaroon/key.ts";
import { timesOf } from "../support/form.ts";
import {
  dischargeFor,
  fromUtf8,
  KEY,
  rootWith,
  utf8,
  verifyWithEach as verify,
  withThirdParty,
} from "./support.ts";

/**
 * A macaroon can only be narrowed: what a holder makes of all the tokens that they hold, with every operation
 * that there is and some that there should not be, passes nowhere where all of those tokens fail.
 */
interface Presented {
  readonly root: UnverifiedMacaroon;
  readonly discharges: readonly UnverifiedMacaroon[];
}

/** Whether a service lets it pass that takes `facts` as true and wants every discharge bound. */
function passes({ root, discharges }: Presented, facts: ReadonlySet<string>): boolean {
  const result = verify({ root, discharges, rootKey: KEY });
  if (!result.ok || result.macaroon.undischarged.length > 0) return false;
  const { caveats, discharges: states } = result.macaroon;
  if (states.some((state) => state.state === "invalid" || state.binding === "unbound")) return false;
  const all = [...caveats, ...states.flatMap((state) => (state.state === "good" ? state.caveats : []))];
  return all.every(({ kind, id }) => kind === "third" || facts.has(fromUtf8(id)));
}

/** What the holder was given: two tokens of one root, and a discharge with a caveat, bound to the second. */
const grandparent = rootWith("a");
const first = attenuate(grandparent, ["b", "c"]);
const second = withThirdParty(attenuate(grandparent, ["d"]), "t");
const discharge = dischargeFor("t", ["e"]);
const HELD: readonly Presented[] = [
  { root: first, discharges: [] },
  { root: second, discharges: [bind(second, discharge)] },
];
const MACAROONS = [first, second, discharge, bind(second, discharge)];

type Operation = (presented: Presented, pick: (count: number) => number) => Presented;

const anyOf = <T>(items: readonly T[], pick: (count: number) => number, otherwise: T): T =>
  items[pick(Math.max(items.length, 1))] ?? otherwise;

const changeRoot =
  (change: (root: UnverifiedMacaroon, pick: (count: number) => number) => UnverifiedMacaroon): Operation =>
  ({ root, discharges }, pick) => ({ root: change(root, pick), discharges });

const keysOf = (root: UnverifiedMacaroon): Uint8Array[] => [
  ...[root, ...MACAROONS].map(({ signature }) => signature),
  new Uint8Array(32),
  utf8("key of t"),
  utf8("t"),
];

const OPERATIONS: readonly Operation[] = [
  changeRoot((root, pick) => attenuate(root, [anyOf(["a", "b", "x", ""], pick, "")])),
  changeRoot((root, pick) =>
    withThirdParty(root, anyOf(["t", "u"], pick, "t"), anyOf(["k", "key of t"], pick, "k")),
  ),
  // Drop, swap and splice caveats, of this token and of others.
  changeRoot((root, pick) => ({ ...root, unverifiedCaveats: root.unverifiedCaveats.toSpliced(pick(8), 1) })),
  changeRoot((root) => ({ ...root, unverifiedCaveats: root.unverifiedCaveats.toReversed() })),
  changeRoot((root, pick) => {
    const donor = anyOf(MACAROONS, pick, root).unverifiedCaveats;
    return {
      ...root,
      unverifiedCaveats: [...root.unverifiedCaveats.slice(0, pick(4)), ...donor.slice(pick(4))],
    };
  }),
  changeRoot((root, pick) => ({
    ...root,
    unverifiedCaveats: root.unverifiedCaveats.map(
      (caveat): UnverifiedCaveat => (pick(2) === 0 ? { id: caveat.id } : caveat),
    ),
  })),
  // Sign with whatever is at hand.
  changeRoot((root, pick) => ({ ...root, signature: anyOf(MACAROONS, pick, root).signature })),
  changeRoot((root, pick) => {
    const message = anyOf(
      [root.identifier, ...root.unverifiedCaveats.map(({ id }) => id)],
      pick,
      root.identifier,
    );
    return { ...root, signature: defaultHmac(anyOf(keysOf(root), pick, root.signature), message) };
  }),
  changeRoot((root, pick) => ({
    ...root,
    signature: deriveKey(anyOf(keysOf(root), pick, root.signature), defaultHmac),
  })),
  changeRoot((root, pick) => bind(anyOf(MACAROONS, pick, root), root)),
  changeRoot((root, pick) =>
    mint({ rootKey: anyOf(keysOf(root), pick, root.signature), identifier: root.identifier }),
  ),
  changeRoot((root, pick) => ({ ...root, identifier: anyOf(MACAROONS, pick, root).identifier })),
  changeRoot((_, pick) => anyOf(MACAROONS, pick, first)),
  changeRoot((root, pick) =>
    addThirdPartyCaveat(root, {
      location: "",
      ticket: "t",
      caveatKey: anyOf(keysOf(root), pick, KEY.slice(0, 1)),
      nonce: new Uint8Array(24),
    }),
  ),
  // Discharges: made up, bound anew, narrowed, left out, doubled.
  ({ root, discharges }, pick) => ({ root, discharges: discharges.toSpliced(pick(3), 1) }),
  ({ root, discharges }, pick) => ({ root, discharges: [...discharges, anyOf(MACAROONS, pick, discharge)] }),
  ({ root, discharges }) => ({ root, discharges: discharges.map((one) => bind(root, one)) }),
  ({ root, discharges }) => ({ root, discharges: discharges.map((one) => attenuate(one, ["x"])) }),
  ({ root, discharges }, pick) => {
    const made = mint({ rootKey: anyOf(keysOf(root).slice(0, -2), pick, root.signature), identifier: "t" });
    return { root, discharges: [...discharges, pick(2) === 0 ? made : bind(root, made)] };
  },
];

const facts = fc.uniqueArray(fc.constantFrom("a", "b", "c", "d", "e", "x", ""), { maxLength: 7 });
const moves = fc.array(
  fc.tuple(fc.nat(OPERATIONS.length - 1), fc.array(fc.nat(), { minLength: 4, maxLength: 4 })),
  {
    maxLength: 5,
  },
);

function carryOut(start: Presented, steps: readonly (readonly [number, readonly number[]])[]): Presented {
  return steps.reduce((presented, [operation, numbers]) => {
    let used = 0;
    const pick = (count: number): number => (numbers[used++ % numbers.length] ?? 0) % count;
    return OPERATIONS[operation]?.(presented, pick) ?? presented;
  }, start);
}

test("nothing that a holder can make passes where all that they hold fails", () => {
  fc.assert(
    fc.property(fc.constantFrom(...HELD), moves, facts, (start, steps, list) => {
      const known = new Set(list);
      // The discharge key and the bare discharge are the holder's too here, so what the second token's caveats
      // say of the root alone is the least that binds them.
      const allowed = HELD.some((held) => passes(held, known)) || secondAllows(known);
      if (!allowed) expect(passes(carryOut(start, steps), known)).toBe(false);
    }),
    { numRuns: timesOf(4_000, 400) },
  );
});

/** Whoever knows the caveat key, as the holder does here, makes any discharge of it. */
function secondAllows(known: ReadonlySet<string>): boolean {
  return known.has("a") && known.has("d");
}

test("the property is not empty: operations do lead to tokens that pass", () => {
  const known = new Set(["a", "b", "c", "d", "e", "x", ""]);
  // A statistic of one sample, which is always the same.
  const sample = fc.sample(fc.tuple(fc.constantFrom(...HELD), moves), { numRuns: 500, seed: 1 });
  const passing = sample.filter(
    ([start, steps]) => steps.length > 0 && passes(carryOut(start, steps), known),
  );
  expect(passing.length).toBeGreaterThan(5);
});

test("each caveat of a token binds its holder: removing any one of them is a bad signature", () => {
  for (const macaroon of [first, second]) {
    for (const index of macaroon.unverifiedCaveats.keys()) {
      const without = { ...macaroon, unverifiedCaveats: macaroon.unverifiedCaveats.toSpliced(index, 1) };
      for (const signature of keysOf(macaroon).slice(0, 6)) {
        expect(verify({ root: { ...without, signature }, rootKey: KEY })).toEqual({
          ok: false,
          code: "bad_signature",
        });
      }
    }
  }
});
