import { caveatWarnings } from "../../client/inspection.ts";
import { type Command, SERVICE_OPTIONS, STRICT_OPTION } from "../command.ts";
import { EXIT, UsageError } from "../exit.ts";
import { inUnit, readDuration, requireNoWarning } from "../input.ts";
import { leaveToken, OUTPUT_OPTION, settleOutput } from "../output.ts";
import { connect } from "../service.ts";
import { moment } from "../show.ts";
import { partyKey, THIRD_PARTY_OPTIONS, wantedThirdParties } from "../third-party.ts";

export const issueCommand: Command = {
  name: "issue",
  usage: "[CAVEAT…]",
  summary: "get a root token",
  details: [
    "For yourself after `bakehouse login`; with a platform's credential, for whom --on-behalf-of names.",
    "The token is printed; it is a secret.",
  ],
  options: {
    ...SERVICE_OPTIONS,
    ...OUTPUT_OPTION,
    platform: { type: "string", short: "p", value: "NAME", help: "the platform; default unless said" },
    ttl: { type: "string", value: "DURATION", help: "its life, such as 8h; an hour unless said" },
    label: { type: "string", value: "TEXT", help: "for people, in lists; not in the token" },
    "on-behalf-of": { type: "string", value: "SUBJECT", help: "whom a platform issues for" },
    issuer: { type: "string", value: "URL", help: "that person's issuer; the service's own unless said" },
    ...STRICT_OPTION,
    ...THIRD_PARTY_OPTIONS,
  },
  async run(invocation) {
    const { terminal, text, positionals } = invocation;
    const ttl = readDuration(text("ttl"), "ttl");
    const subject = text("on-behalf-of");
    const issuer = text("issuer");
    const label = text("label");
    if (issuer !== undefined && subject === undefined)
      throw new UsageError("--issuer goes with --on-behalf-of SUBJECT");
    requireNoWarning(invocation, caveatWarnings(positionals));
    const client = await connect(invocation);
    await settleOutput(invocation);
    // The service knows its own key, and asks no other place for one.
    const thirdParties = await Promise.all(
      (await wantedThirdParties(invocation)).map(async ({ location, condition, key }) => {
        const known = key ?? (location === client.origin ? undefined : await partyKey(terminal, location));
        return { location, condition, ...(known !== undefined && { public_key: known }) };
      }),
    );
    const issued = await inUnit(text("ttl"), () =>
      client.issue(
        {
          platform: text("platform") ?? "default",
          ...(ttl !== undefined && { ttl }),
          ...(positionals.length > 0 && { caveats: positionals }),
          ...(thirdParties.length > 0 && { third_party_caveats: thirdParties }),
          ...(label !== undefined && { label }),
          ...(subject !== undefined && {
            on_behalf_of: { subject, ...(issuer !== undefined && { issuer }) },
          }),
        },
        { signal: terminal.signal },
      ),
    );
    await leaveToken(invocation, issued);
    terminal.say(
      `bakehouse: for ${issued.principal.email ?? issued.principal.subject} on ${issued.platform}`,
    );
    terminal.say(`bakehouse: ${issued.summary}`);
    terminal.say(`bakehouse: token id ${issued.token_id}, expires ${moment(issued.expires_at)}`);
    for (const warning of issued.warnings ?? []) terminal.say(`bakehouse: warning: ${warning}`);
    return EXIT.done;
  },
};
