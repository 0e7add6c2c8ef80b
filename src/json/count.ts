import { JsonError } from "./error.ts";

const QUOTE = 0x22;
const COMMA = 0x2c;
const BACKSLASH = 0x5c;
const OPENERS = [0x5b, 0x7b];
const CLOSERS = [0x5d, 0x7d];

/** Bytes that one step looks at: a fraction of a millisecond. */
const STEP = 128 * 1024;

/** Characters of a string that are read for each search. */
const SHORT = 32;

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
  let isText = false;
  /** The last string of the outermost object or array: before one that is inside, its name. */
  let name = { from: 0, to: 0 };

  function refuse(): never {
    const text = new TextDecoder().decode(
      bytes.subarray(name.from, Math.min(name.to, name.from + LONGEST_NAME)),
    );
    const isNamed = depth > 1 && name.to > name.from && !text.includes("\\");
    throw new JsonError("too_many", `more than ${most} values`, isNamed ? [text] : []);
  }

  /**
   * Goes on within a string: to its end, or to that of the step. Of a long one the next quote is searched for natively, but only once
   * in so many characters: so a string of nothing but escaped quotes takes no longer than it does to read it.
   */
  function readText(within: Uint8Array): void {
    for (let read = 1; at < within.length; at++) {
      const byte = within[at];
      if (byte === BACKSLASH) at++;
      else if (byte === QUOTE) {
        isText = false;
        if (depth === 1) name.to = at;
        at++;
        return;
      } else if (read++ % SHORT === 0) at = beforeQuote(within, at);
    }
  }

  return {
    step() {
      const within = bytes.subarray(0, at + STEP);
      while (at < within.length) {
        if (isText) readText(within);
        else {
          const byte = within[at++] as number;
          if (byte === QUOTE) {
            isText = true;
            if (depth === 1) name = { from: at, to: at };
          } else if (byte === COMMA) {
            if (++commas >= most) refuse();
          } else if (byte > BACKSLASH - 2) {
            if (OPENERS.includes(byte)) depth++;
            else if (CLOSERS.includes(byte)) depth--;
          }
        }
      }
      return at < bytes.length ? undefined : true;
    },
  };
}

/**
 * The place before the next quote, and before the backslashes in front of it, which may escape it.
 *
 * @param from the place of a byte that is neither
 */
function beforeQuote(bytes: Uint8Array, from: number): number {
  const quote = bytes.indexOf(QUOTE, from);
  let at = (quote === -1 ? bytes.length : quote) - 1;
  while (bytes[at] === BACKSLASH) at--;
  return at;
}
