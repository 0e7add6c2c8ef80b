import type { AttributeCaveat, BudgetCaveat, Caveat } from "../caveat.ts";
import { isBudget, isForDischarges, isOnAttribute } from "../caveat.ts";
import type { MacaroonRole } from "../clear.ts";
import type { Condition } from "../condition.ts";
import { budgetPhrase, either } from "../phrases.ts";
import { isProvenClient } from "../proven-client.ts";
import { compareInstants, formatDate, formatTime, type Instant } from "../values/instant.ts";
import { bareOrQuoted, quote } from "../values/quote.ts";
import { distinct } from "./distinct.ts";
import { mergeCaveats } from "./merge.ts";
import { sharedPhrases } from "./shared-phrases.ts";
import { conditionalPhrases } from "./summary-attributes.ts";
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
  const onAttributes: AttributeCaveat[] = [];
  const locations: string[] = [];
  let unknown = 0;
  let length = 0;
  for (let index = 0; index < conditions.length; index++) {
    const condition = conditions[index] as Condition;
    if (condition.state === "third_party") locations.push(condition.location);
    else if (condition.state === "unknown" || isMisplaced(condition.caveat, conditions, index, options))
      unknown++;
    else if (isOnAttribute(condition.caveat)) {
      onAttributes.push(condition.caveat);
      length += condition.text.length;
    } else caveats.push(condition.caveat);
  }

  const { quoted = false } = options;
  const tests = quoted
    ? yesPhrases(mergeCaveats(onAttributes).values(), false)
    : sharedPhrases(onAttributes, length);
  const conditional = ofKind(caveats, "conditional");
  const phrases = timePhrases(caveats, options).concat(
    audiencePhrases(caveats),
    clientPhrases(caveats),
    options.whole === true && tests.length + unknown === 0 ? ["ANYTHING"] : tests,
    quoted ? yesConditions(conditional, false) : conditionalPhrases(conditional),
    budgetPhrases(conditions, quoted ? yesBudget : budgetPhrase),
    holderPhrases(caveats),
    dischargePhrases(caveats),
    distinct(locations).map((location) => proofPhrase(location, quoted)),
  );
  return sentence(cut(phrases).concat(trailPhrases(caveats), depthPhrases(caveats), unknownPhrases(unknown)));
}

/** What a chain says of time, of handing on and of calls, in numbers alone: no text of a caveat is repeated. */
export function summariseLimits(conditions: readonly Condition[], options: SummaryOptions = {}): string {
  const caveats: Caveat[] = [];
  const counts: Condition[] = [];
  for (const condition of conditions) {
    if (condition.state !== "known") continue;
    caveats.push(condition.caveat);
    if (condition.caveat.kind !== "spend") counts.push(condition);
  }
  return sentence(timePhrases(caveats, options).concat(budgetPhrases(counts), depthPhrases(caveats)));
}

/** The phrases of nearly all kinds of caveats in nearly all chains. */
const NONE: readonly never[] = [];

/** The caveats of one kind. */
function ofKind<Kind extends Caveat["kind"]>(caveats: readonly Caveat[], kind: Kind) {
  type OfKind = Extract<Caveat, { readonly kind: Kind }>;
  const isOne = (caveat: Caveat): caveat is OfKind => caveat.kind === kind;
  return caveats.some(isOne) ? caveats.filter(isOne) : NONE;
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
  const all = ofKind(caveats, "audience");
  const [first] = all;
  if (first === undefined) return NONE;
  const named = first.resources.filter((one) => all.every(({ resources }) => resources.includes(one)));
  return [named.length === 0 ? "for no resource at all" : `only for ${either(distinct(named))}`];
}

function clientPhrases(caveats: readonly Caveat[]): readonly string[] {
  const clients = ofKind(caveats, "client");
  return distinct(clients.map(({ id }) => `issued to the client ${bareOrQuoted(id)}`));
}

function timePhrases(caveats: readonly Caveat[], { now, ends }: SummaryOptions): readonly string[] {
  let start: Instant | undefined;
  let end = ends;
  for (const caveat of caveats) {
    if (caveat.kind !== "time") continue;
    const { operator, at } = caveat;
    if (operator === "<") {
      if (end === undefined || compareInstants(at, end) < 0) end = at;
    } else if (start === undefined || compareInstants(at, start) > 0) start = at;
  }
  const until = end === undefined ? NONE : [endPhrase(end, now)];
  return start === undefined ? until : [...until, `only after ${moment(start)}`];
}

function endPhrase(end: Instant, now: Instant | undefined): string {
  const isOver = now !== undefined && compareInstants(now, end) >= 0;
  return `${isOver ? "expired at" : "until"} ${moment(end)}`;
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
  let phrases: string[] | undefined;
  for (const condition of conditions) {
    if (condition.state !== "known" || !isBudget(condition.caveat)) continue;
    const phrase = say(condition.caveat);
    phrases ??= [];
    phrases.push(condition.left === undefined ? phrase : `${phrase}, ${condition.left} left`);
  }
  return distinct(phrases ?? NONE);
}

function holderPhrases(caveats: readonly Caveat[]): readonly string[] {
  const holders = ofKind(caveats, "holder");
  return distinct(holders.map(({ thumbprint }) => `only where the key ${thumbprint} vouches for the call`));
}

function dischargePhrases(caveats: readonly Caveat[]): readonly string[] {
  let phrases: string[] | undefined;
  for (const caveat of caveats) {
    if (caveat.kind === "ancestor") {
      phrases ??= [];
      phrases.push(`only for tokens at or below the link ${caveat.revocationId}`);
    } else if (caveat.kind === "approval") {
      phrases ??= [];
      phrases.push(`granted by the approval ${caveat.id}`);
    }
  }
  return distinct(phrases ?? NONE);
}

function proofPhrase(location: string, quoted: boolean): string {
  return location === ""
    ? "only with a proof from elsewhere"
    : `only with a proof from ${quoted ? quote(location) : bareOrQuoted(location)}`;
}

function trailPhrases(caveats: readonly Caveat[]): readonly string[] {
  const agents = ofKind(caveats, "agent");
  if (agents.length === 0) return NONE;
  const left = agents.length - MOST_AGENTS;
  // The last is the token's holder now, so it is the beginning of the trail that goes.
  const shown = agents.slice(-MOST_AGENTS).map(({ name }) => bareOrQuoted(name));
  if (left > 0) shown.unshift(`${left} ${left === 1 ? "agent" : "agents"}`);
  return [`handed on to ${shown.join(", then ")}`];
}

function depthPhrases(caveats: readonly Caveat[]): readonly string[] {
  let least: number | undefined;
  let following = 0;
  for (let at = caveats.length - 1; at >= 0; at--) {
    const caveat = caveats[at] as Caveat;
    if (caveat.kind === "agent") following++;
    if (caveat.kind === "depth") least = Math.min(least ?? caveat.most, caveat.most - following);
  }
  if (least === undefined) return NONE;
  if (least < 0) return ["was handed on more often than it may, so it will be refused"];
  if (least === 0) return ["may not be handed on"];
  return [`may be handed on ${least === 1 ? "once" : least === 2 ? "twice" : `${least} times`} more`];
}

function unknownPhrases(count: number): readonly string[] {
  if (count === 0) return NONE;
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
