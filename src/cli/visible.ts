import { printable } from "../caveats/quote.ts";
import type { Terminal } from "./terminal.ts";

const PLAIN = /^[\x20-\x7e]*$/;

/** Characters of one line of talk: a service's message may be long, and nobody reads more. */
const MOST_SAID = 4_000;

/**
 * One line as a terminal may show it.
 *
 * Locations, caveats, agents, names and messages come from whoever wrote the token or answers for the service.
 * Raw, they could move the cursor, rewrite what stands above, hide what follows, or forge another line.
 */
export function visible(text: string, most: number = Number.POSITIVE_INFINITY): string {
  return text.length <= most && PLAIN.test(text) ? text : printable(text, most);
}

/** The terminal behind the one gate that all output goes through, so that no command can forget it. */
export function gated(terminal: Terminal): Terminal {
  return {
    ...terminal,
    // Spreading would read it now, and begin to listen for Ctrl-C.
    get signal() {
      return terminal.signal;
    },
    print: (line) => terminal.print(visible(line)),
    say: (line) => terminal.say(visible(line, MOST_SAID)),
  };
}
