import type { JsonObject, JsonValue } from "../json/value.ts";

/**
 * The value at a dotted path of a context, or undefined if there is none.
 *
 * Only own members count (objects are maps), and a path goes through objects only, never through a list.
 *
 * @param path its names, as {@link pathOf} has them
 */
export function lookUp(context: JsonObject, path: readonly string[]): JsonValue | undefined {
  let object = context;
  const last = path.length - 1;
  for (let index = 0; index < last; index++) {
    const next = object.get(path[index] as string);
    if (!isObject(next)) return undefined;
    object = next;
  }
  return object.get(path[last] as string);
}

/** The names of a dotted path. */
export function pathOf(attribute: string): readonly string[] {
  return attribute.includes(".") ? attribute.split(".") : [attribute];
}

/** The first name of a dotted path. */
export function firstName(attribute: string): string {
  return attribute.split(".", 1)[0] ?? "";
}

/** Whether a value is a JSON object. */
export function isObject(value: JsonValue | undefined): value is JsonObject {
  return value instanceof Map;
}

/** Whether a value is a JSON list. */
export function isList(value: JsonValue | undefined): value is readonly JsonValue[] {
  return Array.isArray(value);
}
