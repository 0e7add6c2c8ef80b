import { malformed, unknown } from "./refusal.ts";
import { MAX_LIFE, type TermOptions } from "./terms.ts";
import { type Cursor, take, takeName } from "./words.ts";

const MAX_ACRS = 8;

/** The options that are one word. */
const BARE = /(once|exact)(?= |$)/y;

/** Reads the options before a condition: words `key=value` and bare ones, each once, in any order. */
export function parseOptions(cursor: Cursor): TermOptions {
  const seen = new Set<string>();
  let life: number | undefined;
  let authAge: number | undefined;
  let acr: readonly string[] | undefined;
  let principalCounts = false;
  for (;;) {
    const bare = take(cursor, BARE)?.[1];
    const key = bare ?? take(cursor, /([a-z][a-z-]*)=/y)?.[1];
    if (key === undefined) {
      return { life, authAge, acr, principalCounts, once: seen.has("once"), exact: seen.has("exact") };
    }
    if (seen.has(key)) malformed("an option stands there twice");
    seen.add(key);
    switch (bare ?? `${key}=`) {
      case "once":
      case "exact":
        break;
      case "life=":
        life = takeSeconds(cursor, 1);
        break;
      case "auth-age=":
        authAge = takeSeconds(cursor, 0);
        break;
      case "acr=":
        acr = takeNames(cursor);
        break;
      case "principal=":
        take(cursor, /counts(?= )/y) ?? malformed("principal takes the one value counts");
        principalCounts = true;
        break;
      default:
        unknown("this option is not one that this service knows");
    }
    take(cursor, / /y) ?? malformed("behind an option stands one space and what it belongs to");
  }
}

function takeSeconds(cursor: Cursor, least: number): number {
  const digits = take(cursor, /(?:0|[1-9][0-9]{0,4})(?= )/y)?.[0];
  const seconds = Number(digits);
  if (digits === undefined || seconds < least || seconds > MAX_LIFE) {
    malformed(`life and auth-age are whole seconds, at most ${MAX_LIFE}`);
  }
  return seconds;
}

function takeNames(cursor: Cursor): readonly string[] {
  const names: string[] = [];
  do {
    names.push(takeName(cursor) ?? malformed("acr takes names separated by commas"));
    if (names.length > MAX_ACRS) malformed(`acr takes at most ${MAX_ACRS} names`);
  } while (take(cursor, /,/y) !== undefined);
  return names;
}
