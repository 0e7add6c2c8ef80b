import { BakehouseError, type Revocation } from "../../client/index.ts";
import { pause } from "../../client/transport.ts";
import { type Command, type Invocation, PAGE_OPTIONS, SERVICE_OPTIONS } from "../command.ts";
import { EXIT, UsageError } from "../exit.ts";
import { onlyWords, readCount } from "../input.ts";
import { table } from "../page.ts";
import { connect } from "../service.ts";
import { moment, targetText } from "../show.ts";
import { printJson, printJsonLine } from "../terminal.ts";

/** Milliseconds before a connection that has ended is made again. */
const PAUSE = 1_000;

const COLUMNS = ["REVOKED", "SCOPE", "TARGET", "REASON"];

export const revocationsCommand: Command = {
  name: "revocations",
  usage: "",
  summary: "list the revocation log",
  details: ["With --follow it goes on, an entry as it comes; with --json, too, each is one line."],
  options: {
    ...SERVICE_OPTIONS,
    limit: PAGE_OPTIONS.limit,
    after: { type: "string", value: "SEQUENCE", help: "only what follows" },
    follow: { type: "boolean", short: "f", help: "wait for more, until it is stopped" },
  },
  async run(invocation) {
    const { terminal, json, text, flag } = invocation;
    onlyWords(invocation, 0);
    const limit = readCount(text("limit"), "limit");
    const after = text("after");
    if (flag("follow")) {
      if (limit !== undefined) throw new UsageError("--follow has no end, so it takes no --limit");
      return follow(invocation, after);
    }
    const request = { ...(limit !== undefined && { limit }), ...(after !== undefined && { after }) };
    const log = await (await connect(invocation)).revocations(request, { signal: terminal.signal });
    if (json) {
      printJson(terminal, log);
      return EXIT.done;
    }
    for (const line of table(terminal, COLUMNS, log.items.map(row))) terminal.print(line);
    if (log.items.length === 0) terminal.say("bakehouse: none");
    if (log.next_cursor !== null) terminal.say(`bakehouse: more with --after ${log.next_cursor}`);
    return EXIT.done;
  },
};

function row({ revoked_at, scope, target, reason }: Revocation): readonly string[] {
  return [moment(revoked_at), scope, targetText(target), reason ?? ""];
}

/**
 * Prints entries as they come, behind the last one that was seen if the connection has to be made again.
 *
 * @throws BakehouseError if the service could not be had the first time, or says that there is no going on
 */
async function follow(invocation: Invocation, after: string | undefined): Promise<never> {
  const { terminal, json } = invocation;
  const { signal } = terminal;
  const client = await connect(invocation);
  let seen = after;
  let wasOpen = false;
  for (;;) {
    try {
      for await (const event of client.followRevocations(seen === undefined ? {} : { after: seen }, {
        signal,
      })) {
        if (event.kind === "opened") {
          if (wasOpen) terminal.say("bakehouse: connected again");
          wasOpen = true;
          continue;
        }
        if (event.kind === "hash_key") continue;
        seen = event.sequence;
        if (event.kind !== "revocation") continue;
        if (json) printJsonLine(terminal, event.revocation);
        else terminal.print(row(event.revocation).join("  ").trimEnd());
      }
    } catch (error) {
      if (!wasOpen || !isPassing(error)) throw error;
      terminal.say("bakehouse: the connection has broken; trying again");
    }
    await pause(PAUSE, signal);
  }
}

function isPassing(error: unknown): boolean {
  if (!(error instanceof BakehouseError)) return false;
  return ["unreachable", "timeout", "unavailable", "rate_limited", "bad_answer"].includes(error.code);
}
