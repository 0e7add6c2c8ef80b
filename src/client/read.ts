import { JsonError } from "../json/error.ts";
import { parseJson } from "../json/parse.ts";
import { toPlain } from "../json/plain.ts";
import { BakehouseError } from "./error.ts";

/**
 * Reads a value of an answer as the type that it has to be.
 *
 * Members that nobody asks for are dropped: a service may be newer than this library.
 *
 * @throws BakehouseError `bad_answer`, which names the place and never the value
 */
export type Reader<T> = (value: unknown, place: string) => T;

type Shape = Readonly<Record<string, Reader<unknown>>>;
type Read<S extends Shape> = { readonly [K in keyof S]: ReturnType<S[K]> };

function bad(place: string, expected: string): never {
  throw new BakehouseError("bad_answer", `the answer's ${place || "body"} is not ${expected}`);
}

/** Parses an answer's body, strictly: duplicate members and the like are no answer. */
export function readJson<T>(text: string, read: Reader<T>): T {
  let value: unknown;
  try {
    value = toPlain(parseJson(text));
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    throw new BakehouseError("bad_answer", "the answer's body is not JSON", { cause: error });
  }
  return read(value, "");
}

export const text: Reader<string> = (value, place) =>
  typeof value === "string" ? value : bad(place, "a text");

export const truth: Reader<boolean> = (value, place) =>
  typeof value === "boolean" ? value : bad(place, "true or false");

export const count: Reader<number> = (value, place) =>
  typeof value === "number" && Number.isSafeInteger(value) ? value : bad(place, "a whole number");

/** RFC 3339 text; it stays a text, as the service wrote it. */
export const instant: Reader<string> = (value, place) =>
  typeof value === "string" && !Number.isNaN(Date.parse(value)) ? value : bad(place, "an instant");

/** Whether everything that stands in a value has been read. @param read the outcome of a {@link Reader} */
export function isWhole(value: unknown, read: unknown): boolean {
  if (typeof value !== "object" || value === null || typeof read !== "object" || read === null) return true;
  const members = new Map<string, unknown>(Object.entries(read));
  return Object.entries(value).every(
    ([name, member]) => members.has(name) && isWhole(member, members.get(name)),
  );
}

export function nullable<T>(read: Reader<T>): Reader<T | null> {
  return (value, place) => (value === null ? null : read(value, place));
}

/** Values by name, of any names. */
export function map<T>(read: Reader<T>): Reader<Readonly<Record<string, T>>> {
  return (value, place) => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) return bad(place, "an object");
    const members = Object.entries(value).map(([name, member]) => [name, read(member, `${place}.${name}`)]);
    return Object.fromEntries(members);
  };
}

export function list<T>(read: Reader<T>): Reader<readonly T[]> {
  return (value, place) =>
    Array.isArray(value)
      ? value.map((item, index) => read(item, `${place}[${index}]`))
      : bad(place, "a list");
}

/** A text, or several of which one will do. */
export const textOrTexts: Reader<string | readonly string[]> = (value, place) =>
  typeof value === "string" ? value : list(text)(value, place);

/** Any member of some, such as the words of a closed list that grows: it stays a text. */
export function word<W extends string>(): Reader<W | (string & {})> {
  return text;
}

export function literal<const L extends string | boolean>(expected: L): Reader<L> {
  return (value, place) => (value === expected ? expected : bad(place, JSON.stringify(expected)));
}

/** An object with these members, and perhaps those. */
export function object<R extends Shape, O extends Shape = Record<never, never>>(
  required: R,
  optional?: O,
): Reader<Read<R> & Partial<Read<O>>> {
  return (value, place) => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) bad(place, "an object");
    const members = value as Readonly<Record<string, unknown>>;
    const result: Record<string, unknown> = {};
    const at = (name: string) => (place === "" ? name : `${place}.${name}`);
    for (const [name, read] of Object.entries(required)) {
      result[name] = read(Object.hasOwn(members, name) ? members[name] : undefined, at(name));
    }
    for (const [name, read] of Object.entries(optional ?? {})) {
      if (Object.hasOwn(members, name)) result[name] = read(members[name], at(name));
    }
    return result as Read<R> & Partial<Read<O>>;
  };
}
