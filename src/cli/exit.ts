/** How a command ends. Scripts switch on these, so they are only added to. */
export const EXIT = {
  done: 0,
  /** Something else went wrong. */
  failed: 1,
  /** The command line, the environment or the input is wrong. */
  usage: 2,
  /** The question was answered, and the answer is no. */
  refused: 3,
  /** There is no credential, or it does not suffice. */
  unauthorised: 4,
  /** No answer could be had: offline, too slow, or the service cannot answer now. */
  unavailable: 5,
} as const;

/** The table of exit codes, for help. */
export const EXIT_HELP = [
  "0  done; of verify, explain and inspect --left: the token allows it",
  "1  failed",
  "2  the command, the environment or the input is wrong",
  "3  those: the token does not allow it; discharge: somebody said no",
  "4  there is no credential, or it does not suffice",
  "5  no answer could be had: offline, too slow, or the service cannot answer now",
];

/** The command line, the environment or the input is wrong. The message is for people. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** A command that ends with a code and a sentence. */
export class CommandError extends Error {
  override readonly name = "CommandError";
  readonly exit: number;

  constructor(exit: number, message: string) {
    super(message);
    this.exit = exit;
  }
}
