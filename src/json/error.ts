/**
 * Why a JSON text was refused.
 *
 * `encoding`: not UTF-8, or a byte order mark. `number_range`: a number that no double can hold, found
 * only by {@link toPlain}. `too_many`: more values than the reader was told to keep, or more elements in an array
 * or members in an object. `too_long`: a string, a number or white space of more characters than the reader takes in
 * one piece.
 */
export type JsonErrorCode =
  | "syntax"
  | "duplicate_member"
  | "lone_surrogate"
  | "nul"
  | "too_deep"
  | "too_many"
  | "too_long"
  | "encoding"
  | "number_range";

/** One step into a JSON value: a member's name or an element's index. */
export type JsonPathStep = string | number;

const PLAIN_NAME = /^[A-Za-z_][A-Za-z0-9_-]*$/;
const LONGEST_NAME = 32;
const MOST_STEPS = 8;

/** A JSON text that was refused. The message names the place and the rule, never the contents. */
export class JsonError extends Error {
  override readonly name = "JsonError";
  readonly code: JsonErrorCode;
  /** The place in the value, such as `context.args[2].amount`; empty at the top. Safe to print. */
  readonly path: string;
  /** The place in the text, in UTF-16 code units; undefined if there is no text or it could not be decoded. */
  readonly offset: number | undefined;

  constructor(code: JsonErrorCode, rule: string, steps: readonly JsonPathStep[], offset?: number) {
    const path = renderPath(steps);
    const place = path === "" ? "" : ` in ${path}`;
    super(offset === undefined ? `${rule}${place}` : `${rule}${place} at offset ${offset}`);
    this.code = code;
    this.path = path;
    this.offset = offset;
  }
}

/**
 * Writes a path so that it can stand in a log line or an answer: names are the sender's, so every name that is
 * not a plain word is quoted in ASCII, and both long names and long paths are cut.
 */
export function renderPath(steps: readonly JsonPathStep[]): string {
  let path = "";
  for (const step of steps.slice(0, MOST_STEPS)) {
    if (typeof step === "number") path += `[${step}]`;
    else path += renderName(step, path === "");
  }
  return steps.length > MOST_STEPS ? `${path}…` : path;
}

function renderName(name: string, first: boolean): string {
  const cut = name.slice(0, LONGEST_NAME);
  const tail = cut.length < name.length ? "…" : "";
  if (PLAIN_NAME.test(cut)) return `${first ? "" : "."}${cut}${tail}`;
  const quoted = JSON.stringify(cut).replace(
    /[^\x20-\x7e]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  return `[${quoted}${tail}]`;
}
