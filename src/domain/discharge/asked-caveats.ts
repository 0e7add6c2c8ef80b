import { type Caveat, isBudget, isOnAttribute } from "../../caveats/caveat.ts";
import { type Condition, compileCaveat } from "../../caveats/condition.ts";
import { caveatFault } from "../../caveats/fault.ts";
import { parseCaveat } from "../../caveats/parse.ts";
import { printCaveat } from "../../caveats/print.ts";
import { RESERVED_NAMES } from "../../caveats/reserved.ts";
import { type Allowance, allowanceOf } from "../../caveats/together/allowance.ts";
import { contradictions } from "../../caveats/together/contradictions.ts";
import { millisecondsOf } from "../../caveats/values/instant.ts";
import type { TermOptions } from "../../conditions/terms.ts";
import { LIMITS } from "../../macaroon/index.ts";
import { DomainError } from "../parts/error.ts";
import { nextTurn } from "../parts/turn.ts";
import type { ShownToken } from "./shown-token.ts";

/** Caveats of one request: a person reads all of them in one sentence. */
const MOST_CAVEATS = 32;

/** Bytes of all of them together: the discharge travels in a header, beside its token. */
const MOST_BYTES = LIMITS.caveatBytes;

/** Names of which only the service may speak: a test of one would read like its word. */
const NOT_ASKED: ReadonlySet<string> = new Set(RESERVED_NAMES);

/**
 * What a discharge will allow: what the shown token leaves, narrowed by the asker's caveats. In a turn of its own: the token may have
 * sixty kilobytes.
 */
export async function allowanceAsked(
  shown: Pick<ShownToken, "conditions" | "subject"> | undefined,
  caveats: readonly string[],
): Promise<Allowance> {
  if (shown !== undefined) await nextTurn();
  const conditions = caveats.map((text) => compileCaveat(text));
  return allowanceOf(shown?.conditions ?? [], shown?.subject.issuedCaveats ?? 0, conditions);
}

function refuse(why: string, member = "caveats"): never {
  throw new DomainError("unprocessable", why, member);
}

/** Whether a caveat bounds how long or how often the discharge is good. */
function isLimit(caveat: Caveat): boolean {
  return isBudget(caveat) || (caveat.kind === "time" && caveat.operator === "<");
}

function read(text: string, member: string): Caveat {
  const caveat = parseCaveat(text);
  if (caveat === undefined) refuse(caveatFault(text) ?? "is no caveat", member);
  if (isLimit(caveat)) return caveat;
  const tests = caveat.kind === "conditional" ? [caveat.unless, caveat.test] : [caveat].filter(isOnAttribute);
  if (tests.length === 0)
    refuse("is not for the asker to write: tests of the call, `time <` and budgets are", member);
  for (const { attribute } of tests) {
    const [name = ""] = attribute.split(".", 1);
    if (NOT_ASKED.has(name)) refuse(`${name} is the service's to speak of, and not the asker's`, member);
  }
  return caveat;
}

/** Refuses a discharge that would have ended before anybody could be asked. @param now unix milliseconds */
export function requireToLast(caveats: readonly string[], now: number): void {
  for (const [index, text] of caveats.entries()) {
    const caveat = parseCaveat(text);
    if (caveat?.kind !== "time" || caveat.operator !== "<" || millisecondsOf(caveat.at) > now) continue;
    refuse("has passed already: nothing would be allowed", `caveats[${index}]`);
  }
}

/**
 * Refuses a discharge that no call could be made with, before a person is asked for a yes that is worth nothing.
 *
 * @param caveats as {@link askedCaveats} gives them
 * @param token the conditions of the token that was shown; none if it was not
 * @throws DomainError `unprocessable`, naming the caveat and the one that it contradicts
 */
export function requirePossible(caveats: readonly string[], token: readonly Condition[]): void {
  const together = [...token, ...caveats.map((text) => compileCaveat(text))];
  for (const { indexes, detail } of contradictions(together)) {
    const asked = indexes.find((index) => index >= token.length);
    if (asked === undefined) continue;
    refuse(`nothing could be done with such a discharge: ${detail}`, `caveats[${asked - token.length}]`);
  }
}

/**
 * Reads the caveats that the asker wants appended to the discharge.
 *
 * @returns their canonical texts, the same for the person who is asked and for the mint
 * @throws DomainError `unprocessable`, naming the caveat
 */
export function askedCaveats(texts: readonly string[], { exact }: TermOptions): readonly string[] {
  if (texts.length > MOST_CAVEATS) refuse(`a discharge is narrowed by at most ${MOST_CAVEATS} caveats`);
  // Before anything is read: anybody may ask, and reading takes far longer than counting.
  requireShort(texts);
  const caveats = texts.map((text, index) => read(text, `caveats[${index}]`));
  // A conditional caveat says nothing of most calls, so it is no test of this one.
  if (exact && !caveats.some(isOnAttribute)) {
    refuse("the ticket is exact: say by tests of the call what the discharge is for");
  }
  const canonical = caveats.map(printCaveat);
  requireShort(canonical);
  return canonical;
}

function requireShort(texts: readonly string[]): void {
  const bytes = texts.reduce((sum, text) => sum + new TextEncoder().encode(text).length, 0);
  if (bytes > MOST_BYTES) refuse(`the caveats together have at most ${MOST_BYTES} bytes`);
}
