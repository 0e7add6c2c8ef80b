/** Makes a function that does some work when it is first called, and gives that result to each call. */
export function atMostOnce<Result>(work: () => Promise<Result>): () => Promise<Result> {
  let result: Promise<Result> | undefined;
  return () => {
    result ??= work();
    return result;
  };
}
