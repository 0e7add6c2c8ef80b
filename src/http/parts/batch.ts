import { DomainError } from "../../domain/parts/error.ts";
import { renderPath } from "../../json/error.ts";
import { JsonNumber, type JsonValue } from "../../json/value.ts";
import { notAMember } from "./members.ts";

/**
 * Takes a body of the form `{"NAME":[…]}` apart without reading the elements, so that each can fail alone.
 *
 * @throws DomainError where the body has any other form
 */
export function parsedArray(tree: JsonValue, name: string, most: number): readonly JsonValue[] {
  if (!(tree instanceof Map)) throw new DomainError("invalid_request", "the body must be an object");
  for (const member of tree.keys()) {
    if (member === name) continue;
    const path = renderPath([member]);
    throw new DomainError("invalid_request", `${path} ${notAMember([name], member)}`, path);
  }
  const elements: JsonValue | undefined = tree.get(name);
  if (elements === undefined) throw new DomainError("invalid_request", `${name} is required`, name);
  if (!isArray(elements)) throw new DomainError("invalid_request", `${name} must be an array`, name);
  if (elements.length > most) {
    throw new DomainError("invalid_request", `${name} must have at most ${most} items`, name);
  }
  return elements;
}

function isArray(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value) && !(value instanceof JsonNumber);
}

/**
 * Takes the elements of one member out of an object, so that they can be checked one by one.
 *
 * @param most elements that a schema allows; of more there are places enough for it to refuse them
 * @returns the elements, none where the member is no array, and the object with a place for each
 */
export function withPlaces(
  tree: JsonValue,
  name: string,
  most: number,
): { readonly elements: readonly JsonValue[]; readonly rest: JsonValue } {
  const given: JsonValue | undefined = tree instanceof Map ? tree.get(name) : undefined;
  if (!(tree instanceof Map) || given === undefined || !isArray(given)) return { elements: [], rest: tree };
  const places = given.slice(0, most + 1).map(() => null);
  return { elements: given, rest: new Map([...tree, [name, places]]) };
}
