/** Does work within a share: what is too much waits for its turn, in the order in which it came. */
export type Share = <T>(work: () => Promise<T>) => Promise<T>;

/** Makes a share. @param most how much may be under way at a time */
export function createShare(most: number): Share {
  const waiting: (() => void)[] = [];
  let underWay = 0;

  return async (work) => {
    // A turn is handed on, and not given back: nobody who comes later gets in between.
    if (underWay < most) underWay += 1;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next === undefined) underWay -= 1;
      else next();
    }
  };
}
