/** Milliseconds between two looks, and of one of the two windows that are looked back on. */
const LOOK = 100;
const WINDOW = 15_000;

/** Watches how late the event loop is. */
export interface LagWatch {
  /** The longest delay in the last 15 to 30 seconds, seconds: the same for everybody who asks. */
  longest(): number;
  stop(): void;
}

/** Begins to watch. @param now milliseconds, never going back */
export function watchLag(now: () => number = () => performance.now()): LagWatch {
  let looked = now();
  let windowBegan = looked;
  let before = 0;
  let longest = 0;

  function look(): void {
    const at = now();
    const late = at - looked - LOOK;
    looked = at;
    if (at - windowBegan >= WINDOW) {
      // A process that stood still for longer has seen nothing of the window in between.
      before = at - windowBegan >= 2 * WINDOW ? 0 : longest;
      longest = 0;
      windowBegan = at;
    }
    longest = Math.max(longest, late);
  }

  const timer = setInterval(look, LOOK).unref();
  return {
    longest() {
      // The delay that is under way has not been looked at yet.
      return Math.max(before, longest, now() - looked - LOOK, 0) / 1_000;
    },
    stop: () => clearInterval(timer),
  };
}
