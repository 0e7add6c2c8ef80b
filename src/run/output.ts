import { isatty } from "node:tty";

import { pino } from "pino";

import { forPeople } from "./log-for-people.ts";

/** The destination of lines. Each comes with its end, and all are written in the order in which they came. */
export interface LineOutput {
  /** Writes a line, after all that is held. */
  write(line: string): void;
  /** Takes a line of which there may be many, to be written with others. */
  hold(line: string): void;
  /** Writes the lines that are held. */
  flush(): void;
}

/** Characters that are held at most until the turn ends. */
const MOST_HELD = 64 * 1024;

/**
 * Holds lines until the turn of the event loop ends, and writes them at once: a system call for each line costs a
 * busy service more than the line. A rare line is not held, because somebody may wait for it. A process that is killed
 * loses the lines of its last turn; one that exits, by a fault too, loses none, because `flush` runs before.
 *
 * @param write takes all that is held; returns once it is written
 */
export function oncePerTurn(write: (lines: string) => void): LineOutput {
  let lines: string[] = [];
  let held = 0;

  function flush(): void {
    if (held === 0) return;
    const text = lines.join("");
    lines = [];
    held = 0;
    write(text);
  }

  return {
    write(line) {
      flush();
      write(line);
    },
    hold(line) {
      if (held === 0) setImmediate(flush);
      lines.push(line);
      held += line.length;
      if (held > MOST_HELD) flush();
    },
    flush,
  };
}

let output: LineOutput | undefined;

/** Standard output, written once a turn, and before the process ends. At a terminal its lines are for people. */
export function standardOutput(): LineOutput {
  if (output === undefined) {
    // Waits if the reader is slow: the held lines do not grow, and nothing is left behind at the end.
    const destination = pino.destination({ dest: 1, sync: true });
    const shown = isatty(1) ? forPeople : (lines: string) => lines;
    const held = oncePerTurn((lines) => destination.write(shown(lines)));
    process.once("exit", held.flush);
    output = held;
  }
  return output;
}
