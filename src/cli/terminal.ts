/** Bytes of standard input or of a file: more than any token, policy or context. */
export const MAX_INPUT = 1024 * 1024;

/**
 * The world of a command. The one rule of output: **stdout is data, stderr is talk.** Output that a script would
 * want to read goes to `print`; prompts, hints, progress and errors go to `say`.
 */
export interface Terminal {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly platform: string;
  /** The user's home folder. Reading it throws a UsageError if there is none. */
  readonly home: string;
  /** Whether somebody could type on standard input. */
  readonly inputIsTerminal: boolean;
  /** Whether standard output is read by eyes. */
  readonly outputIsTerminal: boolean;
  /** Whether a person reads standard error and types on standard input, and so can be asked. */
  readonly canAsk: boolean;
  /** Asks on standard error. @returns true for a yes, false for any other answer and for none */
  confirm(question: string): Promise<boolean>;
  /** Reads standard input to its end. @throws UsageError if it is longer than any input can be */
  readInput(): Promise<string>;
  /** Writes one line of data. */
  print(line: string): void;
  /** Talks: one line. */
  say(line: string): void;
  /** Ends when somebody presses Ctrl-C. */
  readonly signal: AbortSignal;
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
  /** Whether there is a screen, here, on which a browser could open. */
  readonly hasBrowser: boolean;
  /** Opens a page in a browser; false if there is none. */
  openBrowser(url: string): Promise<boolean>;
}

/** Prints text of our own, line by line. */
export function printText(terminal: Terminal, text: string): void {
  for (const line of text.split("\n")) terminal.print(line);
}

// Characters that JSON leaves and a terminal may act on: C1 controls, format characters, separators, surrogates.
const ODD = /[\u007f-\u009f]|(?! )[\p{C}\p{Z}\p{Default_Ignorable_Code_Point}]/gu;

/** Prints JSON as data. A character that a terminal would not show as itself becomes `\uXXXX`, the same to a parser. */
export function printJson(terminal: Terminal, value: unknown): void {
  for (const line of JSON.stringify(value, null, 2).split("\n"))
    terminal.print(line.replace(ODD, escapeUnits));
}

/** As {@link printJson}, in one line: for output without an end. */
export function printJsonLine(terminal: Terminal, value: unknown): void {
  terminal.print(JSON.stringify(value).replace(ODD, escapeUnits));
}

function escapeUnits(text: string): string {
  let escaped = "";
  for (let index = 0; index < text.length; index++) {
    escaped += `\\u${text.charCodeAt(index).toString(16).padStart(4, "0")}`;
  }
  return escaped;
}
