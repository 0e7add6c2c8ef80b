/** Milliseconds for which an answer is good: whoever asks more often gets the same one. */
const REMEMBERED = 1_000;

/** Has everybody who asks within a second have the same answer. @param monotonic milliseconds, never going back */
export function shared<T>(make: () => Promise<T>, monotonic: () => number): () => Promise<T> {
  let last: { readonly at: number; readonly made: Promise<T> } | undefined;
  return () => {
    const at = monotonic();
    if (last === undefined || at - last.at >= REMEMBERED) last = { at, made: make() };
    return last.made;
  };
}
