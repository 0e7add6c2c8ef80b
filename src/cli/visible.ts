import { printable } from "../caveats/values/quote.ts";
import type { Terminal } from "./terminal.ts";

const PLAIN = /^[\x20-\x7e]*$/;

/** Characters of one line of talk: a service's message may be long, and nobody reads more. */
const MOST_SAID = 4_000;

/**
 * One line as a terminal may show it.
 *
 * Locations, caveats, agents, names and messages come from the token's writer or from the service that answers.
 * Raw, they could move the cursor, rewrite the lines above, hide the text that follows, or forge another line.
 */
export function visible(text: string, most: number = Number.POSITIVE_INFINITY): string {
  return text.length <= most && PLAIN.test(text) ? text : printable(text, most);
}

/** The terminal behind the one gate that all output goes through, so that no command can forget it. */
export function gated(terminal: Terminal): Terminal {
  // Inherited, not copied: copying would read `signal`, and from then on Ctrl-C would end nothing by itself.
  return Object.create(terminal, {
    print: { value: (line: string) => terminal.print(visible(line)) },
    say: { value: (line: string) => terminal.say(visible(line, MOST_SAID)) },
  });
}
