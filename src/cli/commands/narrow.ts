import type { Token } from "../../client/index.ts";
import { TokenError } from "../../client/index.ts";
import { type Command, type Invocation, STRICT_OPTION, TOKEN_OPTION, URL_OPTIONS } from "../command.ts";
import { EXIT, UsageError } from "../exit.ts";
import { checkCaveats, readCount, readDuration, readToken, requireNoWarning } from "../input.ts";
import { leaveToken, OUTPUT_OPTION, settleOutput } from "../output.ts";
import { THIRD_PARTY_OPTIONS, thirdPartyCaveats } from "../third-party.ts";

async function leave(invocation: Invocation, token: Token): Promise<number> {
  const { isExpired, warnings, summary } = token.inspect();
  const over = isExpired ? ["the token is over: an instant of its `time <` has passed"] : [];
  const all = [...over, ...warnings];
  requireNoWarning(invocation, all);
  await leaveToken(invocation, { token: token.encode(), revocation_id: token.revocationId });
  // Printed, it goes on into another command; in a file nobody sees the token that was made.
  if (invocation.text("output") !== undefined) invocation.terminal.say(`bakehouse: ${summary}`);
  for (const warning of all) invocation.terminal.say(`bakehouse: warning: ${warning}`);
  return EXIT.done;
}

function narrowing(make: () => Token): Token {
  try {
    return make();
  } catch (error) {
    if (error instanceof TokenError) throw new UsageError(`cannot narrow the token: ${error.message}`);
    throw error;
  }
}

export const attenuateCommand: Command = {
  name: "attenuate",
  usage: "CAVEAT…",
  summary: "narrow a token, offline",
  details: [
    "A caveat is an attribute, an operator and a value: 'action in read, list', 'args.amount <= 100'.",
    "--third-party 'approved-by alice Pay 40 EUR' is sealed to the party's key: with --party-key it is offline, too.",
  ],
  options: { ...TOKEN_OPTION, ...OUTPUT_OPTION, ...STRICT_OPTION, ...THIRD_PARTY_OPTIONS, ...URL_OPTIONS },
  async run(invocation) {
    const { positionals } = invocation;
    if (positionals.length === 0 && invocation.texts("third-party").length === 0) {
      throw new UsageError("say what narrows it, such as 'action in read, list'");
    }
    await settleOutput(invocation);
    const token = await readToken(invocation);
    checkCaveats(token, positionals);
    const thirdParties = await thirdPartyCaveats(invocation);
    return leave(
      invocation,
      narrowing(() => token.attenuate(...positionals, ...thirdParties)),
    );
  },
};

export const delegateCommand: Command = {
  name: "delegate",
  usage: "NAME [CAVEAT…]",
  summary: "narrow a token for its next holder, offline",
  details: ["The name is for tracing, and for cutting off: everything below it can be revoked."],
  options: {
    ...TOKEN_OPTION,
    ...OUTPUT_OPTION,
    ...STRICT_OPTION,
    ...THIRD_PARTY_OPTIONS,
    ...URL_OPTIONS,
    ttl: { type: "string", value: "DURATION", help: "how long the holder may use it, such as 15m" },
    depth: { type: "string", value: "N", help: "how often the holder may hand it on" },
    holder: {
      type: "string",
      value: "THUMBPRINT",
      help: "the holder's key, without which it is then worth nothing: bakehouse holder new",
    },
    instance: {
      type: "string",
      value: "NAME",
      help: "tells two holders of one name apart; random unless given",
    },
  },
  async run(invocation) {
    const [name, ...caveats] = invocation.positionals;
    if (name === undefined)
      throw new UsageError("say who gets it, such as bakehouse delegate researcher 'action = read'");
    const ttl = readDuration(invocation.text("ttl"), "ttl");
    const depth = readCount(invocation.text("depth"), "depth");
    const instance = invocation.text("instance");
    const holder = invocation.text("holder");
    await settleOutput(invocation);
    const token = await readToken(invocation);
    checkCaveats(token, caveats);
    const options = {
      caveats: [...caveats, ...(await thirdPartyCaveats(invocation))],
      ...(ttl !== undefined && { ttl }),
      ...(depth !== undefined && { depth }),
      ...(instance !== undefined && { instance }),
      ...(holder !== undefined && { holder }),
    };
    return leave(
      invocation,
      narrowing(() => token.delegate(name, options)),
    );
  },
};
