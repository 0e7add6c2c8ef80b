import type { RevocationTarget } from "../../client/index.ts";
import { type Command, type Invocation, PAGE_OPTIONS, SERVICE_OPTIONS, TOKEN_OPTION } from "../command.ts";
import { EXIT } from "../exit.ts";
import { readCount, readTokenText } from "../input.ts";
import { connect, connectAnonymously } from "../service.ts";
import { columns, moment } from "../show.ts";
import { printJson } from "../terminal.ts";

export const revokeCommand: Command = {
  name: "revoke",
  usage: "",
  summary: "revoke a token, and everything below it",
  details: [
    "Without an option it revokes the token that is given: holding it suffices, and no credential is sent.",
    "With options, several of them at once, it revokes what they name, as whoever the credential says.",
  ],
  options: {
    ...TOKEN_OPTION,
    ...SERVICE_OPTIONS,
    "revocation-id": { type: "string", multiple: true, value: "ID", help: "a link and everything below it" },
    "token-id": { type: "string", multiple: true, value: "ID", help: "a root token's whole tree" },
    reason: { type: "string", value: "TEXT", help: "for the record" },
  },
  async run(invocation) {
    const { terminal, json, text } = invocation;
    const named = namedTargets(invocation);
    const targets = named.length > 0 ? named : [{ token: await readTokenText(invocation) }];
    const client = named.length > 0 ? await connect(invocation) : await connectAnonymously(invocation);
    const reason = text("reason");
    const revoked = await client.revoke(targets, {
      signal: terminal.signal,
      ...(reason !== undefined && { reason }),
    });
    if (json) {
      printJson(terminal, revoked);
      return EXIT.done;
    }
    for (const { target } of revoked.revocations) {
      const [kind, id] = Object.entries(target)[0] ?? [];
      terminal.print(`${kind} ${typeof id === "string" ? id : JSON.stringify(id)}`);
    }
    terminal.say(`bakehouse: revoked, up to sequence ${revoked.sequence}`);
    return EXIT.done;
  },
};

function namedTargets({ texts }: Invocation): readonly RevocationTarget[] {
  return [
    ...texts("revocation-id").map((revocation_id) => ({ revocation_id })),
    ...texts("token-id").map((token_id) => ({ token_id })),
  ];
}

export const revocationsCommand: Command = {
  name: "revocations",
  usage: "",
  summary: "list the revocation log",
  options: {
    ...SERVICE_OPTIONS,
    limit: PAGE_OPTIONS.limit,
    after: { type: "string", value: "SEQUENCE", help: "only what follows" },
  },
  async run(invocation) {
    const { terminal, json, text } = invocation;
    const limit = readCount(text("limit"), "limit");
    const after = text("after");
    const request = { ...(limit !== undefined && { limit }), ...(after !== undefined && { after }) };
    const log = await (await connect(invocation)).revocations(request, { signal: terminal.signal });
    if (json) {
      printJson(terminal, log);
      return EXIT.done;
    }
    const rows = log.items.map(({ revoked_at, scope, target, reason }) => [
      moment(revoked_at),
      scope,
      Object.entries(target)
        .map(([kind, id]) => `${kind} ${typeof id === "string" ? id : JSON.stringify(id)}`)
        .join(" "),
      reason ?? "",
    ]);
    for (const line of columns(rows)) terminal.print(line);
    if (log.next_cursor !== null) terminal.say(`bakehouse: more with --after ${log.next_cursor}`);
    return EXIT.done;
  },
};
