import { BakehouseError } from "../../client/index.ts";
import { type Command, URL_OPTIONS } from "../command.ts";
import { EXIT } from "../exit.ts";
import { onlyWords } from "../input.ts";
import { loadLogin } from "../login-file.ts";
import { connectAnonymously, serviceUrl } from "../service.ts";
import { columns, moment } from "../show.ts";
import { printJson } from "../terminal.ts";

export const statusCommand: Command = {
  name: "status",
  usage: "",
  summary: "say which service is used, whether it answers, and who you are there",
  details: ["Ends with 0 where the service can answer, and with 5 where it cannot."],
  options: { ...URL_OPTIONS },
  async run(invocation) {
    onlyWords(invocation, 0);
    const { terminal, json } = invocation;
    const url = await serviceUrl(invocation);
    const client = await connectAnonymously(invocation);
    let problem: string | undefined;
    try {
      await client.ready({ signal: terminal.signal });
    } catch (error) {
      if (!(error instanceof BakehouseError)) throw error;
      problem = error.message;
    }
    const kept = await loadLogin(terminal);
    const login = kept?.url === url ? kept : undefined;
    const isOver = login !== undefined && Date.parse(login.expires_at) <= Date.now();
    if (json) {
      const who = login && { name: login.name, expires_at: login.expires_at, expired: isOver };
      printJson(terminal, {
        url,
        ready: problem === undefined,
        problem: problem ?? null,
        login: who ?? null,
      });
    } else {
      const who =
        login === undefined
          ? "nobody"
          : `${login.name}, ${isOver ? "over since" : "until"} ${moment(login.expires_at)}`;
      const rows = [
        ["service", url],
        ["answers", problem === undefined ? "yes" : `no: ${problem}`],
        ["logged in", who],
      ];
      for (const line of columns(rows)) terminal.print(line);
    }
    return problem === undefined ? EXIT.done : EXIT.unavailable;
  },
};
