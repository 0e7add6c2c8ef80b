import { toText } from "../parts/bytes.ts";

/**
 * How a JSON macaroon is spelled; all spellings of one macaroon mean the same.
 *
 * `plain`: the spelling that is written here by default, and by libmacaroons as v2. `libmacaroons`: the same
 * but for `\/` in v1. `go`: go-macaroon's spelling, with its order of members and its escapes.
 */
export type JsonSpelling = "plain" | "libmacaroons" | "go";

/** Writes a string as a JSON string. */
export type StringWriter = (text: string) => string;

/** Writes `"name":value`, or nothing if there is no value. */
export function member(name: string, value: string | undefined): string[] {
  return value === undefined ? [] : [`"${name}":${value}`];
}

/** Writes an object of members that are already written. */
export function objectOf(members: readonly string[]): string {
  return `{${members.join(",")}}`;
}

/** go-macaroon escapes the characters that HTML and JavaScript might trip over. */
export const goString: StringWriter = (text) =>
  JSON.stringify(text).replace(/[<>&\u2028\u2029]/g, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });

/** The escapes of json-c, and so of libmacaroons. */
export const slashString: StringWriter = (text) => JSON.stringify(text).replaceAll("/", "\\/");

/** Writes a string in the fewest escapes. */
export const plainString: StringWriter = (text) => JSON.stringify(text);

/** Bytes as text if they are printable enough for every reader, else undefined. */
export function readableText(bytes: Uint8Array, spelling: JsonSpelling): string | undefined {
  const text = toText(bytes);
  // A NUL would end the string in a reader that is written in C.
  return spelling !== "go" && text?.includes("\u0000") ? undefined : text;
}
