import { boundSignature } from "./bind.ts";
import { computeTails, hmacBy } from "./chain.ts";
import type { ChainHash } from "./hash/types.ts";
import { deriveKey, type SigningKey } from "./key.ts";
import { constantTimeEqual } from "./parts/bytes.ts";
import type { UnverifiedMacaroon } from "./parts/macaroon.ts";
import { unsealCaveatKey } from "./third-party.ts";

/** Which macaroon of a bundle: the root macaroon, or a discharge by its place among the discharges. */
export type MacaroonPlace = "root" | number;

/** One step of a verification that uses a key. Holds secrets: see {@link traceVerify}. */
export interface TraceStep {
  readonly operation: "derive" | "identifier" | "first_party" | "third_party" | "unseal" | "bind" | "compare";
  readonly macaroon: MacaroonPlace;
  /** The caveat, by its place in the macaroon, if the step is about one. */
  readonly caveat?: number;
  /** The inputs, in words and sizes. */
  readonly inputs: string;
  /** The output: a tail or a key. Absent if unsealing failed, and for `compare`. */
  readonly output?: Uint8Array;
  /** For `compare`: whether the two were equal. */
  readonly equal?: boolean;
}

/** Is called with each step. */
export type StepListener = (step: TraceStep) => void;

/** The keyed operations of one verification. */
export interface Keyed {
  /** The root macaroon's tails, if its signature is right. */
  root(rootKey: Uint8Array | SigningKey): Uint8Array[] | undefined;
  /** A discharge's tails and binding, if its signature is right under that caveat key. */
  discharge(place: number, discharge: UnverifiedMacaroon, key: Uint8Array): SignedDischarge | undefined;
  /** The caveat key in a verification id. */
  unseal(
    place: MacaroonPlace,
    caveat: number,
    tail: Uint8Array,
    verificationId: Uint8Array,
  ): Uint8Array | undefined;
}

/** A discharge with a right signature. */
export interface SignedDischarge {
  readonly tails: readonly Uint8Array[];
  readonly binding: "bound" | "unbound";
}

/** The keyed operations on discharges of one root macaroon; the listener sees every one of them. */
export function keyedOperations(root: UnverifiedMacaroon, chain: ChainHash, listener?: StepListener): Keyed {
  const hmac = hmacBy(chain);
  const tailsOf = (place: MacaroonPlace, macaroon: UnverifiedMacaroon, key: Uint8Array): Uint8Array[] => {
    const tails = computeTails(key, macaroon, chain);
    if (listener !== undefined) reportTails(listener, place, macaroon, tails);
    return tails;
  };
  const compare = (place: MacaroonPlace, inputs: string, a: Uint8Array, b: Uint8Array): boolean => {
    const equal = constantTimeEqual(a, b);
    listener?.({ operation: "compare", macaroon: place, inputs, equal });
    return equal;
  };
  return {
    root(rootKey) {
      const key = rootKey instanceof Uint8Array ? deriveKey(rootKey, hmac) : rootKey.signing;
      if (rootKey instanceof Uint8Array) {
        const inputs = `root key of ${rootKey.length} bytes`;
        listener?.({ operation: "derive", macaroon: "root", inputs, output: key });
      }
      const tails = tailsOf("root", root, key);
      return compare("root", "signature, last tail", root.signature, lastOf(tails)) ? tails : undefined;
    },
    discharge(place, discharge, key) {
      const tails = tailsOf(place, discharge, key);
      const bound = boundSignature(root.signature, lastOf(tails), hmac);
      const inputs = "root macaroon's signature, last tail";
      listener?.({ operation: "bind", macaroon: place, inputs, output: bound });
      // Both are always compared, so that the time does not tell which was expected.
      const isBound = compare(place, "signature, bound tail", discharge.signature, bound);
      const isUnbound = compare(place, "signature, last tail", discharge.signature, lastOf(tails));
      return isBound || isUnbound ? { tails, binding: isBound ? "bound" : "unbound" } : undefined;
    },
    unseal(place, caveat, tail, verificationId) {
      const key = unsealCaveatKey(tail, verificationId);
      const inputs = `tail ${caveat}, verification id of ${verificationId.length} bytes`;
      const step = { operation: "unseal", macaroon: place, caveat, inputs } as const;
      listener?.(key === undefined ? step : { ...step, output: key });
      return key;
    },
  };
}

function lastOf(tails: readonly Uint8Array[]): Uint8Array {
  const last = tails.at(-1);
  if (last === undefined) throw new Error("a chain without tails");
  return last;
}

function reportTails(
  listener: StepListener,
  macaroon: MacaroonPlace,
  { identifier, unverifiedCaveats }: UnverifiedMacaroon,
  tails: readonly Uint8Array[],
): void {
  for (const [index, output] of tails.entries()) {
    const caveat = index - 1;
    const { id, verificationId } = unverifiedCaveats[caveat] ?? {};
    if (id === undefined) {
      const inputs = `key, identifier of ${identifier.length} bytes`;
      listener({ operation: "identifier", macaroon, inputs, output });
    } else if (verificationId === undefined) {
      const inputs = `tail ${caveat}, predicate of ${id.length} bytes`;
      listener({ operation: "first_party", macaroon, caveat, inputs, output });
    } else {
      const inputs = `tail ${caveat}, verification id of ${verificationId.length} bytes, ticket of ${id.length} bytes`;
      listener({ operation: "third_party", macaroon, caveat, inputs, output });
    }
  }
}
