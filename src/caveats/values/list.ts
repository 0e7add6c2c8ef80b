import { CODE, hasEdgeSpace, isClean } from "./characters.ts";

/**
 * Reads a comma-separated list, or undefined if it is malformed.
 *
 * Spaces after a comma belong to nobody. An item that begins with a quote is a JSON string (RFC 8259 §7);
 * any other runs to the next comma and has no white space at its edges. No item is empty.
 */
export function parseList(text: string): readonly string[] | undefined {
  const items: string[] = [];
  let at = 0;
  while (true) {
    const quoted = text.charCodeAt(at) === CODE.quote;
    const end = quoted ? quotedEnd(text, at) : plainEnd(text, at);
    const item = quoted ? unquote(text.slice(at, end)) : plain(text.slice(at, end));
    if (item === undefined) return undefined;
    items.push(item);
    if (end === text.length) return items;
    if (text[end] !== ",") return undefined;
    at = end + 1;
    while (text.charCodeAt(at) === CODE.space) at++;
  }
}

/** Prints a list that {@link parseList} reads back, with quotes only if they are needed. */
export function printList(items: readonly string[]): string {
  return items.map(printItem).join(", ");
}

/** Values that end at a space, and the position behind the last of them. */
export interface Words {
  readonly values: readonly string[];
  readonly end: number;
}

/**
 * Reads one value from a position on, or several with commas between them; undefined if one is malformed.
 *
 * As in {@link parseList}, but a value that is no JSON string ends at the first space, and without `several` no comma
 * ends it.
 */
export function readWords(text: string, from: number, several: boolean): Words | undefined {
  const values: string[] = [];
  let at = from;
  while (true) {
    const quoted = text.charCodeAt(at) === CODE.quote;
    const end = quoted ? quotedEnd(text, at) : wordEnd(text, at, several);
    const value = quoted ? unquote(text.slice(at, end)) : plain(text.slice(at, end));
    if (value === undefined) return undefined;
    values.push(value);
    if (!several || text[end] !== ",") return { values, end };
    at = end + 1;
    while (text.charCodeAt(at) === CODE.space) at++;
  }
}

/** Prints a value that {@link readWords} reads back. */
export function printWord(value: string, several: boolean): string {
  const bare = !value.includes(" ") && !value.startsWith('"') && !hasEdgeSpace(value);
  return bare && !(several && value.includes(",")) ? value : JSON.stringify(value);
}

function printItem(item: string): string {
  return item.includes(",") || item.startsWith('"') || hasEdgeSpace(item) ? JSON.stringify(item) : item;
}

function plain(text: string): string | undefined {
  return text === "" || hasEdgeSpace(text) ? undefined : text;
}

function plainEnd(text: string, from: number): number {
  const comma = text.indexOf(",", from);
  return comma < 0 ? text.length : comma;
}

function wordEnd(text: string, from: number, several: boolean): number {
  const space = text.indexOf(" ", from);
  const end = space < 0 ? text.length : space;
  const comma = several ? text.indexOf(",", from) : -1;
  return comma < 0 ? end : Math.min(comma, end);
}

/** The position after the closing quote, or the end of the text if there is none. */
function quotedEnd(text: string, from: number): number {
  for (let at = from + 1; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === CODE.backslash) at++;
    else if (code === CODE.quote) return at + 1;
  }
  return text.length;
}

function unquote(text: string): string | undefined {
  try {
    const item: unknown = JSON.parse(text);
    // An escape must not smuggle in a character that may not be written outright.
    return typeof item === "string" && item !== "" && isClean(item) ? item : undefined;
  } catch {
    return undefined;
  }
}
