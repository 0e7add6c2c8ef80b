import type { Mutant } from "./mutant.ts";
import { changesOf } from "./operators.ts";
import { type FunctionNode, isFunction, type Node, parse, walk } from "./syntax.ts";

/**
 * All mutants of one source file, in the order of their places.
 *
 * @param file its path from the repository's root
 * @throws Error where the text does not parse
 */
export function findMutants(file: string, text: string): readonly Mutant[] {
  const program = parse(file, text);
  const functions = functionNodesOf(program).map(({ start }) => start);
  const lines = lineStarts(text);
  const seen = new Map<string, number>();
  const found: Mutant[] = [];
  walk(program, (node, around) => {
    const owner = isFunction(node) ? undefined : around.findLast(isFunction);
    const within = owner === undefined ? 0 : functions.indexOf(owner.start) + 1;
    for (const { change, edits } of changesOf(node, around, text)) {
      const at = edits[0]?.start ?? node.start;
      const line = lines.findLastIndex((start) => start <= at);
      const lineText = text.slice(lines[line], lines[line + 1]).trim();
      const key = JSON.stringify([change, lineText]);
      const nth = (seen.get(key) ?? 0) + 1;
      seen.set(key, nth);
      const column = at - (lines[line] ?? 0) + 1;
      found.push({ file, edits, change, text: lineText, nth, line: line + 1, column, within });
    }
  });
  return found;
}

/** The functions of a source, in the order in which {@link findMutants} numbers them from 1. */
export function functionNodesOf(program: Node): readonly FunctionNode[] {
  const functions: FunctionNode[] = [];
  walk(program, (node) => {
    if (isFunction(node)) functions.push(node);
  });
  return functions;
}

function lineStarts(text: string): readonly number[] {
  return [0, ...[...text.matchAll(/\n/g)].map(({ index }) => index + 1)];
}
