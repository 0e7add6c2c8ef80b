/** Values kept by the text of a bundle, within a bound of bytes. */
export interface BundleCache<T> {
  /** @returns undefined unless the key is held, character for character */
  find(key: string): T | undefined;
  /**
   * Keeps a value, and lets go of others for it.
   *
   * @param bytes the memory of key and value, roughly
   * @returns whether it is kept: not if it is larger than the bound
   */
  keep(key: string, value: T, bytes: number): boolean;
  drop(key: string): void;
  /** The sum of the estimates of all that is kept. */
  readonly bytes: number;
  readonly size: number;
}

/**
 * The longest key, in characters. Tokens are shorter by far. The engine hashes strings of more than 16,383 characters
 * by their length alone, so all strings of one length would meet in one place of a map.
 */
const LONGEST_KEY = 8_192;

/**
 * The key of a bundle: every character that its verification depends on. A part of the bundle, the same characters
 * cut elsewhere, and the question of another platform are other keys.
 *
 * The key is the whole text, and not a part of it or its signature. A look-up compares characters only if the hashes
 * of all of them agree, and the hash is under a seed of this process. The time of a look-up therefore tells nothing
 * about a guess that is right in part; it tells the holder of the whole bundle that the bundle was seen before.
 *
 * @param platform the platform that asks; undefined for a holder
 * @returns undefined for a bundle that is too long to be worth keeping
 */
export function bundleKey(
  text: string,
  more: readonly string[],
  platform: string | undefined,
): string | undefined {
  let length = text.length;
  for (const part of more) length += part.length;
  if (length > LONGEST_KEY) return undefined;
  // The name of a platform is never empty and never holds a space, and no text that is kept holds one (see
  // `isKeepable`). With the number of parts in front, two equal keys therefore have equal parts.
  const asker = platform ?? "";
  return more.length === 0 ? `0 ${asker} ${text}` : `${more.length} ${asker} ${text} ${more.join(" ")}`;
}

/** Whether a bundle may be kept under its {@link bundleKey}: only if no text of it holds a space. Base64 holds none. */
export function isKeepable(text: string, more: readonly string[]): boolean {
  return !text.includes(" ") && !more.some((part) => part.includes(" "));
}

/** The part of the bound for bundles that have been found again. */
const PROTECTED = 0.8;

interface Entry<T> {
  readonly value: T;
  readonly bytes: number;
  /** Whether it was found since it was last a candidate for letting go. */
  found: boolean;
}

/**
 * A segmented cache. A bundle enters on trial, and is protected once it is found again before newer bundles push it
 * out. A flood of bundles that are never found again therefore takes the share on trial from the hot set and no more,
 * however long it lasts.
 *
 * @param maxBytes the bound, by the estimates that `keep` is given
 * @param onDrop told of every value that is let go of
 */
export function createBundleCache<T>(
  maxBytes: number,
  onDrop: (value: T) => void = () => {},
): BundleCache<T> {
  const trial = new Map<string, Entry<T>>();
  const kept = new Map<string, Entry<T>>();
  const maxKept = Math.floor(maxBytes * PROTECTED);
  let trialBytes = 0;
  let keptBytes = 0;

  // Both look before they begin: else each call would make an iterator, and nearly none has to let go of anything.
  function shrinkTrial(): void {
    if (trialBytes + keptBytes <= maxBytes) return;
    for (const [key, entry] of trial) {
      if (trialBytes + keptBytes <= maxBytes) return;
      trial.delete(key);
      trialBytes -= entry.bytes;
      onDrop(entry.value);
    }
  }

  /** Entries that were found since the last time go round once more; the others are on trial again. */
  function shrinkKept(): void {
    if (keptBytes <= maxKept) return;
    for (const [key, entry] of kept) {
      if (keptBytes <= maxKept) return;
      kept.delete(key);
      if (entry.found) {
        entry.found = false;
        kept.set(key, entry);
        continue;
      }
      keptBytes -= entry.bytes;
      trial.set(key, entry);
      trialBytes += entry.bytes;
    }
  }

  function take(key: string): Entry<T> | undefined {
    const tried = trial.get(key);
    const entry = tried ?? kept.get(key);
    if (entry === undefined) return undefined;
    if (tried === undefined) keptBytes -= entry.bytes;
    else trialBytes -= entry.bytes;
    trial.delete(key);
    kept.delete(key);
    return entry;
  }

  function drop(key: string): void {
    const entry = take(key);
    if (entry !== undefined) onDrop(entry.value);
  }

  return {
    find(key) {
      const entry = kept.get(key);
      if (entry !== undefined) {
        entry.found = true;
        return entry.value;
      }
      const tried = trial.get(key);
      if (tried === undefined) return undefined;
      take(key);
      kept.set(key, tried);
      keptBytes += tried.bytes;
      shrinkKept();
      return tried.value;
    },

    keep(key, value, bytes) {
      drop(key);
      if (bytes > maxBytes) return false;
      trial.set(key, { value, bytes, found: false });
      trialBytes += bytes;
      shrinkTrial();
      return true;
    },

    drop,

    get bytes() {
      return trialBytes + keptBytes;
    },

    get size() {
      return trial.size + kept.size;
    },
  };
}
