import { Server } from "node:net";

/** A turn of the event loop that took no longer than this, milliseconds, had nothing to do. */
const QUIET = 0.05;

/**
 * Milliseconds after a sleep for which this process is looked at as just begun: the system takes the processor from those
 * that have had it for a while, and what comes in the tens of milliseconds until they have it again is lost.
 */
const FRESH = 1;

/** Sleeps after which twice as much is taken for quiet and for fresh: a busy process may have no turn with nothing to do. */
const DOUBLING = 20;

/** Milliseconds, and sleeps, after which a turn will do in which something arrived. */
const PATIENCE = 600;
const MOST_SLEEPS = 100;

/** Milliseconds after which any turn will do. */
const LONGEST = 1_000;

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
  let sleeps = 0;
  let woken = 0;
  let begun = 0;
  let seen = 0;
  return new Promise((resolve) => {
    function begin(now: number): void {
      begun = now;
      seen = arrivals();
      setImmediate(end);
    }
    function sleep(): void {
      sleeps += 1;
      setTimeout(() => {
        woken = performance.now();
        begin(woken);
      }, 1);
    }
    function end(): void {
      const now = performance.now();
      const waited = now - first;
      const slack = 2 ** (sleeps / DOUBLING);
      const quiet = arrivals() === seen && now - begun <= QUIET * slack;
      const late = (waited >= PATIENCE && sleeps >= MOST_SLEEPS) || waited >= LONGEST;
      if (quiet || late) {
        task();
        resolve();
      } else if (now - woken <= FRESH * slack) begin(now);
      else sleep();
    }
    sleep();
  });
}

/**
 * Closes a port at the end of a quiet turn. Its connections stay open, idle ones too.
 *
 * Code that runs for the first time takes up to two milliseconds on a busy machine, and the system goes on accepting for us
 * meanwhile: so all of it is run once before, on a port that was never opened.
 *
 * @param arrivals how many connections have arrived so far
 */
export async function closePort(server: Server, arrivals: () => number): Promise<void> {
  const ports = [new Server(), server];
  // An HTTP server's own would also close what it takes for idle, those connections among it on which a request is on its way.
  const close = () => Server.prototype.close.call(ports.shift());
  close();
  await inQuietTurn(close, arrivals);
}
