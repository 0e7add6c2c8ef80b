import type { DischargeStanding } from "../ports/discharge-requests.ts";
import type { Store } from "../ports/store.ts";

/** The place in which callers wait for people. */
export interface WaitingRoom {
  /**
   * Waits until a request is decided or expires, at most so long.
   *
   * @param milliseconds how long at most
   * @returns false if there is no room to wait; at once, and true, if the room is closed
   */
  wait(id: string, milliseconds: number): Promise<boolean>;
  /** Wakes all that wait for a request on this replica. */
  wake(id: string): void;
  /** Wakes everybody, for good: this replica stops, and callers wait on elsewhere. */
  close(): void;
  readonly isClosed: boolean;
}

/** Milliseconds between two looks; one look serves all that wait. */
const PAUSE = 500;

/** Callers that wait at once; further ones are answered without waiting. */
const SEATS = 5_000;

/** The same for one request: a caller that hangs up keeps a seat until its time is over. */
const SEATS_PER_REQUEST = 8;

/** Only lengths of time are measured, by timers: a decision is read again by each caller that waited. */
export function createWaitingRoom(options: { readonly store: Store }): WaitingRoom {
  const waiting = new Map<string, Set<() => void>>();
  let seated = 0;
  let looking = false;
  let isClosed = false;
  let timer: NodeJS.Timeout | undefined;

  function wake(id: string): void {
    for (const leave of waiting.get(id) ?? []) leave();
  }

  function isOver({ state }: DischargeStanding): boolean {
    return state !== "pending";
  }

  async function look(): Promise<void> {
    if (looking) return;
    looking = true;
    try {
      const standings = await options.store.dischargeRequests.standings([...waiting.keys()]);
      for (const standing of standings) if (isOver(standing)) wake(standing.id);
    } catch {
      // An outage: callers go on waiting, and meet it when they read for themselves.
    } finally {
      looking = false;
    }
  }

  return {
    async wait(id, milliseconds) {
      if (isClosed) return true;
      const taken = waiting.get(id)?.size ?? 0;
      if (milliseconds <= 0 || seated >= SEATS || taken >= SEATS_PER_REQUEST) return false;
      seated++;
      timer ??= setInterval(() => void look(), PAUSE).unref();
      await new Promise<void>((resolve) => {
        const leave = () => {
          clearTimeout(late);
          const others = waiting.get(id);
          others?.delete(leave);
          if (others?.size === 0) waiting.delete(id);
          resolve();
        };
        const late = setTimeout(leave, milliseconds);
        const others = waiting.get(id) ?? new Set();
        waiting.set(id, others.add(leave));
      });
      seated--;
      if (seated === 0) {
        clearInterval(timer);
        timer = undefined;
      }
      return true;
    },
    wake,
    close() {
      isClosed = true;
      for (const id of [...waiting.keys()]) wake(id);
    },
    get isClosed() {
      return isClosed;
    },
  };
}
