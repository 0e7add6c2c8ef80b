/** Leaves of a tree, both ends included. */
export interface Run {
  readonly tree: number;
  readonly first: number;
  readonly last: number;
}

/** Parts missing leaves into those that retention said it would drop and those that nobody spoke of. */
export function apart(
  run: Run,
  announced: readonly Run[],
): { readonly gone: number; readonly wrong: readonly Run[] } {
  let wrong: readonly Run[] = [run];
  for (const { tree, first, last } of announced) {
    if (tree !== run.tree) continue;
    wrong = wrong.flatMap((part) => [
      ...(part.first < first ? [{ ...part, last: Math.min(part.last, first - 1) }] : []),
      ...(part.last > last ? [{ ...part, first: Math.max(part.first, last + 1) }] : []),
    ]);
  }
  const left = wrong.reduce((sum, { first, last }) => sum + last - first + 1, 0);
  return { gone: run.last - run.first + 1 - left, wrong };
}

/** Reads `TREE/FIRST-LAST`. */
export function runOf(written: string): readonly Run[] {
  const [, tree, first, last] = /^([0-9]{1,9})\/([0-9]{1,15})-([0-9]{1,15})$/.exec(written) ?? [];
  return tree === undefined ? [] : [{ tree: Number(tree), first: Number(first), last: Number(last) }];
}
