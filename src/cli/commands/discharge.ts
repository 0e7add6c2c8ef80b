import { BakehouseError, dischargeToken, type Token, TokenError } from "../../client/index.ts";
import { originOf } from "../../client/origin.ts";
import { type Command, type Invocation, TOKEN_OPTION, URL_OPTIONS } from "../command.ts";
import { CommandError, EXIT, UsageError } from "../exit.ts";
import { checkCaveats, readDuration, readToken } from "../input.ts";
import { leaveToken, OUTPUT_OPTION, settleOutput } from "../output.ts";
import { explicitCredential, serviceUrl } from "../service.ts";
import { moment } from "../show.ts";
import { partyOrigin } from "../third-party.ts";
import { visible } from "../visible.ts";

const MOST_CODE = 40;

export const dischargeCommand: Command = {
  name: "discharge",
  usage: "[CAVEAT…]",
  summary: "get the discharges that a token's third-party caveats need",
  details: [
    "Prints the token with its discharges, which is what a platform is shown. Where a person has to act, it says",
    "which page to open, and waits. Only the service itself is asked, and what --allow names: a location stands",
    "in the token, where any holder may have written it. Nobody is told who asks, unless --as-me or --credential",
    "says so. Caveats narrow each discharge: 'args.amount = 40' asks for a yes to that and to nothing else. The",
    "service sees the token only where the token says that it is from there.",
  ],
  options: {
    ...TOKEN_OPTION,
    ...OUTPUT_OPTION,
    ...URL_OPTIONS,
    credential: { type: "string", value: "FILE", help: "say to the service who asks, with this credential" },
    "as-me": {
      type: "boolean",
      help: "say to the service who asks, with your login: no page where that suffices",
    },
    allow: { type: "string", multiple: true, value: "URL", help: "another party that may be asked" },
    "show-token-to": {
      type: "string",
      multiple: true,
      value: "URL",
      help: "a party that may be asked, and see the token",
    },
    bound: { type: "boolean", help: "for this very token only, not for what is narrowed from it" },
    wait: { type: "string", value: "DURATION", help: "how long to wait for a person; as long as it is open" },
    "no-browser": { type: "boolean", help: "print the page's address instead of opening it" },
  },
  async run(invocation) {
    const { terminal, texts, flag, positionals } = invocation;
    const wait = readDuration(invocation.text("wait"), "wait");
    const seeing = texts("show-token-to").map((url) => partyOrigin(url, "--show-token-to"));
    const others = texts("allow").map((url) => partyOrigin(url, "--allow"));
    await settleOutput(invocation);
    const token = await readToken(invocation);
    checkCaveats(token, positionals);
    if (token.undischarged().length === 0) {
      // The caveats would be enforced nowhere, and the token as wide as before.
      if (positionals.length > 0)
        throw new UsageError(
          "this token needs no discharge, so that the caveats would stand nowhere: bakehouse attenuate narrows it",
        );
      terminal.say(
        "bakehouse: warning: this token needs no discharge: nobody was asked, and it is as it was",
      );
    }
    const service = await serviceUrl(invocation);
    const allow = [service, ...others, ...seeing];
    const credential = await explicitCredential(invocation, service);
    checkPlaces(token, allow);
    const limit = wait === undefined ? undefined : AbortSignal.timeout(wait * 1000);
    const discharged = await discharging(limit, () =>
      dischargeToken(token, {
        allow,
        showTokenTo: isFrom(token, service) ? [service, ...seeing] : seeing,
        ...(credential !== undefined && { credentials: { [service]: credential } }),
        fetch: terminal.fetch,
        // Each place was checked when the command line was read.
        insecureHttp: true,
        forDescendants: !flag("bound"),
        caveats: positionals,
        signal: limit === undefined ? terminal.signal : AbortSignal.any([terminal.signal, limit]),
        interact: (pending, origin) => sendPerson(invocation, pending, origin),
      }),
    );
    const count = discharged.inspect().discharges.length;
    const made = { token: discharged.encode(), revocation_id: discharged.revocationId, discharges: count };
    await leaveToken(invocation, made);
    terminal.say(`bakehouse: ${count === 1 ? "one discharge" : `${count} discharges`}`);
    return EXIT.done;
  },
};

/** The library, that repeats nothing of a token, does not say which place is not allowed. */
function checkPlaces(token: Token, allow: readonly string[]): void {
  for (const { location } of token.undischarged()) {
    const origin = originOf(location);
    if (origin === undefined) throw new CommandError(EXIT.failed, "a third-party caveat names no origin");
    if (!allow.includes(origin)) {
      throw new UsageError(`a discharge is to be had at ${origin}: --allow ${origin} if you trust it`);
    }
  }
}

function isFrom(token: Token, service: string): boolean {
  const { location } = token.inspect();
  return location !== undefined && originOf(location) === service;
}

async function discharging(limit: AbortSignal | undefined, run: () => Promise<Token>): Promise<Token> {
  try {
    return await run();
  } catch (error) {
    if (limit?.aborted) throw new CommandError(EXIT.unavailable, "nobody has acted in the time to wait");
    if (error instanceof TokenError && error.code === "undischarged") {
      throw new CommandError(EXIT.unavailable, error.message);
    }
    // These end a request while somebody waits for it; a ticket that was never good is a 4xx of its own.
    if (error instanceof BakehouseError && error.code === "not_found") {
      throw new CommandError(EXIT.failed, `the request is not there: ${error.message}`);
    }
    throw error;
  }
}

async function sendPerson(
  { terminal, flag }: Invocation,
  pending: { readonly user_url?: string; readonly user_code?: string; readonly expires_at: string },
  origin: string,
): Promise<void> {
  const { user_url: page, user_code: code } = pending;
  if (page === undefined) {
    terminal.say(`bakehouse: ${origin} is asking somebody`);
  } else {
    // Opened by itself only if the party that was allowed has it: its word may lead anywhere.
    const mayOpen = !flag("no-browser") && new URL(page).origin === origin;
    const opened = mayOpen && (await terminal.openBrowser(page));
    terminal.say(
      opened
        ? "bakehouse: a person has to answer, in the browser that opens, or at"
        : "bakehouse: a person has to answer; open this page:",
    );
    terminal.say(page);
  }
  // Cut, so that nothing is told to a person in a code's place.
  if (code !== undefined) terminal.say(`bakehouse: the page must show the code ${visible(code, MOST_CODE)}`);
  terminal.say(`bakehouse: waiting until ${moment(pending.expires_at)}; Ctrl-C stops`);
}
