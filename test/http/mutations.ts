import { renderPath } from "../../src/json/error.ts";

type Step = string | number;

/** A body with one thing wrong, and the member that is at fault. */
export interface Mutation {
  readonly name: string;
  readonly member: string;
  /** JSON text. */
  readonly body: string;
}

/** What is planted in wrong places; no answer and no log may repeat it. */
export const CANARY = "c4n4ry9f31d0s3cr3t";

// Members whose inside belongs to the caller.
const FREE: ReadonlySet<string> = new Set(["context", "cost", "claims"]);

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Every member and element of a body that has a type of its own, with the way to it. */
function places(value: unknown, path: readonly Step[] = []): { path: readonly Step[]; value: unknown }[] {
  const here = { path, value };
  if (FREE.has(String(path.at(-1)))) return [here];
  if (Array.isArray(value)) return [here, ...value.flatMap((item, index) => places(item, [...path, index]))];
  if (!isObject(value)) return [here];
  return [here, ...Object.entries(value).flatMap(([name, item]) => places(item, [...path, name]))];
}

function replaced(value: unknown, path: readonly Step[], by: unknown): unknown {
  const [step, ...rest] = path;
  if (step === undefined) return by;
  if (Array.isArray(value))
    return value.map((item, index) => (index === step ? replaced(item, rest, by) : item));
  if (!isObject(value)) throw new TypeError("no such place");
  return { ...value, [step]: replaced(value[step], rest, by) };
}

function wrongValues(value: unknown): readonly unknown[] {
  const values: readonly unknown[] = [CANARY, 7.5, true, null, [CANARY], { [CANARY]: 1 }];
  const kind = (item: unknown) => (Array.isArray(item) ? "array" : item === null ? "null" : typeof item);
  return values.filter((item) => kind(item) !== kind(value) || (kind(value) === "number" && item === 7.5));
}

/** Every member once with each type that it is not. */
export function wrongTypes(sample: unknown): readonly Mutation[] {
  return places(sample).flatMap(({ path, value }) =>
    wrongValues(value).map((wrong) => ({
      name: `${renderPath(path)} as ${JSON.stringify(wrong)}`,
      member: renderPath(path),
      body: JSON.stringify(replaced(sample, path, wrong)),
    })),
  );
}

/** Every object with a member that it does not have. */
export function unknownMembers(sample: unknown): readonly Mutation[] {
  const objects = places(sample).filter(
    ({ path, value }) => isObject(value) && !FREE.has(String(path.at(-1))),
  );
  return objects.flatMap(({ path, value }) =>
    ["surprise", "__proto__", "constructor", "toString", "0"].map((name) => {
      const marker = "@@unknown@@";
      const text = JSON.stringify(
        replaced(sample, path, { ...(value as object), [marker]: { platform: CANARY } }),
      );
      const member = renderPath([...path, name]);
      return { name: member, member, body: text.replace(marker, name) };
    }),
  );
}

/** Every object with its first member twice. */
export function duplicateMembers(sample: unknown): readonly Mutation[] {
  const objects = places(sample).filter(({ value }) => isObject(value) && Object.keys(value).length > 0);
  return objects.map(({ path, value }) => {
    const [name = "", first] = Object.entries(value as object)[0] ?? [];
    const marker = "@@twice@@";
    const text = JSON.stringify(replaced(sample, path, { ...(value as object), [marker]: first }));
    const member = renderPath([...path, name]);
    return { name: member, member, body: text.replace(`"${marker}"`, JSON.stringify(name)) };
  });
}

/** Every string with a character that no string may hold. */
export function badCharacters(sample: unknown): readonly Mutation[] {
  const strings = places(sample).filter(({ value }) => typeof value === "string");
  const characters = { "U+0000": "\0", "a high surrogate": "\ud83d", "a low surrogate": "\udc00" };
  return strings.flatMap(({ path }) =>
    Object.entries(characters).map(([name, character]) => {
      const body = JSON.stringify(replaced(sample, path, `${CANARY}${character}x`));
      return { name: `${name} in ${renderPath(path)}`, member: renderPath(path), body };
    }),
  );
}

/** Each of the named members with control characters and marks that reorder text. */
export function unseenCharacters(sample: unknown, members: readonly string[]): readonly Mutation[] {
  const strings = places(sample).filter(({ path }) => members.includes(renderPath(path)));
  return strings.flatMap(({ path }) =>
    ["\u0007", "\n", "\u007f", "\u0085", "\u2028", "\u202e", "\u2066"].map((character) => {
      const body = JSON.stringify(replaced(sample, path, `a${character}b`));
      const code = character.charCodeAt(0).toString(16).padStart(4, "0");
      return { name: `U+${code} in ${renderPath(path)}`, member: renderPath(path), body };
    }),
  );
}

/** Each required member left out. */
export function missingMembers(sample: unknown, required: readonly string[]): readonly Mutation[] {
  return required.map((name) => {
    const { [name]: _, ...rest } = sample as Readonly<Record<string, unknown>>;
    return { name, member: name, body: JSON.stringify(rest) };
  });
}
