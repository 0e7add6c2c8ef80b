import { seeded } from "../support/seed.ts";

/** Draws that a seed decides, for inputs that are made rather than listed. */
export interface Choices {
  /** A whole number from 0 on, below a bound. */
  below(bound: number): number;
  /** True in this part of all draws, 0 to 1. */
  chance(part: number): boolean;
  /** One of a list. @throws RangeError for an empty one */
  pick<T>(list: readonly T[]): T;
  bytes(length: number): Uint8Array<ArrayBuffer>;
}

/** Bytes that are drawn from the stream at once: a call of the cipher costs more than a byte. */
const DRAWN = 4_096;

/**
 * Makes a source of draws.
 *
 * @param name of what is drawn for; each has draws of its own
 * @param seed a number of 31 bits
 */
export function choicesOf(name: string, seed: number): Choices {
  const source = seeded(name, seed);
  let pool = new DataView(new ArrayBuffer(0));
  let at = 0;

  function number(): number {
    if (at + 4 > pool.byteLength) {
      pool = new DataView(source.bytes(DRAWN).buffer);
      at = 0;
    }
    at += 4;
    return pool.getUint32(at - 4) / 2 ** 32;
  }

  const below = (bound: number) => Math.floor(number() * bound);
  return {
    below,
    chance: (part) => number() < part,
    pick<T>(list: readonly T[]): T {
      if (list.length === 0) throw new RangeError("there is nothing to pick from");
      return list[below(list.length)] as T;
    },
    bytes: source.bytes,
  };
}
