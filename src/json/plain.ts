import { JsonError, type JsonPathStep } from "./error.ts";
import { JsonNumber, type JsonValue } from "./value.ts";

/** Most elements of one array, and members of one object. */
export interface PlainLimits {
  readonly elements: number;
  readonly members: number;
}

const NO_LIMITS: PlainLimits = { elements: Number.POSITIVE_INFINITY, members: Number.POSITIVE_INFINITY };

/**
 * Turns a parsed value into plain JavaScript data, for code that expects the values that `JSON.parse` gives.
 *
 * Objects have no prototype, so `__proto__` is an ordinary own member, and numbers are doubles: a number
 * may lose digits here, so nothing that compares exactly may work on the result.
 *
 * @param within the way to the value, for errors
 * @throws JsonError with code `number_range` for a number beyond the doubles, `too_many` for too long an array or object
 */
export function toPlain(
  value: JsonValue,
  most: PlainLimits = NO_LIMITS,
  within: readonly JsonPathStep[] = [],
): unknown {
  return plain(value, [...within], most);
}

function plain(value: JsonValue, path: JsonPathStep[], most: PlainLimits): unknown {
  if (value === null || typeof value !== "object") return value;
  if (value instanceof JsonNumber) {
    const double = Number(value.text);
    if (!Number.isFinite(double)) throw new JsonError("number_range", "number is out of range", path);
    return double;
  }
  if (value instanceof Map) return plainObject(value, path, most);
  const elements = value as readonly JsonValue[];
  if (elements.length > most.elements) {
    throw new JsonError("too_many", `more than ${most.elements} elements`, path);
  }
  return elements.map((element, index) => {
    path.push(index);
    const result = plain(element, path, most);
    path.pop();
    return result;
  });
}

function plainObject(
  members: ReadonlyMap<string, JsonValue>,
  path: JsonPathStep[],
  most: PlainLimits,
): object {
  if (members.size > most.members) throw new JsonError("too_many", `more than ${most.members} members`, path);
  const result: object = Object.create(null);
  for (const [name, member] of members) {
    path.push(name);
    const value = plain(member, path, most);
    Object.defineProperty(result, name, { value, writable: true, enumerable: true, configurable: true });
    path.pop();
  }
  return result;
}
