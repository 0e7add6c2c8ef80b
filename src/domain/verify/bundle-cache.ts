/** What has been found of bundles that were presented before, within a bound of bytes. */
export interface BundleCache<T> {
  /** @returns undefined for a key that is not held, character for character */
  find(key: string): T | undefined;
  /** Holds what was found, and lets go of others for it. @param bytes about what key and value take in memory */
  keep(key: string, value: T, bytes: number): void;
  /** What is held, in bytes, by the estimates it was given. */
  readonly bytes: number;
  readonly size: number;
}

/**
 * The longest key. Tokens are shorter by far; and of strings past 16,383 characters the engine hashes the length
 * alone, so that all of one length would meet in one place of a map.
 */
const LONGEST_KEY = 8_192;

/**
 * What a bundle is remembered by: everything that decides what is found of it, character for character, so that a
 * part of it, the same parts cut elsewhere, or the question of another platform is another key.
 *
 * The whole text, and not a part of it or its signature: a look-up compares characters only where the hash of all
 * of them agrees, and that hash is under a seed of this process. So its time tells nothing about a guess that is
 * right in part: it tells that exactly this bundle has been seen, to somebody who has all of it.
 *
 * @param platform the platform that asks, undefined where a holder does
 * @returns undefined for what is not worth keeping
 */
export function bundleKey(
  text: string,
  more: readonly string[],
  platform: string | undefined,
): string | undefined {
  let length = text.length;
  for (const part of more) length += part.length;
  if (length > LONGEST_KEY) return undefined;
  // No name of a platform is empty and none holds a space. Of what is kept, no text does either (see `isKeepable`):
  // so with the number of parts in front, what has as many spaces has the same parts.
  const asker = platform ?? "";
  return more.length === 0 ? `0 ${asker} ${text}` : `${more.length} ${asker} ${text} ${more.join(" ")}`;
}

/** Whether a bundle may be kept under its {@link bundleKey}: where no text holds a space, as no base64 does. */
export function isKeepable(text: string, more: readonly string[]): boolean {
  return !text.includes(" ") && !more.some((part) => part.includes(" "));
}

/** The part of the bound that bundles may take which have been found again. */
const PROTECTED = 0.8;

interface Entry<T> {
  readonly value: T;
  readonly bytes: number;
  /** Whether it was found since it was last looked at for letting go. */
  found: boolean;
}

/**
 * A segmented cache: a bundle enters on trial, and is protected from then on if it is found before newer ones push
 * it out. So a flood of bundles that are not found again costs the hot set nothing but the share on trial, however
 * long it lasts.
 *
 * @param maxBytes the bound, by the estimates that `keep` is given
 */
export function createBundleCache<T>(maxBytes: number): BundleCache<T> {
  const trial = new Map<string, Entry<T>>();
  const kept = new Map<string, Entry<T>>();
  const maxKept = Math.floor(maxBytes * PROTECTED);
  let trialBytes = 0;
  let keptBytes = 0;

  function shrinkTrial(): void {
    for (const [key, entry] of trial) {
      if (trialBytes + keptBytes <= maxBytes) return;
      trial.delete(key);
      trialBytes -= entry.bytes;
    }
  }

  /** Those that were found since the last time go round once more; the others are on trial again. */
  function shrinkKept(): void {
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

  function drop(key: string): void {
    trialBytes -= trial.get(key)?.bytes ?? 0;
    keptBytes -= kept.get(key)?.bytes ?? 0;
    trial.delete(key);
    kept.delete(key);
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
      drop(key);
      kept.set(key, tried);
      keptBytes += tried.bytes;
      shrinkKept();
      return tried.value;
    },

    keep(key, value, bytes) {
      drop(key);
      if (bytes > maxBytes) return;
      trial.set(key, { value, bytes, found: false });
      trialBytes += bytes;
      shrinkTrial();
    },

    get bytes() {
      return trialBytes + keptBytes;
    },

    get size() {
      return trial.size + kept.size;
    },
  };
}
