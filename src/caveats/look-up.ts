import type { JsonObject, JsonValue } from "../json/value.ts";

/**
 * The value at a dotted path of a context, or undefined where there is none.
 *
 * Only own members count (objects are maps), and a path goes through objects only, never through a list.
 */
export function lookUp(context: JsonObject, attribute: string): JsonValue | undefined {
  let object = context;
  let from = 0;
  while (true) {
    const dot = attribute.indexOf(".", from);
    if (dot < 0) return object.get(from === 0 ? attribute : attribute.slice(from));
    const next = object.get(attribute.slice(from, dot));
    if (!isObject(next)) return undefined;
    object = next;
    from = dot + 1;
  }
}

/** Whether a value is a JSON object. */
export function isObject(value: JsonValue | undefined): value is JsonObject {
  return value instanceof Map;
}

/** Whether a value is a JSON list. */
export function isList(value: JsonValue | undefined): value is readonly JsonValue[] {
  return Array.isArray(value);
}
