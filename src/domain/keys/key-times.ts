import { MAX_TOKEN_LIFE, ROOT_KEY_MARGIN } from "../parts/lifetimes.ts";

/**
 * When a key that is made now takes over, unix milliseconds: once every replica has it.
 *
 * @param stalenessMilliseconds within which every replica has read each commit, or refuses to answer
 */
export function takesOverAt(now: number, stalenessMilliseconds: number): number {
  return now + 2 * stalenessMilliseconds;
}

/** When a key expires that another one takes over from, unix milliseconds: nothing under it is alive by then. */
export function expiresAfter(takenOverAt: number): number {
  return takenOverAt + MAX_TOKEN_LIFE + ROOT_KEY_MARGIN;
}

/** The key that is in use. The clock of a replica may be behind the one by which the first key was made. @param keys newest first */
export function inUse<Key extends { readonly activeFrom: number }>(
  keys: Iterable<Key>,
  now: number,
): Key | undefined {
  const all = [...keys];
  return all.find(({ activeFrom }) => activeFrom <= now) ?? all.at(-1);
}
