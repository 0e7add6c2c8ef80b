/** A map or a set, whose keys are in the order in which they were put in. */
interface Remembered<Key> {
  readonly size: number;
  keys(): IterableIterator<Key>;
  delete(key: Key): boolean;
}

/**
 * Forgets what was put in first, until no more is remembered than may be. Where a key is deleted and put in again with each
 * use, the first is the longest unused.
 *
 * @param most how many may be remembered
 */
export function forgetOldest<Key>(remembered: Remembered<Key>, most: number): void {
  for (const oldest of remembered.keys()) {
    if (remembered.size <= most) return;
    remembered.delete(oldest);
  }
}
