import type { z } from "zod";

import { nearestName } from "../../words/near.ts";

/**
 * The members that a schema has at a place.
 *
 * @param path the way to the place: names of members, and indexes
 * @returns none if no object with members of its own is there
 */
function membersAt(schema: z.core.$ZodType, path: readonly PropertyKey[]): readonly string[] {
  const { def } = (schema as z.core.$ZodTypes)._zod;
  switch (def.type) {
    case "optional":
    case "nullable":
    case "default":
    case "readonly":
      return membersAt(def.innerType, path);
    case "pipe":
      return membersAt(def.in, path);
    case "union":
      return [...new Set(def.options.flatMap((option) => membersAt(option, path)))];
    case "array":
      return path.length === 0 ? [] : membersAt(def.element, path.slice(1));
    case "object": {
      const [step, ...rest] = path;
      if (step === undefined) return Object.keys(def.shape);
      const member = typeof step === "string" && Object.hasOwn(def.shape, step) ? def.shape[step] : undefined;
      return member === undefined ? [] : membersAt(member, rest);
    }
    default:
      return [];
  }
}

/**
 * What is said of a member that there is not. A library's writer thinks in camelCase, and the wire is in snake_case.
 *
 * @param known the members that there are
 * @param name what was sent; never repeated here
 */
export function notAMember(known: readonly string[], name: PropertyKey): string {
  const meant = typeof name === "string" ? nearestName(name, known) : undefined;
  return `is not a member of this request${meant === undefined ? "" : `: did you mean ${meant}?`}`;
}

/** {@link notAMember} of a schema's object at a path. */
export function notAMemberAt(
  schema: z.core.$ZodType,
  path: readonly PropertyKey[],
  name: PropertyKey,
): string {
  return notAMember(membersAt(schema, path), name);
}
