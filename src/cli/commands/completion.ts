import type { Command } from "../command.ts";
import { bashCompletion, fishCompletion, zshCompletion } from "../completion.ts";
import { EXIT, UsageError } from "../exit.ts";
import { printText } from "../terminal.ts";

const SHELLS = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion } as const;

/** @param all every command, this one included */
export function completionCommand(all: () => readonly Command[]): Command {
  return {
    name: "completion",
    usage: "bash|zsh|fish",
    summary: "print a script that completes commands and options",
    details: [
      'bash: eval "$(bakehouse completion bash)"',
      "zsh: the same with zsh",
      "fish: bakehouse completion fish | source",
    ],
    words: Object.keys(SHELLS),
    options: {},
    async run({ terminal, positionals }) {
      const [shell] = positionals;
      if (shell !== "bash" && shell !== "zsh" && shell !== "fish")
        throw new UsageError("say bash, zsh or fish");
      printText(terminal, SHELLS[shell](all()));
      return EXIT.done;
    },
  };
}
