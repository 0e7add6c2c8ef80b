import { JsonError, type JsonPathStep } from "./error.ts";
import { JsonNumber, type JsonValue } from "./value.ts";

/**
 * Turns a parsed value into plain JavaScript data, for code that expects the values that `JSON.parse` gives.
 *
 * Objects have no prototype, so `__proto__` is an ordinary own member, and numbers are doubles: a number
 * may lose digits here, so nothing that compares exactly may work on the result.
 *
 * @param maxElements most elements of one array; no limit unless said
 * @throws JsonError with code `number_range` for a number beyond the doubles, `too_many` for too long an array
 */
export function toPlain(value: JsonValue, maxElements = Number.POSITIVE_INFINITY): unknown {
  return plain(value, [], maxElements);
}

function plain(value: JsonValue, path: JsonPathStep[], maxElements: number): unknown {
  if (value === null || typeof value !== "object") return value;
  if (value instanceof JsonNumber) {
    const double = Number(value.text);
    if (!Number.isFinite(double)) throw new JsonError("number_range", "number is out of range", path);
    return double;
  }
  if (value instanceof Map) return plainObject(value, path, maxElements);
  const elements = value as readonly JsonValue[];
  if (elements.length > maxElements) {
    throw new JsonError("too_many", `more than ${maxElements} elements`, path);
  }
  return elements.map((element, index) => {
    path.push(index);
    const result = plain(element, path, maxElements);
    path.pop();
    return result;
  });
}

function plainObject(
  members: ReadonlyMap<string, JsonValue>,
  path: JsonPathStep[],
  maxElements: number,
): object {
  const result: object = Object.create(null);
  for (const [name, member] of members) {
    path.push(name);
    const value = plain(member, path, maxElements);
    Object.defineProperty(result, name, { value, writable: true, enumerable: true, configurable: true });
    path.pop();
  }
  return result;
}
