import { type Command, SERVICE_OPTIONS } from "../command.ts";
import { EXIT, UsageError } from "../exit.ts";
import { onlyWords } from "../input.ts";
import { connect } from "../service.ts";
import { printJson, printText } from "../terminal.ts";

export const treeCommand: Command = {
  name: "tree",
  usage: "TOKEN-ID",
  summary: "show how a token was handed on",
  details: [
    "It tells of the links that calls were made with: narrowing a token happens elsewhere, and is seen with its first call.",
    "Names and caveats behind what was issued are what holders claim.",
  ],
  options: {
    ...SERVICE_OPTIONS,
    svg: { type: "boolean", help: "print a drawing, in SVG" },
  },
  async run(invocation) {
    const { terminal, json, positionals, flag } = invocation;
    onlyWords(invocation, 1);
    const [id] = positionals;
    if (id === undefined) throw new UsageError("say which token: bakehouse tree TOKEN-ID");
    if (json && flag("svg")) throw new UsageError("--json or --svg, not both");
    const client = await connect(invocation);
    const options = { signal: terminal.signal };
    if (json) printJson(terminal, await client.tokens.tree(id, options));
    else
      printText(
        terminal,
        (await client.tokens.drawTree(id, flag("svg") ? "svg" : "outline", options)).trimEnd(),
      );
    return EXIT.done;
  },
};
