import type { Terminal } from "../../src/cli/terminal.ts";

/** A terminal that remembers, and lets the command out of this process nowhere. */
export interface FakeTerminal extends Terminal {
  readonly printed: string[];
  readonly said: string[];
  /** Pages that a browser was to open. */
  readonly opened: string[];
  /** Whether anything listened for Ctrl-C. */
  readonly listened: () => boolean;
}

/** @param options what is there: standard input's text, a `fetch`, the environment, a home, a browser */
export function fakeTerminal(
  options: {
    readonly input?: string;
    readonly env?: Readonly<Record<string, string>>;
    readonly home?: string;
    readonly fetch?: Terminal["fetch"];
    readonly hasBrowser?: boolean;
    readonly signal?: AbortSignal;
    /** Whether eyes read standard output; true unless said. */
    readonly outputIsTerminal?: boolean;
    /** Answers questions; nobody is there to ask without it. */
    readonly answer?: boolean;
  } = {},
): FakeTerminal {
  const { input, env = {}, home = "/nonexistent", hasBrowser = false } = options;
  const printed: string[] = [];
  const said: string[] = [];
  const opened: string[] = [];
  let listened = false;
  return {
    printed,
    said,
    opened,
    listened: () => listened,
    env,
    platform: "linux",
    home,
    inputIsTerminal: input === undefined,
    outputIsTerminal: options.outputIsTerminal ?? true,
    canAsk: options.answer !== undefined,
    async confirm(question) {
      said.push(question);
      return options.answer ?? false;
    },
    readInput: async () => input ?? "",
    print: (line) => void printed.push(line),
    say: (line) => void said.push(line),
    get signal() {
      listened = true;
      return options.signal ?? new AbortController().signal;
    },
    fetch: options.fetch ?? (() => Promise.reject(new TypeError("no network"))),
    hasBrowser,
    async openBrowser(url) {
      opened.push(url);
      return hasBrowser;
    },
  };
}
