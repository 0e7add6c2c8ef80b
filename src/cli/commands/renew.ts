import { type Command, TOKEN_OPTION, URL_OPTIONS } from "../command.ts";
import { EXIT } from "../exit.ts";
import { inUnit, readDuration, readTokenText } from "../input.ts";
import { leaveToken, OUTPUT_OPTION, settleOutput } from "../output.ts";
import { connectAnonymously } from "../service.ts";
import { moment } from "../show.ts";

export const renewCommand: Command = {
  name: "renew",
  usage: "[CAVEAT…]",
  summary: "get a root token that goes on where one ends",
  details: [
    "Shows the root token as it was issued; no other credential is asked. A narrowed one is refused.",
    "The new one has the same caveats, and those that are given. What was handed on from the old one stays as it is.",
    "The platform's policy has to allow it, by a session in its rule. The token is printed; it is a secret.",
  ],
  options: {
    ...TOKEN_OPTION,
    ...URL_OPTIONS,
    ...OUTPUT_OPTION,
    ttl: { type: "string", value: "DURATION", help: "its life, such as 8h; an hour unless said" },
  },
  async run(invocation) {
    const { terminal, text, positionals } = invocation;
    const ttl = readDuration(text("ttl"), "ttl");
    const client = await connectAnonymously(invocation);
    await settleOutput(invocation);
    const token = await readTokenText(invocation);
    const request = {
      ...(ttl !== undefined && { ttl }),
      ...(positionals.length > 0 && { caveats: positionals }),
    };
    const renewed = await inUnit(text("ttl"), () =>
      client.renew(token, request, { signal: terminal.signal }),
    );
    await leaveToken(invocation, renewed);
    terminal.say(`bakehouse: renews ${renewed.predecessor}, which stays good until it ends or is revoked`);
    terminal.say(`bakehouse: ${renewed.summary}`);
    terminal.say(`bakehouse: token id ${renewed.token_id}, expires ${moment(renewed.expires_at)}`);
    return EXIT.done;
  },
};
