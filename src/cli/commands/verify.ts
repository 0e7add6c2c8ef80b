import { BakehouseError, type Refused, Token, type Verdict, type VerifyRequest } from "../../client/index.ts";
import { nearest } from "../../words/near.ts";
import { type Command, type Invocation, SERVICE_OPTIONS, TOKEN_OPTION } from "../command.ts";
import { readContext } from "../context.ts";
import { EXIT, UsageError } from "../exit.ts";
import { readJsonFile, readSource, readTokenText } from "../input.ts";
import { connect } from "../service.ts";
import { inspectionLines, verdictLines } from "../show.ts";
import { printJson } from "../terminal.ts";

const OPTIONS = {
  ...TOKEN_OPTION,
  ...SERVICE_OPTIONS,
  context: { type: "string", value: "FILE", help: "the context as a JSON object, - for standard input" },
  cost: {
    type: "string",
    multiple: true,
    value: "UNIT=AMOUNT",
    help: "what the call costs, for spend budgets",
  },
  as: { type: "string", value: "URI", help: "the resource as which to ask; else the credential's own" },
  proof: { type: "string", value: "FILE", help: "the call's DPoP proof, for a token that a key holds" },
  method: { type: "string", value: "METHOD", help: "the call's method, which the proof names" },
  uri: { type: "string", value: "URI", help: "the call's address, which the proof names" },
  endorsement: {
    type: "string",
    multiple: true,
    value: "FILE",
    help: "an endorsement that came with the call",
  },
  "min-sequence": {
    type: "string",
    value: "SEQUENCE",
    help: "know at least this much of the revocation log",
  },
} as const;

const DETAILS = ["What the call is stands behind the command as name=value: action=read args.amount=7."];

async function ask(invocation: Invocation, dryRun: boolean): Promise<{ verdict: Verdict; token: string }> {
  const { terminal, positionals, text } = invocation;
  const file = text("context");
  const base = file === undefined ? {} : await readJsonFile(terminal, file, "the context");
  const context = readContext(positionals, base);
  const token = await readTokenText(invocation);
  const [minSequence, resource] = [text("min-sequence"), text("as")];
  const client = await connect(invocation);
  const proof = await readProof(invocation);
  const verdict = await explained(dryRun, invocation, () =>
    client.verify(
      {
        token,
        context,
        ...(invocation.texts("cost").length > 0 && { cost: readCost(invocation.texts("cost")) }),
        ...proof,
        ...(minSequence !== undefined && { min_sequence: minSequence }),
        ...(resource !== undefined && { resource }),
        ...(dryRun && { dry_run: true }),
      },
      { signal: terminal.signal },
    ),
  );
  if (!verdict.allowed) {
    if (verdict.code === "unknown_key") terminal.say(`bakehouse: ${hint(token, client.origin)}`);
    for (const [said, meant] of misspelt(Object.keys(context), verdict))
      terminal.say(`bakehouse: the call says ${said}: did you mean ${meant}?`);
  }
  return { verdict, token };
}

/** Names of a call's context that are nearly one that a failed caveat asks for. */
function misspelt(said: readonly string[], { failures }: Refused): readonly (readonly [string, string])[] {
  const wanted = failures.map(({ caveat }) => /^[A-Za-z_][\w-]*/.exec(caveat)?.[0] ?? "");
  return said.flatMap((name) => {
    const meant = wanted.includes(name) ? undefined : nearest(name, wanted);
    return meant === undefined ? [] : [[name, meant] as const];
  });
}

/** Says how a person asks, if only a platform may ask so. */
async function explained(
  dryRun: boolean,
  { terminal }: Invocation,
  ask: () => Promise<Verdict>,
): Promise<Verdict> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof BakehouseError && error.code === "forbidden" && !dryRun)
      terminal.say("bakehouse: with a login, bakehouse explain asks about your own tokens");
    throw error;
  }
}

/** What came with the call to show that keys vouch for it. */
async function readProof({
  terminal,
  text,
  texts,
}: Invocation): Promise<Pick<VerifyRequest, "proof" | "endorsements">> {
  const [file, method, uri] = [text("proof"), text("method"), text("uri")];
  const read = async (path: string, what: string) => (await readSource(terminal, path, what)).trim();
  if ((file === undefined) !== (method === undefined) || (file === undefined) !== (uri === undefined)) {
    throw new UsageError("a proof is of a call: --proof FILE --method POST --uri https://api.example/orders");
  }
  const endorsements: string[] = [];
  for (const path of texts("endorsement")) endorsements.push(await read(path, "the endorsement"));
  return {
    ...(file !== undefined &&
      method !== undefined &&
      uri !== undefined && { proof: { dpop: await read(file, "the proof"), method, uri } }),
    ...(endorsements.length > 0 && { endorsements }),
  };
}

/** The amounts stay texts, so that they keep their digits; the service says which are none. */
function readCost(words: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    words.map((word) => {
      const at = word.indexOf("=");
      if (at < 1) throw new UsageError("say what the call costs as UNIT=AMOUNT, such as --cost EUR=12.50");
      return [word.slice(0, at), word.slice(at + 1)];
    }),
  );
}

/** Why a token is nobody's here, as far as it names its origin. */
function hint(token: string, origin: string): string {
  const { location, identifier } = Token.parse(token).inspect();
  if (identifier === undefined) return "that macaroon was not made by a Bakehouse";
  if (location !== undefined && URL.canParse(location) && new URL(location).origin !== origin) {
    return `that token is somebody else's: it says that it is from ${location}, and ${origin} was asked`;
  }
  return "that token is another platform's, or another person's, or it is a credential, as data/default.token is: ask with that platform's credential, or of your own token with your login; a credential is for --credential alone";
}

export const verifyCommand: Command = {
  name: "verify",
  usage: "[NAME=VALUE…]",
  summary: "ask whether a token allows a call",
  details: [
    ...DETAILS,
    "Ends with 0 where it does and with 3 where it does not. It is a call: a budget of the token counts it; explain counts nothing.",
  ],
  options: OPTIONS,
  async run(invocation) {
    const { verdict } = await ask(invocation, false);
    if (invocation.json) printJson(invocation.terminal, verdict);
    else for (const line of verdictLines(verdict)) invocation.terminal.print(line);
    return verdict.allowed ? EXIT.done : EXIT.refused;
  },
};

export const explainCommand: Command = {
  name: "explain",
  usage: "[NAME=VALUE…]",
  summary: "say why a token allows a call or not; nothing is counted",
  details: [
    ...DETAILS,
    "A platform's credential explains its platform's tokens, a login your own.",
    "Shows every caveat that failed, where it stands, and what would have passed; of a yes, all of them.",
  ],
  options: OPTIONS,
  async run(invocation) {
    const { terminal, json } = invocation;
    const { verdict, token } = await ask(invocation, true);
    if (json) {
      printJson(terminal, verdict);
    } else {
      for (const line of verdictLines(verdict)) terminal.print(line);
      if (verdict.allowed) {
        terminal.print("");
        const lines = inspectionLines(Token.parse(token).inspect());
        // The service has just verified it.
        for (const line of lines.slice(0, -1)) terminal.print(line);
      }
    }
    return verdict.allowed ? EXIT.done : EXIT.refused;
  },
};
