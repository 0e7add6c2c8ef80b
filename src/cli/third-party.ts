import { createBakehouse, type ThirdPartyCaveat } from "../client/index.ts";
import { isPrivateChannel, originOf } from "../client/origin.ts";
import { parseTerms } from "../conditions/parse.ts";
import { nearest } from "../words/near.ts";
import type { Invocation, OptionSpec } from "./command.ts";
import { UsageError } from "./exit.ts";
import { serviceUrl } from "./service.ts";
import type { Terminal } from "./terminal.ts";

/** A third-party caveat that the command line asks for, before its key is known. */
export interface WantedThirdParty {
  readonly location: string;
  readonly condition: string;
  readonly key: string | undefined;
}

export const THIRD_PARTY_OPTIONS = {
  "third-party": {
    type: "string",
    multiple: true,
    value: "[URL ]CONDITION",
    help: "good only with a discharge: from URL, or else from the service",
  },
  "party-key": {
    type: "string",
    multiple: true,
    value: "[URL ]KEY",
    help: "that party's public key, base64; else it is asked for it",
  },
} as const satisfies Record<string, OptionSpec>;

/** The text before the first space if that is a URL. Conditions hold commas and spaces, URLs hold none. */
function splitUrl(text: string, option: string): { readonly url: string | undefined; readonly rest: string } {
  const [, url, rest = ""] = /^([a-z][a-z0-9+.-]*:\/\/\S*)(?: +(.*))?$/is.exec(text) ?? [];
  if (url === undefined) return { url, rest: text };
  if (rest === "") throw new UsageError(`--${option} has nothing behind the URL`);
  return { url: partyOrigin(url, `--${option}`), rest };
}

/** An origin that the command line names. @throws UsageError if nothing secret could be sent there */
export function partyOrigin(url: string, option: string): string {
  const origin = originOf(url);
  if (origin === undefined || !isPrivateChannel(new URL(origin))) {
    throw new UsageError(`${option} must be an origin such as https://approvals.example, without a path`);
  }
  return origin;
}

/** The third-party caveats of a command line, and the keys that it gives. */
export async function wantedThirdParties(invocation: Invocation): Promise<readonly WantedThirdParty[]> {
  const { texts } = invocation;
  const conditions = texts("third-party").map((text) => splitUrl(text, "third-party"));
  const given = texts("party-key").map((text) => splitUrl(text, "party-key"));
  if (conditions.length === 0) {
    if (given.length > 0) throw new UsageError("--party-key goes with --third-party");
    return [];
  }
  const needsService = [...conditions, ...given].some(({ url }) => url === undefined);
  const service = needsService ? await serviceUrl(invocation) : "";
  const keys = new Map(given.map(({ url = service, rest }) => [url, rest]));
  // A key that nothing uses was mistyped, and the place that was meant would be asked for another one.
  const used = new Set(conditions.map(({ url = service }) => url));
  if (given.some(({ url = service }) => !used.has(url))) {
    throw new UsageError("--party-key names a place that no --third-party names");
  }
  return conditions.map(({ url = service, rest }) => {
    if (rest.trim() === "") throw new UsageError("--third-party has no condition");
    if (url === service) checkCondition(rest);
    return { location: url, condition: rest, key: keys.get(url) };
  });
}

/** Conditions that a Bakehouse serves. */
const CONDITIONS = ["approved-by", "is-authenticated-user", "is-principal", "is-member-of"];

/** Refuses a condition that the service would not serve: once it is sealed, nobody can read its fault. */
function checkCondition(condition: string): void {
  const reading = parseTerms(condition);
  if (reading.ok) return;
  const names = condition.split(" ").filter((word) => !word.includes("="));
  const near = names.map((word) => nearest(word, CONDITIONS)).find((found) => found !== undefined);
  const isKnown = names.some((word) => CONDITIONS.includes(word));
  const hint = isKnown
    ? ", such as --third-party 'approved-by alice Pay 40 EUR to the printers'"
    : near === undefined
      ? `: those are ${CONDITIONS.join(", ")}`
      : `: did you mean ${near}?`;
  throw new UsageError(`--third-party: ${reading.detail}${hint}`);
}

/**
 * A party's key, asked for by nobody in particular, over a channel that nobody can change: an attacker with their own
 * key there could discharge. Only a place that the command line names is ever asked.
 */
export function partyKey({ fetch, signal }: Terminal, location: string): Promise<string> {
  return createBakehouse({ url: location, insecureHttp: true, fetch }).dischargeKey({ signal });
}

/** An approver with an `@`, which no service ever looks up in a ticket that is sealed already. */
const NAMES_ADDRESS = /(?:^| )approved-by (?:\d+ of )?\S*@/;

/** Third-party caveats ready to be written. A party is asked for its key if none was given. */
export async function thirdPartyCaveats(invocation: Invocation): Promise<readonly ThirdPartyCaveat[]> {
  const wanted = await wantedThirdParties(invocation);
  if (wanted.some(({ condition }) => NAMES_ADDRESS.test(condition))) {
    invocation.terminal.say(
      "bakehouse: warning: an approver looks like an e-mail: a ticket that is written offline takes subjects; bakehouse issue looks e-mails up",
    );
  }
  return Promise.all(
    wanted.map(async ({ location, condition, key }) => ({
      location,
      condition,
      publicKey: key ?? (await partyKey(invocation.terminal, location)),
    })),
  );
}
