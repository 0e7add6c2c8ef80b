import { nearestName } from "../words/near.ts";

/*
 * The shapes that code without a compiler may pass. A wrong one must fail at once: an option that is passed over in silence is a
 * limit that is not there. Errors name the argument and its cure, and never repeat a value, which could be a token.
 */

/** Looks at a value. @returns its cure if it has the wrong shape: the right one */
export type Check = (value: unknown) => string | undefined;

/** A check for each member of some options: the compiler misses none. */
export type Checks<T> = { readonly [K in keyof Required<T>]: Check };

/** @param expected the right shape, such as `a text` */
function check(isGood: (value: unknown) => boolean, expected: string): Check {
  return (value) => (isGood(value) ? undefined : expected);
}

export const aText = (like?: string): Check =>
  check((value) => typeof value === "string", like === undefined ? "a text" : `a text, such as ${like}`);

export const aNumber = (like: string): Check =>
  check((value) => typeof value === "number" && !Number.isNaN(value), `a number, such as ${like}`);

export const aTruth: Check = check((value) => typeof value === "boolean", "true or false");

export const aFunction = (like?: string): Check =>
  check(
    (value) => typeof value === "function",
    like === undefined ? "a function" : `a function, such as ${like}`,
  );

/** @param like how the list is written */
export const aList = (like: string, isGood: (item: unknown) => boolean): Check =>
  check((value) => Array.isArray(value) && value.every(isGood), `a list, such as ${like}`);

export const anObject = (like: string): Check => check(isObject, `an object, such as ${like}`);

export const isText = (value: unknown): value is string => typeof value === "string";

/** An option that may be there and undefined, because it limits nothing. */
export const ifSaid =
  (rule: Check): Check =>
  (value) =>
    value === undefined ? undefined : rule(value);

export function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * @param name the argument or member, such as `dischargeToken: allow`
 * @throws TypeError
 */
export function checkShape(name: string, value: unknown, rule: Check): void {
  const expected = rule(value);
  if (expected !== undefined) throw new TypeError(`${name} must be ${expected}, and is ${kindOf(value)}`);
}

/**
 * Looks at all options of a function.
 *
 * @param name the function
 * @param like how they are written
 * @throws TypeError for anything but an object, for a member of the wrong shape, and for one that there is not
 */
export function checkOptions<T>(name: string, options: unknown, checks: Checks<T>, like: string): void {
  if (!isObject(options)) {
    throw new TypeError(
      `${name} takes its options as an object, such as ${like}, and not ${kindOf(options)}`,
    );
  }
  for (const member of Object.keys(options)) {
    if (!Object.hasOwn(checks, member)) throw unknownMember(name, member, Object.keys(checks));
  }
  for (const [member, rule] of Object.entries<Check>(checks)) {
    if (!(member in options)) continue;
    checkShape(`${name}: ${member}`, (options as Readonly<Record<string, unknown>>)[member], rule);
  }
}

function unknownMember(name: string, member: string, known: readonly string[]): TypeError {
  const meant = nearestName(member, known);
  // A text that is no name could be anything.
  const shown = /^[A-Za-z]\w{0,39}$/.test(member) ? ` ${member}` : "";
  const cure = meant === undefined ? `it has ${known.join(", ")}` : `did you mean ${meant}?`;
  return new TypeError(`${name} has no option${shown}: ${cure}`);
}

/** The value's kind, for an error: never the value. */
function kindOf(value: unknown): string {
  if (value === undefined || value === null) return String(value);
  if (Array.isArray(value)) return value.every(isText) ? "a list" : "a list of something else";
  const kind = typeof value;
  return kind === "string" ? "a text" : `${kind === "object" ? "an" : "a"} ${kind}`;
}
