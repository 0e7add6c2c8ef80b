/**
 * What a command can reach. The one rule of output: **stdout is data, stderr is talk.** What a script would
 * want to read goes to `print`; prompts, hints, progress and errors go to `say`.
 */
export interface Terminal {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly platform: string;
  readonly home: string;
  /** Whether somebody could type on standard input. */
  readonly inputIsTerminal: boolean;
  /** Whether standard output is read by eyes. */
  readonly outputIsTerminal: boolean;
  /** Reads standard input to its end. @throws UsageError where it is too long to be what is asked for */
  readInput(): Promise<string>;
  /** Writes data. */
  print(line: string): void;
  /** Talks. */
  say(line: string): void;
  /** Ends when somebody presses Ctrl-C. */
  readonly signal: AbortSignal;
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
  /** Opens a page in a browser; false where there is none. */
  openBrowser(url: string): Promise<boolean>;
}

/** Prints JSON as data. */
export function printJson(terminal: Terminal, value: unknown): void {
  terminal.print(JSON.stringify(value, null, 2));
}
