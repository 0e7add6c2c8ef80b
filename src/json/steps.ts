import {
  CLOSE_BRACE,
  CLOSE_BRACKET,
  countValue,
  isAtEnd,
  isEmpty,
  isLast,
  isTooDeep,
  OPEN_BRACE,
  OPEN_BRACKET,
  put as putMember,
  readNameOn,
  skipOn,
} from "./containers.ts";
import { peek, QUOTE, type Reader } from "./reader.ts";
import { readScalar } from "./scalars.ts";
import { readStringOn } from "./string.ts";
import type { JsonValue } from "./value.ts";

/** The place of a value that has been begun, or that has not been. */
const UNREAD = Symbol("unread");

type Container = JsonValue[] | Map<string, JsonValue>;

/**
 * Makes a function that reads a text on, about as many characters and an eighth as many values, and whatever of a token
 * is under way then. It returns the text's value once that has been read to its end, and undefined before.
 *
 * It reads what `parseJson` reads, with the containers that are open on a list in place of the stack.
 */
export function stepper(reader: Reader): (characters: number) => { readonly value: JsonValue } | undefined {
  const open: Container[] = [];
  const { path } = reader;
  let whole: { readonly value: JsonValue } | undefined;
  /** The object whose next member's name has not been read to its end. */
  let unnamed: Map<string, JsonValue> | undefined;

  function begin(container: Container): typeof UNREAD {
    open.push(container);
    if (container instanceof Map) unnamed = container;
    else path.push(0);
    return UNREAD;
  }

  /** Reads on in a string that is a value. */
  const nextString = (end: number) => readStringOn(reader, end) ?? UNREAD;

  /** Reads a value that has no others in it, or begins one that has. */
  function next(end: number): JsonValue | typeof UNREAD {
    if (unnamed !== undefined) {
      if (!readNameOn(reader, unnamed, end)) return UNREAD;
      unnamed = undefined;
      // The step may end here.
      if (reader.base + reader.offset > end) return UNREAD;
    }
    if (reader.skipped > 0) return skipOn(reader, end) ? null : UNREAD;
    if (reader.begun !== undefined) return nextString(end);
    const unit = peek(reader);
    countValue(reader);
    if (unit === QUOTE) return nextString(end);
    if (unit !== OPEN_BRACE && unit !== OPEN_BRACKET) return readScalar(reader, unit);
    if (isTooDeep(reader)) return skipOn(reader, end) ? null : UNREAD;
    const container: Container = unit === OPEN_BRACE ? new Map<string, JsonValue>() : [];
    return isEmpty(reader, unit === OPEN_BRACE ? CLOSE_BRACE : CLOSE_BRACKET) ? container : begin(container);
  }

  /** Puts a value in its place. @returns whether that was its container's last */
  function put(container: Container, value: JsonValue): boolean {
    const step = path.pop();
    if (container instanceof Map) {
      putMember(reader, container, String(step), value);
      if (isLast(reader, CLOSE_BRACE)) return true;
      unnamed = container;
      return false;
    }
    container.push(value);
    if (isLast(reader, CLOSE_BRACKET)) return true;
    path.push(container.length);
    return false;
  }

  const ended = (end: number) => (isAtEnd(reader, end) ? whole : undefined);

  return (characters) => {
    const mostValues = reader.values + characters / 8;
    const end = reader.base + reader.offset + characters;
    if (whole !== undefined) return ended(end);
    while (reader.values <= mostValues && reader.base + reader.offset <= end) {
      let value = next(end);
      while (value !== UNREAD) {
        const container = open.at(-1);
        if (container === undefined) {
          whole = { value };
          return ended(end);
        }
        if (!put(container, value)) break;
        open.pop();
        value = container;
      }
    }
    return undefined;
  };
}
