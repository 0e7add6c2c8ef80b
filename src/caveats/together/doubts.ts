import { distanceOf } from "../../words/near.ts";
import { type AttributeCaveat, isOnAttribute } from "../caveat.ts";
import type { Condition } from "../condition.ts";
import { attributeName } from "../phrases.ts";
import { printCaveat } from "../print.ts";
import { compareInstants, type Instant } from "../values/instant.ts";
import { quote, SHOWN_CHARACTERS } from "../values/quote.ts";

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
  const tests = caveats.filter(isOnAttribute);
  const attributes = [...new Set(tests.map(({ attribute }) => attribute))];
  const found = tests.map((test) => [test, doubtOf(test) ?? nameDoubt(test.attribute, attributes)] as const);
  const told: string[] = [];
  for (const [test, doubt] of found) {
    if (doubt !== undefined) told.push(`${quote(printCaveat(test), SHOWN_CHARACTERS)}: ${doubt}`);
  }
  const past = caveats.find(
    (caveat) =>
      caveat.kind === "time" &&
      caveat.operator === "<" &&
      now !== undefined &&
      compareInstants(caveat.at, now) <= 0,
  );
  if (past !== undefined)
    told.push(`${quote(printCaveat(past), SHOWN_CHARACTERS)}: is in the past, so nothing passes`);
  return [...new Set(told)].slice(0, MOST_DOUBTS);
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

/** A name that is nearly another one, which the chain or most platforms use. */
function nameDoubt(attribute: string, others: readonly string[]): string | undefined {
  const inside = others.find((other) => other.endsWith(`.${attribute}`));
  if (inside !== undefined)
    return `${attributeName(attribute)} is another attribute than ${attributeName(inside)}`;
  const [first = ""] = attribute.split(".", 1);
  if (first.length > 20) return undefined;
  const meant = COMMON.find((common) => common !== first && isNear(first, common));
  return meant === undefined ? undefined : `did you mean ${meant}?`;
}

function isNear(name: string, common: string): boolean {
  return name.toLowerCase() === common || (common.length > 3 && distanceOf(name, common) === 1);
}
