import type { Bakehouse, RevocationTarget, WouldStop } from "../../client/index.ts";
import { type Command, type Invocation, SERVICE_OPTIONS, TOKEN_OPTION } from "../command.ts";
import { CommandError, EXIT, UsageError } from "../exit.ts";
import { onlyWords, readTokenText } from "../input.ts";
import { connect, connectAnonymously, isCredential } from "../service.ts";
import { targetText } from "../show.ts";
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
    successors: { type: "boolean", help: "with --token-id: the tokens that renewed it, too" },
    agent: {
      type: "string",
      multiple: true,
      value: "NAME",
      help: "every chain through NAME or NAME#INSTANCE",
    },
    "of-token": { type: "string", value: "ID", help: "with --agent: only in this root token's tree" },
    principal: { type: "string", multiple: true, value: "SUBJECT", help: "all of a person's tokens" },
    issuer: {
      type: "string",
      value: "URL",
      help: "with --principal: the issuer, unless it is the service's own",
    },
    workload: { type: "boolean", help: "with --principal: it is a workload, no person" },
    "key-id": { type: "string", multiple: true, value: "ID", help: "every token under a root key" },
    "approval-id": {
      type: "string",
      multiple: true,
      value: "ID",
      help: "an approval: its discharge is good no more",
    },
    platform: { type: "string", multiple: true, value: "NAME", help: "everything of a platform" },
    "issued-before": {
      type: "string",
      value: "INSTANT",
      help: "with --agent, --principal or --platform: only older tokens; now unless said",
    },
    reason: { type: "string", value: "TEXT", help: "for the record" },
    yes: {
      type: "boolean",
      help: "go on without asking, as a person at a terminal is before much is revoked; a credential is revoked with it alone",
    },
    "public-reason": {
      type: "boolean",
      help: "with --reason: tell it to everybody who verifies what was revoked",
    },
  },
  async run(invocation) {
    const { terminal, json, text, flag } = invocation;
    onlyWords(invocation, 0);
    const named = namedTargets(invocation);
    const client = named.length > 0 ? await connect(invocation) : await connectAnonymously(invocation);
    const targets = named.length > 0 ? named : [{ token: await readToken(invocation) }];
    await askFirst(invocation, client, named);
    const reason = text("reason");
    const isPublic = flag("public-reason");
    if (isPublic && reason === undefined) throw new UsageError("--public-reason goes with --reason TEXT");
    const revoked = await client.revoke(targets, {
      signal: terminal.signal,
      ...(reason !== undefined && { reason }),
      ...(isPublic && { publicReason: true }),
    });
    if (json) {
      printJson(terminal, revoked);
      return EXIT.done;
    }
    for (const { target } of revoked.revocations) terminal.print(targetText(target));
    terminal.say(
      "bakehouse: revoked, with all that rests on it: refused here from now on, and everywhere within seconds",
    );
    terminal.say(`bakehouse: its place in the log, for verify --min-sequence: ${revoked.sequence}`);
    return EXIT.done;
  },
};

/** Reads the token to revoke. A credential lies beside it and looks like one: who revokes that stops a platform. */
async function readToken(invocation: Invocation): Promise<string> {
  const { terminal, flag } = invocation;
  const token = await readTokenText(invocation);
  if (flag("yes") || !(await isCredential(invocation, token))) return token;
  const what = "that is a credential, and no token: all that calls with it stops";
  if (!terminal.canAsk) throw new UsageError(`${what}; to revoke it, say --yes`);
  if (await terminal.confirm(`${what[0]?.toUpperCase()}${what.slice(1)}. Go on?`)) return token;
  throw new CommandError(EXIT.failed, "nothing was revoked");
}

/** Targets that may concern very many tokens. */
function isWide(target: RevocationTarget): boolean {
  return ["agent", "principal", "key_id", "platform"].some((name) => name in target);
}

/**
 * Asks a person at a terminal before much is revoked. Elsewhere, and if the effect cannot be told, the
 * revocation goes on: a service in trouble must not keep anybody from revoking.
 */
async function askFirst(
  { terminal, flag }: Invocation,
  client: Pick<Bakehouse, "wouldStop">,
  targets: readonly RevocationTarget[],
): Promise<void> {
  if (!terminal.canAsk || flag("yes") || !targets.some(isWide)) return;
  let stops: WouldStop;
  try {
    const signal = AbortSignal.any([terminal.signal, AbortSignal.timeout(PATIENCE)]);
    stops = await client.wouldStop(targets, { signal });
  } catch (error) {
    if (terminal.signal.aborted) throw error;
    terminal.say("bakehouse: what this stops cannot be told now");
    return;
  }
  if (await terminal.confirm(`This stops ${stopsText(stops)}. Go on?`)) return;
  throw new CommandError(EXIT.failed, "nothing was revoked");
}

/** Milliseconds that a person waits for the question. */
const PATIENCE = 5_000;

function stopsText({ tokens, links, agents, calls_last_hour, complete }: WouldStop): string {
  const least = complete ? "" : "at least ";
  if (links === 0) return `${least}${number(tokens, "token")}, of which no call was seen`;
  const names = agents.length === 0 ? "" : ` of ${number(agents.length, "agent")}`;
  return `${least}${number(links, "link")}${names}, ${number(calls_last_hour, "call")} in the last hour`;
}

function number(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}

function namedTargets({ text, texts, flag }: Invocation): readonly RevocationTarget[] {
  const issuedBefore = text("issued-before");
  const before = issuedBefore === undefined ? {} : { issued_before: issuedBefore };
  const ofToken = text("of-token");
  const issuer = text("issuer");
  const byAgent = texts("agent");
  const byPrincipal = texts("principal");
  const byPlatform = texts("platform");
  if (ofToken !== undefined && byAgent.length === 0)
    throw new UsageError("--of-token goes with --agent NAME");
  if (issuer !== undefined && byPrincipal.length === 0)
    throw new UsageError("--issuer goes with --principal SUBJECT");
  if (flag("successors") && texts("token-id").length === 0)
    throw new UsageError("--successors goes with --token-id ID");
  if (flag("workload") && byPrincipal.length === 0)
    throw new UsageError("--workload goes with --principal SUBJECT");
  if (issuedBefore !== undefined && byAgent.length + byPrincipal.length + byPlatform.length === 0) {
    throw new UsageError("--issued-before goes with --agent, --principal or --platform");
  }
  return [
    ...texts("revocation-id").map((revocation_id) => ({ revocation_id })),
    ...texts("token-id").map((token_id) => ({
      token_id,
      ...(flag("successors") && { successors: true as const }),
    })),
    ...byAgent.map((agent) => ({ agent, ...before, ...(ofToken !== undefined && { token_id: ofToken }) })),
    ...byPrincipal.map((subject) => ({
      principal: {
        subject,
        ...(issuer !== undefined && { issuer }),
        ...(flag("workload") && { kind: "workload" as const }),
      },
      ...before,
    })),
    ...texts("key-id").map((key_id) => ({ key_id })),
    ...texts("approval-id").map((approval_id) => ({ approval_id })),
    ...byPlatform.map((platform) => ({ platform, ...before })),
  ];
}
