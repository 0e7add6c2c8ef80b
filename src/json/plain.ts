import { JsonError, type JsonPathStep } from "./error.ts";
import { JsonNumber, type JsonValue } from "./value.ts";

/**
 * Turns a parsed value into plain JavaScript data, for code that expects what `JSON.parse` gives.
 *
 * Objects have no prototype, so `__proto__` is an ordinary own member, and numbers are doubles: a number
 * may lose digits here, so nothing that compares exactly may work on the result.
 *
 * @throws JsonError with code `number_range` for a number beyond the doubles
 */
export function toPlain(value: JsonValue): unknown {
  return plain(value, []);
}

function plain(value: JsonValue, path: JsonPathStep[]): unknown {
  if (value === null || typeof value !== "object") return value;
  if (value instanceof JsonNumber) {
    const double = Number(value.text);
    if (!Number.isFinite(double)) throw new JsonError("number_range", "number is out of range", path);
    return double;
  }
  if (value instanceof Map) return plainObject(value, path);
  return (value as readonly JsonValue[]).map((element, index) => {
    path.push(index);
    const result = plain(element, path);
    path.pop();
    return result;
  });
}

function plainObject(members: ReadonlyMap<string, JsonValue>, path: JsonPathStep[]): object {
  const result: object = Object.create(null);
  for (const [name, member] of members) {
    path.push(name);
    const value = plain(member, path);
    Object.defineProperty(result, name, { value, writable: true, enumerable: true, configurable: true });
    path.pop();
  }
  return result;
}
