import type { TokenRecord } from "../../client/index.ts";
import { type Command, PAGE_OPTIONS, SERVICE_OPTIONS } from "../command.ts";
import { EXIT, UsageError } from "../exit.ts";
import { inUnit, onlyWords, pageRequest, readDuration, readJsonFile } from "../input.ts";
import { leaveToken, OUTPUT_OPTION, settleOutput } from "../output.ts";
import { printFacts, printPage } from "../page.ts";
import { connect } from "../service.ts";
import { authorText, moment, principalText, shortPrincipal } from "../show.ts";
import { printJson, type Terminal } from "../terminal.ts";
import { printTrial, TRIAL_OPTIONS, trialOf } from "./policy-trial.ts";

const PLATFORM = {
  platform: { type: "string", short: "p", value: "NAME", help: "only this platform's" },
} as const;

const TOKEN_COLUMNS = ["TOKEN ID", "STATUS", "PLATFORM", "PRINCIPAL", "ISSUED", "EXPIRES", "LABEL"];
const KEY_COLUMNS = ["KEY ID", "STATE", "PLATFORM", "SIGNS FROM"];
const PLATFORM_COLUMNS = ["PLATFORM", "CREATED", "POLICY"];

export const tokensCommand: Command = {
  name: "tokens",
  usage: "[TOKEN-ID]",
  summary: "list issued tokens, or show one",
  options: { ...SERVICE_OPTIONS, ...PAGE_OPTIONS, ...PLATFORM },
  async run(invocation) {
    onlyWords(invocation, 1);
    const client = await connect(invocation);
    const options = { signal: invocation.terminal.signal };
    const [id] = invocation.positionals;
    if (id === undefined) {
      const platform = invocation.text("platform");
      const request = { ...pageRequest(invocation), ...(platform !== undefined && { platform }) };
      return printPage(invocation, await client.tokens.list(request, options), TOKEN_COLUMNS, (token) => [
        token.token_id,
        token.status,
        token.platform,
        shortPrincipal(token.principal),
        moment(token.issued_at),
        moment(token.expires_at),
        token.label ?? "",
      ]);
    }
    const token = await client.tokens.get(id, options);
    return printFacts(invocation, token, [
      ["token id", token.token_id],
      ["status", token.status],
      ["platform", token.platform],
      ["principal", principalText(token.principal)],
      ["issued", moment(token.issued_at)],
      ["expires", moment(token.expires_at)],
      ["allows", token.summary],
      ["revocation id", token.revocation_id],
      ["key id", token.key_id],
      ...(token.predecessor === undefined ? [] : [["renews", token.predecessor] as const]),
      ...(token.renewable_until === undefined
        ? []
        : [["renewable until", moment(token.renewable_until)] as const]),
      ...(token.label === undefined ? [] : [["label", token.label] as const]),
      ...(token.issued_by === undefined ? [] : [["issued by", token.issued_by] as const]),
      ...token.caveats.map((caveat) => ["caveat", caveat] as const),
      ...(token.revoked_below ?? []).map((branch) => ["dead below", branchText(branch)] as const),
    ]);
  },
};

/** A dead branch of a token's tree. */
function branchText({
  revocation_id,
  agent,
  revoked_at,
  by,
  reason,
}: NonNullable<TokenRecord["revoked_below"]>[number]): string {
  const named = agent === undefined ? `link ${revocation_id}` : `agent ${agent}`;
  return `${named}, cut off ${moment(revoked_at)} ${authorText(by)}${reason === undefined ? "" : `: ${reason}`}`;
}

export const keysCommand: Command = {
  name: "keys",
  usage: "[rotate]",
  summary: "list root keys, or replace a platform's",
  words: ["rotate"],
  options: { ...SERVICE_OPTIONS, ...PAGE_OPTIONS, ...PLATFORM },
  async run(invocation) {
    onlyWords(invocation, 1);
    const client = await connect(invocation);
    const options = { signal: invocation.terminal.signal };
    const platform = invocation.text("platform");
    const [word] = invocation.positionals;
    if (word === undefined) {
      const request = { ...pageRequest(invocation), ...(platform !== undefined && { platform }) };
      return printPage(invocation, await client.keys.list(request, options), KEY_COLUMNS, (key) => [
        key.key_id,
        key.state,
        key.platform,
        moment(key.active_from),
      ]);
    }
    if (word !== "rotate") throw new UsageError("say keys, or keys rotate");
    const key = await client.keys.rotate(platform, options);
    return printFacts(invocation, key, [
      ["key id", key.key_id],
      ["state", key.state],
      ["platform", key.platform],
      ["signs from", moment(key.active_from)],
    ]);
  },
};

export const platformsCommand: Command = {
  name: "platforms",
  usage: "[create NAME | policy NAME | try NAME SUBJECT | credential NAME [CAVEAT…]]",
  summary: "list platforms, or make one, its policy, its credentials",
  details: [
    "create: --policy FILE is its policy; without one nothing can be issued.",
    "policy: shows it; with --policy FILE puts it, unless that drops claims, session or clients (--replace does).",
    "try: says what SUBJECT would get under the policy (or under --policy FILE), and why not.",
    "credential: prints a new credential, a secret; caveats narrow it, such as 'action in verify'.",
  ],
  words: ["create", "policy", "try", "credential"],
  options: {
    ...SERVICE_OPTIONS,
    ...PAGE_OPTIONS,
    ...OUTPUT_OPTION,
    policy: { type: "string", value: "FILE", help: "a policy as JSON, - for standard input" },
    replace: { type: "boolean", help: "put the policy whatever it drops" },
    ...TRIAL_OPTIONS,
    ttl: { type: "string", value: "DURATION", help: "the credential's life; 90 days unless said" },
    label: { type: "string", value: "TEXT", help: "for people" },
    resource: {
      type: "string",
      value: "URI",
      help: "the resource of the platform that the credential asks as",
    },
  },
  async run(invocation) {
    const { terminal, text } = invocation;
    const [word, name, ...caveats] = invocation.positionals;
    if (word !== "credential") onlyWords(invocation, word === "try" ? 3 : 2);
    const client = await connect(invocation);
    const options = { signal: terminal.signal };
    if (word === undefined) {
      const page = await client.platforms.list(pageRequest(invocation), options);
      return printPage(invocation, page, PLATFORM_COLUMNS, (platform) => [
        platform.name,
        moment(platform.created_at),
        `${platform.policy.rules.length} ${platform.policy.rules.length === 1 ? "rule" : "rules"}`,
      ]);
    }
    if (name === undefined) throw new UsageError(`say which platform: platforms ${word} NAME`);
    const policy = await policyOf(terminal, text("policy"));
    switch (word) {
      case "create": {
        const made = await client.platforms.create({ name, ...(policy && { policy }) }, options);
        if (policy === undefined) terminal.say("bakehouse: it has no policy yet, so nothing can be issued");
        return printFacts(invocation, made, [
          ["platform", made.name],
          ["created", moment(made.created_at)],
        ]);
      }
      case "policy": {
        const shown =
          policy === undefined
            ? await client.platforms.policy(name, options)
            : await client.platforms.setPolicy(name, policy, {
                ...options,
                ...(invocation.flag("replace") && { ifMatch: "*" }),
              });
        printJson(terminal, shown);
        return EXIT.done;
      }
      case "try":
        return printTrial(
          invocation,
          await client.platforms.tryPolicy(name, trialOf(invocation, caveats, policy), options),
        );
      case "credential": {
        const ttl = readDuration(text("ttl"), "ttl");
        const [label, resource] = [text("label"), text("resource")];
        const request = {
          ...(ttl !== undefined && { ttl }),
          ...(label !== undefined && { label }),
          ...(resource !== undefined && { resource }),
          ...(caveats.length > 0 && { caveats }),
        };
        await settleOutput(invocation);
        const issued = await inUnit(text("ttl"), () =>
          client.platforms.issueCredential(name, request, options),
        );
        await leaveToken(invocation, issued);
        terminal.say(
          `bakehouse: a credential of ${name}, token id ${issued.token_id}, expires ${moment(issued.expires_at)}`,
        );
        return EXIT.done;
      }
      default:
        throw new UsageError("say platforms, or platforms create, policy, try or credential and a name");
    }
  },
};

/** The service judges the file's contents: it names the member at fault. */
async function policyOf(terminal: Terminal, file: string | undefined) {
  if (file === undefined) return undefined;
  const policy = await readJsonFile(terminal, file, "the policy");
  if (typeof policy !== "object" || policy === null || !("rules" in policy) || !Array.isArray(policy.rules)) {
    throw new UsageError('the policy must be a JSON object with "rules"');
  }
  return { ...policy, rules: policy.rules };
}
