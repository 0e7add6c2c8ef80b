/** How many letters have to be put in, taken out, replaced or swapped with their neighbour. */
export function distanceOf(a: string, b: string): number {
  let before: readonly number[] = [];
  let row: readonly number[] = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      let least = Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, (row[j - 1] ?? 0) + same);
      // Before the first letter there is none, which equals no letter.
      if (a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        least = Math.min(least, (before[j - 2] ?? 0) + 1);
      }
      next.push(least);
    }
    before = row;
    row = next;
  }
  return row[b.length] ?? 0;
}

/** The name of a list that another one is most likely meant for: in another spelling, misspelt, begun, or gone beyond. */
export function nearestName(name: string, names: readonly string[]): string | undefined {
  if (name.length > 40) return undefined;
  const plain = (text: string) => text.replaceAll("_", "").toLowerCase();
  return (
    names.find((other) => plain(other) === plain(name)) ??
    nearest(name, names, 1) ??
    names.find((other) => name.startsWith(other))
  );
}

/**
 * The word of a list that a text is most likely a misspelling of, or the beginning of; undefined if there is none.
 *
 * @param least letters of the shortest word that a text is held against
 */
export function nearest(text: string, words: readonly string[], least = 3): string | undefined {
  // Longer than any word of a list: nothing is compared with what somebody pasted.
  if (text.length > 40) return undefined;
  const begun = text.length < least ? undefined : words.find((word) => word.startsWith(text));
  if (begun !== undefined) return begun;
  const [best] = words
    .filter((word) => word.length >= least)
    .map((word) => ({ word, distance: distanceOf(text, word) }))
    .filter(({ word, distance }) => distance <= (word.length > 5 ? 2 : 1))
    .sort((a, b) => a.distance - b.distance);
  return best?.word;
}
