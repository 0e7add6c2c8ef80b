import { JsonError } from "./error.ts";

const QUOTE = 0x22;
const COMMA = 0x2c;
const BACKSLASH = 0x5c;
const OPENERS = [0x5b, 0x7b];
const CLOSERS = [0x5d, 0x7d];

/** Bytes that one step looks at: a fraction of a millisecond. */
const STEP = 128 * 1024;

/** Bytes of a name that a refusal reads at most: it shows fewer. */
const LONGEST_NAME = 256;

/** A text whose values are counted in steps, so that others can have a turn in between. */
export interface JsonCount {
  /**
   * Counts on.
   *
   * @returns true once the text has been looked at to its end
   * @throws JsonError `too_many`, with the member of the outermost object that holds the first value that is too many
   */
  step(): true | undefined;
}

/**
 * Begins to count the values of a JSON text without making any: a text of too many is refused before it costs memory.
 * Each comma outside a string is followed by a value or a member, so there is one value more than there are commas, or more.
 *
 * @param bytes UTF-8, in which no byte of a longer character is one of JSON's signs (RFC 3629 §3)
 * @param most how many values are not too many
 */
export function beginCount(bytes: Uint8Array, most: number): JsonCount {
  let at = 0;
  let commas = 0;
  let depth = 0;
  /** The last string of the outermost object or array: before one that is inside, its name. */
  let name = { from: 0, to: 0 };

  function refuse(): never {
    const text = new TextDecoder().decode(
      bytes.subarray(name.from, Math.min(name.to, name.from + LONGEST_NAME)),
    );
    const isNamed = depth > 1 && name.to > name.from && !text.includes("\\");
    throw new JsonError("too_many", `more than ${most} values`, isNamed ? [text] : []);
  }

  /** Goes on behind a string's end, which may lie beyond a step: to find it takes a native search no time. */
  function skipText(): void {
    const from = at;
    for (;;) {
      const end = bytes.indexOf(QUOTE, at);
      at = end === -1 ? bytes.length : end + 1;
      if (end === -1 || !isEscaped(bytes, from, end)) return;
    }
  }

  return {
    step() {
      const end = Math.min(bytes.length, at + STEP);
      while (at < end) {
        const byte = bytes[at++] ?? 0;
        if (byte === QUOTE) {
          const from = at;
          skipText();
          if (depth === 1) name = { from, to: at - 1 };
        } else if (byte === COMMA) {
          if (++commas >= most) refuse();
        } else if (byte > BACKSLASH - 2) {
          if (OPENERS.includes(byte)) depth++;
          else if (CLOSERS.includes(byte)) depth--;
        }
      }
      return at < bytes.length ? undefined : true;
    },
  };
}

/** Whether a character is one of an escape: behind an odd number of backslashes. */
function isEscaped(bytes: Uint8Array, from: number, at: number): boolean {
  let first = at;
  while (first > from && bytes[first - 1] === BACKSLASH) first--;
  return (at - first) % 2 === 1;
}
