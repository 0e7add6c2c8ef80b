/** Up to so many items a search of the list costs less than a set. */
const FEW = 8;

/** Items, each once, in the order in which they first appear. A short list without a repeat is given back as it is. */
export function distinct(items: readonly string[]): readonly string[] {
  return isShortAndDistinct(items) ? items : [...new Set(items)];
}

function isShortAndDistinct(items: readonly string[]): boolean {
  if (items.length > FEW) return false;
  for (let at = 1; at < items.length; at++) {
    if (items.indexOf(items[at] as string) !== at) return false;
  }
  return true;
}
