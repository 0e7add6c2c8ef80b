/** The values that were used lately, by name, up to a size. */
export interface Recent<T> {
  /** Having been asked for counts as use. */
  get(name: string): T | undefined;
  /** @returns false for a value that is larger than may be kept */
  set(name: string, value: T, size: number): boolean;
  delete(name: string): void;
  entries(): Iterable<readonly [string, T]>;
  clear(): void;
  /** Of all that is kept. */
  readonly size: number;
}

interface Kept<T> {
  readonly value: T;
  readonly size: number;
}

/**
 * Makes one that is empty.
 *
 * In two generations: a value that is used moves to the younger one, and when that has taken half of the room, the rest
 * in the older one is dropped and the younger takes its place. So a flood of names that are used once cannot
 * push out a value that is used between two such turns, and a use costs nothing but a look-up.
 *
 * @param most the weight that all values may have together
 * @param onDrop told of every value that is no longer kept, unless all are cleared
 */
export function createRecent<T>(most: number, onDrop: (value: T) => void = () => {}): Recent<T> {
  let young = new Map<string, Kept<T>>();
  let old = new Map<string, Kept<T>>();
  let youngSize = 0;
  let oldSize = 0;

  function remove(name: string): void {
    const kept = young.get(name);
    if (kept !== undefined) {
      young.delete(name);
      youngSize -= kept.size;
      onDrop(kept.value);
      return;
    }
    const before = old.get(name);
    if (before === undefined) return;
    old.delete(name);
    oldSize -= before.size;
    onDrop(before.value);
  }

  function add(name: string, kept: Kept<T>): void {
    young.set(name, kept);
    youngSize += kept.size;
    if (youngSize * 2 <= most) return;
    const dropped = old;
    old = young;
    oldSize = youngSize;
    young = new Map();
    youngSize = 0;
    for (const { value } of dropped.values()) onDrop(value);
  }

  return {
    get(name) {
      const kept = young.get(name);
      if (kept !== undefined) return kept.value;
      const before = old.get(name);
      if (before === undefined) return undefined;
      old.delete(name);
      oldSize -= before.size;
      add(name, before);
      return before.value;
    },

    set(name, value, size) {
      remove(name);
      if (size * 2 > most) return false;
      add(name, { value, size });
      return true;
    },

    delete: remove,

    *entries() {
      for (const generation of [young, old]) for (const [name, { value }] of generation) yield [name, value];
    },

    clear() {
      young = new Map();
      old = new Map();
      youngSize = 0;
      oldSize = 0;
    },

    get size() {
      return youngSize + oldSize;
    },
  };
}
