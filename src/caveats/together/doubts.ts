import { distanceOf } from "../../words/near.ts";
import {
  type AttributeCaveat,
  type Caveat,
  type ConditionalCaveat,
  isOnAttribute,
  limitedValues,
} from "../caveat.ts";
import type { Condition } from "../condition.ts";
import { mismatch } from "../forbids.ts";
import { firstName } from "../look-up.ts";
import { attributeName, either } from "../phrases.ts";
import { denialCost, deniedBy } from "../prepared.ts";
import { printCaveat } from "../print.ts";
import { compareInstants, type Instant } from "../values/instant.ts";
import { bareOrQuoted, quote, SHOWN_CHARACTERS } from "../values/quote.ts";
import { newWork, spend, type Work } from "../values/work.ts";
import { mergeCaveats } from "./merge.ts";

/** Attributes that most platforms state: the guards of the library do. */
const COMMON: readonly string[] = ["action", "resource", "tool", "method", "path", "args"];

/** Attributes whose writer most likely meant the clock. */
const CLOCKS = /^(?:exp|expires?|expiry|expiration|expires?_?at|valid_?until|not_?after|until)$/i;

/** Doubts that are told of one chain: more than anybody reads. */
const MOST_DOUBTS = 8;

/**
 * Says what is legal in a chain and was probably not meant, for whoever has just written it. Unlike a contradiction
 * none of it is certain.
 *
 * @param now with it, limits in the past are told, too: for a chain that is being written, and not for one that has ended
 */
export function doubts(conditions: readonly Condition[], now?: Instant): readonly string[] {
  const caveats = conditions.flatMap((condition) => (condition.state === "known" ? [condition.caveat] : []));
  const nameDoubt = nameDoubts(new Set(caveats.flatMap(testsIn).map(({ attribute }) => attribute)));
  const tools = mergeCaveats(caveats.filter(isOnAttribute)).get("tool")?.only ?? [];
  const work = newWork();
  const told = new Set<string>();
  for (const caveat of caveats) {
    if (told.size === MOST_DOUBTS) break;
    const [doubt] = [
      caveat.kind === "conditional" ? guardDoubt(caveat, tools, work) : undefined,
      ...testsIn(caveat).map((test) => doubtOf(test) ?? nameDoubt(test.attribute)),
      toolDoubt(caveat, tools),
    ].filter((found) => found !== undefined);
    if (doubt !== undefined) told.add(`${quote(printCaveat(caveat), SHOWN_CHARACTERS)}: ${doubt}`);
  }
  const past = caveats.find(
    (caveat) =>
      caveat.kind === "time" &&
      caveat.operator === "<" &&
      now !== undefined &&
      compareInstants(caveat.at, now) <= 0,
  );
  if (past !== undefined)
    told.add(`${quote(printCaveat(past), SHOWN_CHARACTERS)}: is in the past, so nothing passes`);
  return [...told].slice(0, MOST_DOUBTS);
}

/** The tests that a caveat is made of, those behind `when` as they are written. */
function testsIn(caveat: Caveat): readonly AttributeCaveat[] {
  if (caveat.kind !== "conditional") return isOnAttribute(caveat) ? [caveat] : [];
  const { attribute } = caveat.unless;
  const [value = "", ...more] = limitedValues(caveat);
  const guard: AttributeCaveat =
    more.length === 0
      ? { kind: "equality", attribute, operator: "=", value }
      : { kind: "membership", attribute, operator: "in", items: [value, ...more] };
  return [guard, caveat.test];
}

/** @param tools all that the token allows, if it names them */
function guardDoubt(caveat: ConditionalCaveat, tools: readonly string[], work: Work): string | undefined {
  if (limitedValues(caveat).some((value) => value.includes("*"))) {
    return "behind when, * is a character like others: name each value, with in";
  }
  if (caveat.unless.attribute !== "tool" || tools.length === 0) return undefined;
  if (!spend(work, denialCost(caveat.unless))) return undefined;
  const denied = deniedBy(caveat.unless);
  // A tool that was not looked at for want of work may be one.
  if (tools.some((tool) => mismatch(caveat.unless, denied, tool, work) !== undefined)) return undefined;
  return `limits nothing, since the token allows no such tool: it allows ${either(tools)}`;
}

/** A limit of an argument that most likely only one of several tools has: calls of the others have to state it, too. */
function toolDoubt(caveat: Caveat, tools: readonly string[]): string | undefined {
  if (!isOnAttribute(caveat) || !caveat.attribute.startsWith("args.") || tools.length < 2) return undefined;
  const name = attributeName(caveat.attribute);
  return `limits every tool, and refuses calls without ${name}. For one alone: when tool = ${bareOrQuoted(tools[0] ?? "")} then …`;
}

function doubtOf(caveat: AttributeCaveat): string | undefined {
  const name = attributeName(caveat.attribute);
  switch (caveat.kind) {
    case "glob":
      if (caveat.pattern.includes("*")) return undefined;
      return "matches without * takes that one value: behind it, /* is one level more and /** all below";
    case "membership": {
      const [first = ""] = caveat.items;
      const last = caveat.items.at(-1) ?? "";
      return /^[[({]/.test(first) && /[\])}]$/.test(last)
        ? "the brackets are a part of the items: write the list without them"
        : undefined;
    }
    case "equality": {
      const { operator, value } = caveat;
      const is = operator === "=";
      if (/^".*"$/s.test(value))
        return `${operator} takes the quotes as a part of the value: write it without`;
      if (value.includes("*") && is) return `= takes * as itself: write ${name} matches …`;
      if (/ (?:when|if|unless|then) /.test(value))
        return `${operator} takes all that stands behind it as the value: for some calls alone, begin with when … then`;
      if (/, /.test(value))
        return `${operator} takes one value with its commas: write ${name} ${is ? "in" : "not in"} …`;
      return undefined;
    }
    case "comparison":
      return caveat.bound.kind === "instant" && CLOCKS.test(caveat.attribute)
        ? `${name} is what a call says of itself: the clock is time`
        : undefined;
    case "network":
      return undefined;
    default:
      return caveat satisfies never;
  }
}

/** Finds names that are nearly another one, which the chain or most platforms use. @param all names of the chain */
function nameDoubts(all: ReadonlySet<string>): (attribute: string) => string | undefined {
  const longer = endings(all);
  return (attribute) => {
    const inside = longer.get(attribute);
    if (inside !== undefined)
      return `${attributeName(attribute)} is another attribute than ${attributeName(inside)}`;
    const first = firstName(attribute);
    const meant = COMMON.find((common) => common !== first && isNear(first, common));
    return meant === undefined ? undefined : `did you mean ${meant}?`;
  };
}

/**
 * By each name that another one ends in, `amount` in `args.amount`, the first of those. A name of thousands of dots is
 * not taken apart at each of them: only a name that is there can be its end.
 */
function endings(all: ReadonlySet<string>): ReadonlyMap<string, string> {
  const lengths = new Set(Array.from(all, ({ length }) => length));
  const found = new Map<string, string>();
  for (const name of all) {
    for (let dot = name.indexOf("."); dot >= 0; dot = name.indexOf(".", dot + 1)) {
      if (!lengths.has(name.length - dot - 1)) continue;
      const end = name.slice(dot + 1);
      if (all.has(end) && !found.has(end)) found.set(end, name);
    }
  }
  return found;
}

function isNear(name: string, common: string): boolean {
  if (name.toLowerCase() === common) return true;
  return Math.abs(name.length - common.length) < 2 && distanceOf(name, common) === 1;
}
