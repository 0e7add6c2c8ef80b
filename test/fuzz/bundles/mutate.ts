import {
  decodeBinary,
  encode,
  type UnverifiedCaveat,
  type UnverifiedMacaroon,
} from "../../../src/macaroon/index.ts";
import type { Choices } from "../choices.ts";
import type { Macaroons } from "./corpus.ts";

/** What was made of a good bundle. */
export interface Mutant {
  /** How it was made. */
  readonly how: string;
  readonly bytes: Uint8Array;
}

export const binaryOf = (macaroons: readonly UnverifiedMacaroon[]): Buffer =>
  Buffer.concat(macaroons.map((one) => Buffer.from(encode(one), "base64url")));

function flipped(choices: Choices, bytes: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(bytes);
  const at = choices.below(copy.length);
  copy[at] = (copy[at] ?? 0) ^ (1 << choices.below(8));
  return copy;
}

function replacedAt<T>(list: readonly T[], at: number, ...by: readonly T[]): readonly T[] {
  return [...list.slice(0, at), ...by, ...list.slice(at + 1)];
}

type Change = (choices: Choices, one: UnverifiedMacaroon, other: UnverifiedMacaroon) => UnverifiedMacaroon;

const withCaveats = (one: UnverifiedMacaroon, unverifiedCaveats: readonly UnverifiedCaveat[]) => ({
  ...one,
  unverifiedCaveats,
});

/** Changes of one macaroon, with parts of another at hand. */
const CHANGES: Readonly<Record<string, Change>> = {
  "a caveat taken away": (choices, one) =>
    withCaveats(one, replacedAt(one.unverifiedCaveats, choices.below(one.unverifiedCaveats.length + 1))),
  "the last caveats taken away": (choices, one) =>
    withCaveats(one, one.unverifiedCaveats.slice(0, choices.below(one.unverifiedCaveats.length + 1))),
  "a caveat twice": (choices, one) => {
    const at = choices.below(one.unverifiedCaveats.length + 1);
    const caveat = one.unverifiedCaveats[at];
    return caveat === undefined
      ? one
      : withCaveats(one, replacedAt(one.unverifiedCaveats, at, caveat, caveat));
  },
  "two caveats changed about": (choices, one) => {
    const [a, b] = [
      choices.below(one.unverifiedCaveats.length + 1),
      choices.below(one.unverifiedCaveats.length + 1),
    ];
    const [first, second] = [one.unverifiedCaveats[a], one.unverifiedCaveats[b]];
    if (first === undefined || second === undefined) return one;
    return withCaveats(one, replacedAt(replacedAt(one.unverifiedCaveats, a, second), b, first));
  },
  "a caveat of another": (choices, one, other) => {
    const caveat = other.unverifiedCaveats[choices.below(other.unverifiedCaveats.length + 1)];
    const at = choices.below(one.unverifiedCaveats.length + 1);
    return caveat === undefined ? one : withCaveats(one, replacedAt(one.unverifiedCaveats, at, caveat));
  },
  "all caveats of another": (_, one, other) => withCaveats(one, other.unverifiedCaveats),
  "the signature of another": (_, one, other) => ({ ...one, signature: other.signature }),
  "the identifier of another": (_, one, other) => ({ ...one, identifier: other.identifier }),
  "a bit of the signature": (choices, one) => ({ ...one, signature: flipped(choices, one.signature) }),
  "a bit of the identifier": (choices, one) => ({ ...one, identifier: flipped(choices, one.identifier) }),
  "a bit of a caveat": (choices, one) => {
    const at = choices.below(one.unverifiedCaveats.length + 1);
    const caveat = one.unverifiedCaveats[at];
    if (caveat === undefined || caveat.id.length === 0) return one;
    return withCaveats(
      one,
      replacedAt(one.unverifiedCaveats, at, { ...caveat, id: flipped(choices, caveat.id) }),
    );
  },
  "a caveat wider by a byte": (choices, one) => {
    const at = choices.below(one.unverifiedCaveats.length + 1);
    const caveat = one.unverifiedCaveats[at];
    if (caveat === undefined) return one;
    const id = Buffer.concat([caveat.id, Buffer.from(choices.pick([", x", "*", " ", "9", "\0"]))]);
    return withCaveats(one, replacedAt(one.unverifiedCaveats, at, { ...caveat, id }));
  },
  "two caveats made one": (choices, one) => {
    const at = choices.below(one.unverifiedCaveats.length + 1);
    const [first, second] = one.unverifiedCaveats.slice(at, at + 2);
    if (first === undefined || second === undefined) return one;
    const merged = { ...first, id: Buffer.concat([first.id, second.id]) };
    return withCaveats(one, replacedAt(replacedAt(one.unverifiedCaveats, at), at, merged));
  },
  "a ticket without its key": (_, one) =>
    withCaveats(
      one,
      one.unverifiedCaveats.map(({ id }) => ({ id })),
    ),
  "a caveat key of another": (choices, one, other) => {
    const keys = other.unverifiedCaveats.flatMap(({ verificationId }) => verificationId ?? []);
    const at = choices.below(one.unverifiedCaveats.length + 1);
    const caveat = one.unverifiedCaveats[at];
    if (caveat === undefined || keys.length === 0) return one;
    return withCaveats(
      one,
      replacedAt(one.unverifiedCaveats, at, { ...caveat, verificationId: choices.pick(keys) }),
    );
  },
  "a tail for a caveat": (_, one, other) =>
    withCaveats(one, [...one.unverifiedCaveats, { id: other.signature }]),
};

const NAMES = Object.keys(CHANGES);

/** Makes a mutant of one of the bundles: of its macaroons, of what stands beside what, or of its bytes. */
export function mutate(choices: Choices, bundles: readonly Macaroons[]): Mutant {
  for (;;) {
    const bundle = choices.pick(bundles);
    const mutant = mutantOf(choices, bundle, bundles);
    // Nothing may have been there to change.
    if (!binaryOf(bundle).equals(mutant.bytes)) return mutant;
  }
}

function mutantOf(choices: Choices, bundle: Macaroons, bundles: readonly Macaroons[]): Mutant {
  const other = choices.pick(bundles);
  const way = choices.below(10);
  if (way < 5) {
    const name = choices.pick(NAMES);
    const at = choices.below(bundle.length);
    const changed = CHANGES[name]?.(choices, bundle[at] ?? bundle[0], choices.pick(other)) ?? bundle[0];
    return { how: name, bytes: binaryOf(replacedAt(bundle, at, changed)) };
  }
  if (way < 7) {
    const [root, ...discharges] = bundle;
    const [foreign, ...others] = other;
    const how = choices.pick([
      "its discharges with another root",
      "another's discharge",
      "one twice",
      "one less",
      "turned round",
    ]);
    if (how === "its discharges with another root") return { how, bytes: binaryOf([foreign, ...discharges]) };
    if (how === "another's discharge")
      return { how, bytes: binaryOf([root, ...discharges.slice(1), ...others]) };
    if (how === "one twice") return { how, bytes: binaryOf([...bundle, choices.pick(bundle)]) };
    if (how === "one less") return { how, bytes: binaryOf(replacedAt(bundle, choices.below(bundle.length))) };
    return { how, bytes: binaryOf([...bundle].reverse()) };
  }
  const bytes = binaryOf(bundle);
  const foreign = binaryOf(other);
  const at = choices.below(bytes.length);
  const length = 1 + choices.below(40);
  switch (choices.below(5)) {
    case 0:
      return { how: "bits", bytes: flipped(choices, choices.chance(0.5) ? flipped(choices, bytes) : bytes) };
    case 1:
      return { how: "cut", bytes: bytes.subarray(0, at) };
    case 2:
      return {
        how: "a piece out",
        bytes: Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + length)]),
      };
    case 3: {
      const from = choices.below(foreign.length);
      const piece = foreign.subarray(from, from + length);
      return {
        how: "a piece of another",
        bytes: Buffer.concat([bytes.subarray(0, at), piece, bytes.subarray(at + length)]),
      };
    }
    default:
      return { how: "two halves", bytes: Buffer.concat([bytes.subarray(0, at), foreign.subarray(at)]) };
  }
}

/** The macaroons in a mutant's bytes; undefined if there are none. */
export function read(bytes: Uint8Array): Macaroons | undefined {
  const decoded = decodeBinary(bytes);
  return decoded.ok ? decoded.macaroons : undefined;
}
