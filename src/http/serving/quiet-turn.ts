/** A turn of the event loop that took no longer than this, milliseconds, had nothing to do. */
const QUIET = 0.05;

/** Milliseconds after which twice as much is taken for quiet: a busy process may have no turn with nothing to do. */
const DOUBLING = 50;

/** Milliseconds after which a turn will do in which something arrived. */
const PATIENCE = 700;

/**
 * Does something at the end of a turn of the event loop in which nothing arrived. A system that has accepted a
 * connection or received a request tells this process in one of its next turns; what is closed before that is lost
 * with all that waits there. At the end of a quiet turn nothing waits, but for what comes in the next microseconds.
 *
 * @param task must not throw
 * @param arrivals how much has arrived so far; by default a quiet turn is known by its length alone
 */
export function inQuietTurn(task: () => void, arrivals: () => number = () => 0): Promise<void> {
  const first = performance.now();
  let begun = Number.NEGATIVE_INFINITY; // the turn that is under way may have looked before now
  let seen = arrivals();
  return new Promise((resolve) => {
    setImmediate(function end() {
      const now = performance.now();
      const waited = now - first;
      const quiet = arrivals() === seen && now - begun <= QUIET * 2 ** (waited / DOUBLING);
      if (!quiet && waited < PATIENCE) {
        begun = now;
        seen = arrivals();
        setImmediate(end);
        return;
      }
      task();
      resolve();
    });
  });
}
