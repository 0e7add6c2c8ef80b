import type { Terminal } from "./terminal.ts";

/** An option of a command. */
export interface OptionSpec {
  readonly type: "string" | "boolean";
  readonly multiple?: boolean;
  readonly short?: string;
  /** The placeholder of its value in help; `FILE` is completed with file names. */
  readonly value?: string;
  readonly help: string;
}

/** One call of a command. */
export interface Invocation {
  readonly terminal: Terminal;
  readonly positionals: readonly string[];
  readonly json: boolean;
  text(option: string): string | undefined;
  texts(option: string): readonly string[];
  flag(option: string): boolean;
}

/** A command, said once: parsing, help and completion are all made from it. */
export interface Command {
  readonly name: string;
  /** The text behind the name in help. */
  readonly usage: string;
  readonly summary: string;
  /** Paragraphs of help. */
  readonly details?: readonly string[];
  readonly options: Readonly<Record<string, OptionSpec>>;
  /** Words that may stand first behind the name. */
  readonly words?: readonly string[];
  /** @returns the exit code */
  run(invocation: Invocation): Promise<number>;
}

/** Options that several commands have. */
export const TOKEN_OPTION = {
  token: {
    type: "string",
    short: "t",
    value: "FILE",
    help: "the token's file, - for standard input; else BAKEHOUSE_TOKEN, else standard input",
  },
} as const satisfies Record<string, OptionSpec>;

export const STRICT_OPTION = {
  strict: { type: "boolean", help: "what would be warned of is an error, and nothing is made" },
} as const satisfies Record<string, OptionSpec>;

export const URL_OPTIONS = {
  url: { type: "string", value: "URL", help: "the service; else BAKEHOUSE_URL, else where you logged in" },
  "insecure-http": {
    type: "boolean",
    help: "over plain http, which anyone on the way reads; else BAKEHOUSE_INSECURE_HTTP=true",
  },
} as const satisfies Record<string, OptionSpec>;

export const SERVICE_OPTIONS = {
  ...URL_OPTIONS,
  credential: {
    type: "string",
    value: "FILE",
    help: "a credential's file; else BAKEHOUSE_CREDENTIAL_FILE, else your login",
  },
} as const satisfies Record<string, OptionSpec>;

export const PAGE_OPTIONS = {
  limit: { type: "string", value: "N", help: "most entries" },
  cursor: { type: "string", value: "CURSOR", help: "go on from an earlier page" },
} as const satisfies Record<string, OptionSpec>;
