import type { BudgetCaveat, Caveat, TimeCaveat } from "../caveat.ts";
import { isBudget, isForDischarges, isOnAttribute } from "../caveat.ts";
import type { MacaroonRole } from "../clear.ts";
import type { Condition } from "../condition.ts";
import { budgetPhrase, either } from "../phrases.ts";
import { isProvenClient } from "../proven-client.ts";
import { compareInstants, formatDate, formatTime, type Instant } from "../values/instant.ts";
import { bareOrQuoted, quote } from "../values/quote.ts";
import { mergeCaveats } from "./merge.ts";
import { attributePhrases, conditionalPhrases } from "./summary-attributes.ts";
import { yesBudget, yesConditions, yesPhrases } from "./yes-phrases.ts";

/** How {@link summarise} reads a chain. */
export interface SummaryOptions {
  /** The clock. With it a token that has expired is called so. */
  readonly now?: Instant;
  /** The end of what comes with the chain, its discharges: it may be earlier than the chain's own. */
  readonly ends?: Instant;
  /** Whether the chain is a whole token: then it is said, loudly, that nothing limits what a call may be. */
  readonly whole?: boolean;
  /**
   * Whether every name and value stands in quotes, but for numbers and the few names that mean one thing alone: for readers who
   * decide something by it, and whom a writer of caveats may want to deceive.
   */
  readonly quoted?: boolean;
  /** The place of the chain; a root macaroon's unless said. */
  readonly macaroon?: MacaroonRole;
  /** How many conditions at the front of the chain its issuer wrote; none unless said. */
  readonly issued?: number;
}

/** Conditions that a summary spells out before it only counts the rest. */
const MOST_PHRASES = 24;

const OWN_WORD = /^(?:ANYTHING\b|(?:until|expired|only|for|issued|at most|granted|handed|may|was|and) )/;

/** Agents of a trail that a summary names before it only counts the rest. */
const MOST_AGENTS = 5;

/**
 * A sentence for people that says all that a chain allows.
 *
 * A second rendering of the same caveats and never a second truth: caveats on one attribute are put
 * together, none is left out without being counted, and nothing is said that they do not say.
 */
export function summarise(conditions: readonly Condition[], options: SummaryOptions = {}): string {
  if (conditions.length === 0 && options.whole !== true) return "No conditions.";
  const caveats: Caveat[] = [];
  const locations = new Set<string>();
  let unknown = 0;
  conditions.forEach((condition, index) => {
    if (condition.state === "third_party") locations.add(condition.location);
    else if (condition.state === "unknown" || isMisplaced(condition.caveat, conditions, index, options))
      unknown++;
    else caveats.push(condition.caveat);
  });

  const { quoted = false } = options;
  const merged = mergeCaveats(caveats.filter(isOnAttribute));
  const tests = quoted ? yesPhrases(merged.values(), false) : attributePhrases(merged);
  const conditional = caveats.filter((caveat) => caveat.kind === "conditional");
  const phrases = [
    ...timePhrases(caveats, options),
    ...audiencePhrases(caveats),
    ...clientPhrases(caveats),
    ...(options.whole === true && tests.length + unknown === 0 ? ["ANYTHING"] : tests),
    ...(quoted ? yesConditions(conditional, false) : conditionalPhrases(conditional)),
    ...budgetPhrases(conditions, quoted ? yesBudget : budgetPhrase),
    ...holderPhrases(caveats),
    ...dischargePhrases(caveats),
    ...[...locations].map((location) => proofPhrase(location, quoted)),
  ];
  const closing = [...trailPhrases(caveats), ...depthPhrases(caveats), ...unknownPhrases(unknown)];
  return sentence([...cut(phrases), ...closing]);
}

/** What a chain says of time, of handing on and of calls, in numbers alone: no text of a caveat is repeated. */
export function summariseLimits(conditions: readonly Condition[], options: SummaryOptions = {}): string {
  const caveats = conditions.flatMap((condition) => (condition.state === "known" ? [condition.caveat] : []));
  const counts = conditions.filter(
    (condition) => condition.state === "known" && condition.caveat.kind !== "spend",
  );
  return sentence([...timePhrases(caveats, options), ...budgetPhrases(counts), ...depthPhrases(caveats)]);
}

function isMisplaced(
  caveat: Caveat,
  conditions: readonly Condition[],
  index: number,
  { macaroon = "root", issued = 0 }: SummaryOptions,
): boolean {
  if (caveat.kind === "client") return macaroon === "discharge" || !isProvenClient(conditions, index, issued);
  return macaroon !== "discharge" && isForDischarges(caveat);
}

/** All of them hold, so only what each of them names is left. */
function audiencePhrases(caveats: readonly Caveat[]): readonly string[] {
  const [first, ...others] = caveats.filter((caveat) => caveat.kind === "audience");
  if (first === undefined) return [];
  const named = first.resources.filter((one) => others.every(({ resources }) => resources.includes(one)));
  return [named.length === 0 ? "for no resource at all" : `only for ${either([...new Set(named)])}`];
}

function clientPhrases(caveats: readonly Caveat[]): readonly string[] {
  const clients = caveats.filter((caveat) => caveat.kind === "client");
  return [...new Set(clients.map(({ id }) => `issued to the client ${bareOrQuoted(id)}`))];
}

function timePhrases(caveats: readonly Caveat[], { now, ends: other }: SummaryOptions): readonly string[] {
  const times = caveats.filter((caveat): caveat is TimeCaveat => caveat.kind === "time");
  const starts = times.filter((caveat) => caveat.operator === ">").map((caveat) => caveat.at);
  const ends = times.filter((caveat) => caveat.operator === "<").map((caveat) => caveat.at);
  if (other !== undefined) ends.push(other);
  const start = starts.sort(compareInstants).at(-1);
  const end = ends.sort(compareInstants)[0];
  const phrases: string[] = [];
  if (end !== undefined) {
    const over = now !== undefined && compareInstants(now, end) >= 0;
    phrases.push(`${over ? "expired at" : "until"} ${moment(end)}`);
  }
  if (start !== undefined) phrases.push(`only after ${moment(start)}`);
  return phrases;
}

/** To the second, which is never later than the instant. */
function moment(instant: Instant): string {
  return `${formatDate(instant)} ${formatTime({ ...instant, fraction: "" }, false)} UTC`;
}

/** Each budget is a counter of its own, so none is put together with another; only equal words are said once. */
function budgetPhrases(
  conditions: readonly Condition[],
  say: (caveat: BudgetCaveat) => string = budgetPhrase,
): readonly string[] {
  const phrases = conditions.flatMap((condition) => {
    if (condition.state !== "known" || !isBudget(condition.caveat)) return [];
    const phrase = say(condition.caveat);
    return [condition.left === undefined ? phrase : `${phrase}, ${condition.left} left`];
  });
  return [...new Set(phrases)];
}

function holderPhrases(caveats: readonly Caveat[]): readonly string[] {
  const holders = caveats.filter((caveat) => caveat.kind === "holder");
  return [
    ...new Set(holders.map(({ thumbprint }) => `only where the key ${thumbprint} vouches for the call`)),
  ];
}

function dischargePhrases(caveats: readonly Caveat[]): readonly string[] {
  const phrases: string[] = [];
  for (const caveat of caveats) {
    if (caveat.kind === "ancestor") {
      phrases.push(`only for tokens at or below the link ${caveat.revocationId}`);
    } else if (caveat.kind === "approval") {
      phrases.push(`granted by the approval ${caveat.id}`);
    }
  }
  return [...new Set(phrases)];
}

function proofPhrase(location: string, quoted: boolean): string {
  return location === ""
    ? "only with a proof from elsewhere"
    : `only with a proof from ${quoted ? quote(location) : bareOrQuoted(location)}`;
}

function trailPhrases(caveats: readonly Caveat[]): readonly string[] {
  const names = caveats.filter((caveat) => caveat.kind === "agent").map((caveat) => caveat.name);
  if (names.length === 0) return [];
  const left = names.length - MOST_AGENTS;
  // The last is the token's holder now, so it is the beginning of the trail that goes.
  const shown = names.slice(-MOST_AGENTS).map((name) => bareOrQuoted(name));
  if (left > 0) shown.unshift(`${left} ${left === 1 ? "agent" : "agents"}`);
  return [`handed on to ${shown.join(", then ")}`];
}

function depthPhrases(caveats: readonly Caveat[]): readonly string[] {
  let least: number | undefined;
  let following = 0;
  for (const caveat of caveats.toReversed()) {
    if (caveat.kind === "agent") following++;
    if (caveat.kind === "depth") least = Math.min(least ?? caveat.most, caveat.most - following);
  }
  if (least === undefined) return [];
  if (least < 0) return ["was handed on more often than it may, so it will be refused"];
  if (least === 0) return ["may not be handed on"];
  return [`may be handed on ${least === 1 ? "once" : least === 2 ? "twice" : `${least} times`} more`];
}

function unknownPhrases(count: number): readonly string[] {
  if (count === 0) return [];
  const conditions = count === 1 ? "1 condition" : `${count} conditions`;
  return [`and ${conditions} that this service does not know, so it will be refused`];
}

function cut(phrases: readonly string[]): readonly string[] {
  const left = phrases.length - MOST_PHRASES;
  return left > 1 ? [...phrases.slice(0, MOST_PHRASES), `${left} more conditions`] : phrases;
}

function sentence(phrases: readonly string[]): string {
  const text = phrases.join(", ");
  // An attribute's name and an action keep their case: they are not ours to change.
  return OWN_WORD.test(text) ? `${text.charAt(0).toUpperCase()}${text.slice(1)}.` : `Conditions: ${text}.`;
}
