import { JsonError } from "../../json/error.ts";
import type { JsonFlaw } from "../../json/reader.ts";

/** The first flaw of each element that has one, by the element's index; its path begins inside the element. */
export type ItemFlaws = ReadonlyMap<number, JsonError>;

/**
 * Takes the flaws of a body: those inside an element of one member are noted for that element, any other refuses the
 * body.
 *
 * @param name the member that holds the elements
 * @throws JsonError from the function that it returns
 */
export function itemFlaws(name: string, found: Map<number, JsonError>): (flaw: JsonFlaw) => void {
  return ({ code, rule, path }) => {
    const [member, index, ...inside] = path;
    if (member !== name || typeof index !== "number") throw new JsonError(code, rule, path);
    if (!found.has(index)) found.set(index, new JsonError(code, rule, inside));
  };
}
