import { functionNodesOf } from "./find.ts";
import { applyEdits, type Edit } from "./mutant.ts";
import { parse } from "./syntax.ts";

/**
 * Member of the global object under which instrumented sources note their calls: by file, a byte for each function,
 * 1 where it was called. The first byte stands for the module itself.
 */
export const HITS = "__bakehouseHits";

/** A source that notes which of its functions are called, numbered as `findMutants` numbers them. */
export function instrument(file: string, text: string): string {
  const functions = functionNodesOf(parse(file, text));
  const name = JSON.stringify(file);
  const edits: Edit[] = [
    insert(
      0,
      `const __called = ((globalThis.${HITS} ??= {})[${name}] ??= new Uint8Array(${functions.length + 1})); __called[0] = 1; `,
    ),
  ];
  functions.forEach(({ body }, index) => {
    const note = `__called[${index + 1}] = 1`;
    if (body === null) return;
    if (body.type === "BlockStatement") edits.push(insert(body.start + 1, ` ${note};`));
    else edits.push(insert(body.start, `(${note}, `), insert(body.end, ")"));
  });
  return applyEdits(text, edits);
}

function insert(at: number, text: string): Edit {
  return { start: at, end: at, text };
}
