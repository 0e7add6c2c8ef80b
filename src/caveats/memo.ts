import { type Condition, compileCaveat } from "./condition.ts";

/** Reads first-party caveats as {@link compileCaveat} does. */
export type CaveatReader = (id: Uint8Array) => Condition;

/**
 * Nine bits of a hash name a pair of places, and each place holds one caveat: half a mebibyte in all, if they are as caveats are. With
 * single places one of twenty tokens of ten caveats has two that push each other out, and is read anew each time.
 */
const PLACES = 1024;

/** The longest caveat that is remembered, bytes: as lists of the shortest blocks, they take four mebibytes in all. */
const LONGEST = 128;

// FNV-1a's prime (RFC 9923 §2.2).
const PRIME = 0x01000193;

interface Known {
  readonly id: Uint8Array;
  readonly condition: Condition;
}

/**
 * Makes a reader that remembers caveats that recur.
 *
 * Nearly all tokens share nearly all of their caveats (`action in read`, `tool in search, fetch`), and to find one
 * by its bytes takes a tenth of the time that reading it takes. A caveat's meaning depends on its bytes alone, so
 * nothing that is remembered can be wrong for anybody. A caveat enters when it is read for the second time, and
 * only into its pair of places: those that occur once (an instance, an instant) push nothing out and take no memory, and
 * an attacker with caveats that meet there makes them as slow as if nothing were remembered.
 */
export function createCaveatReader(): CaveatReader {
  const seen = new Int32Array(PLACES);
  const known: (Known | undefined)[] = new Array<Known | undefined>(PLACES).fill(undefined);
  return (id) => {
    if (id.length > LONGEST) return compileCaveat(id);
    const mark = hashOf(id);
    const place = (mark >>> 23) * 2;
    const [first, second] = [known[place], known[place + 1]];
    if (first !== undefined && isSame(first.id, id)) return first.condition;
    if (second !== undefined && isSame(second.id, id)) return second.condition;
    const condition = compileCaveat(id);
    if (seen[place] === mark || seen[place + 1] === mark) {
      known[place + 1] = first;
      // A copy, since the bytes that came in are a view of the whole token. A Buffer's `slice` would be another view.
      known[place] = { id: new Uint8Array(id), condition };
    } else {
      seen[place + 1] = seen[place] as number;
      seen[place] = mark;
    }
    return condition;
  };
}

function hashOf(bytes: Uint8Array): number {
  let hash = bytes.length;
  for (let at = 0; at < bytes.length; at++) hash = Math.imul(hash ^ (bytes[at] as number), PRIME);
  // Mixed as MurmurHash3 ends, since caveats differ in their last bytes most.
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let at = 0; at < a.length; at++) if (a[at] !== b[at]) return false;
  return true;
}
