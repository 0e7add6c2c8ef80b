/** A place in a text that is being read. */
export interface Cursor {
  readonly text: string;
  at: number;
}

// Control characters and line ends, and the marks that let text be shown in another order than it is written.
const UNCLEAN = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/u;
const BARE = /[^\s",]+/y;
const LONGEST_NAME = 255;

/** Whether a text is one line that shows as it is written. */
export function isClean(text: string): boolean {
  return text.isWellFormed() && !UNCLEAN.test(text);
}

/** Reads a pattern at the cursor and moves behind it; undefined if it does not stand there. */
export function take(cursor: Cursor, pattern: RegExp): RegExpExecArray | undefined {
  pattern.lastIndex = cursor.at;
  const match = pattern.exec(cursor.text);
  if (match === null) return undefined;
  cursor.at = pattern.lastIndex;
  return match;
}

/** Reads a name: one bare word, or a JSON string for a name with a space, a comma or a quote. */
export function takeName(cursor: Cursor): string | undefined {
  const quoted = take(cursor, /"(?:[^"\\]|\\.)*"/y)?.[0];
  const name = quoted === undefined ? take(cursor, BARE)?.[0] : parseString(quoted);
  if (name === undefined || name === "" || name.length > LONGEST_NAME || !isClean(name)) return undefined;
  // In quotes a name has one spelling.
  return quoted === undefined || quoted === JSON.stringify(name) ? name : undefined;
}

function parseString(text: string): string | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "string" ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Writes a name so that {@link takeName} reads it back. */
export function printName(name: string): string {
  BARE.lastIndex = 0;
  return BARE.exec(name)?.[0] === name && !AMBIGUOUS.test(name) ? name : JSON.stringify(name);
}

// `group:` begins a group, and digits may begin a count: names like these are written in quotes.
const AMBIGUOUS = /^(?:group:.*|[0-9]+)$/;
