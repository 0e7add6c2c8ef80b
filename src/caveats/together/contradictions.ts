import type { TimeCaveat } from "../caveat.ts";
import type { Condition } from "../condition.ts";
import { attributeName } from "../phrases.ts";
import { printCaveat } from "../print.ts";
import { compareInstants } from "../values/instant.ts";
import { quote, SHOWN_CHARACTERS } from "../values/quote.ts";
import { newWork, type Work } from "../values/work.ts";
import { type Indexed, type Test, testsOfEveryCall } from "./every-call.ts";
import { impossible } from "./impossible.ts";

/** Caveats that no request can satisfy together. */
export interface Warning {
  /** Positions in the chain, ascending. */
  readonly indexes: readonly number[];
  /** Why, in a sentence for people. */
  readonly detail: string;
}

/**
 * Finds caveats of a chain that can never pass together, at most one set for each attribute.
 *
 * Each warning is certain: no context and no clock satisfies those caveats. The reverse does not hold; two
 * globs, for instance, are only compared by how they begin. Unknown caveats are not warned about here.
 */
export function contradictions(conditions: readonly Condition[]): readonly Warning[] {
  const known: Indexed[] = [];
  for (const [index, condition] of conditions.entries()) {
    if (condition.state === "known") known.push({ index, caveat: condition.caveat });
  }
  const work = newWork();
  const tests = testsOfEveryCall(known, work);
  const warnings = [
    ...timeWarnings(known.filter((entry): entry is Indexed<TimeCaveat> => entry.caveat.kind === "time")),
    ...depthWarnings(known),
    ...budgetWarnings(known),
    ...audienceWarnings(known),
    ...pathWarnings(tests),
    ...valueWarnings(tests, work),
  ];
  return warnings.toSorted((a, b) => (a.indexes[0] ?? 0) - (b.indexes[0] ?? 0));
}

function warn(entries: readonly Indexed[], why: string): Warning {
  const sorted = [...new Set(entries)].toSorted((a, b) => a.index - b.index);
  const texts = sorted.slice(0, 3).map(({ caveat }) => quote(printCaveat(caveat), SHOWN_CHARACTERS));
  const rest = sorted.length - texts.length;
  const last = rest > 0 ? `${rest} more` : texts.pop();
  const list = texts.length === 0 ? last : `${texts.join(", ")} and ${last}`;
  return { indexes: sorted.map(({ index }) => index), detail: `${why}: ${list}` };
}

function timeWarnings(times: readonly Indexed<TimeCaveat>[]): readonly Warning[] {
  const byInstant = times.toSorted((a, b) => compareInstants(a.caveat.at, b.caveat.at));
  const end = byInstant.find(({ caveat }) => caveat.operator === "<");
  const start = byInstant.findLast(({ caveat }) => caveat.operator === ">");
  if (end === undefined || start === undefined) return [];
  if (compareInstants(start.caveat.at, end.caveat.at) < 0) return [];
  return [warn([start, end], "the token expires before it becomes valid")];
}

function depthWarnings(known: readonly Indexed[]): readonly Warning[] {
  const agents = known.filter(({ caveat }) => caveat.kind === "agent");
  for (const entry of known) {
    if (entry.caveat.kind !== "depth") continue;
    const following = agents.filter(({ index }) => index > entry.index);
    if (following.length > entry.caveat.most) {
      return [warn([entry], "the token was handed on more often than it allows")];
    }
  }
  return [];
}

/** Nothing may be spent of `spend.EUR <= 0` either, but a call that costs nothing passes. */
function budgetWarnings(known: readonly Indexed[]): readonly Warning[] {
  const empty = known.filter(
    ({ caveat }) => (caveat.kind === "uses" || caveat.kind === "rate") && caveat.most === 0,
  );
  return empty.length === 0 ? [] : [warn(empty, "the token allows no call at all")];
}

function audienceWarnings(known: readonly Indexed[]): readonly Warning[] {
  let left: ReadonlySet<string> | undefined;
  const seen: Indexed[] = [];
  for (const entry of known) {
    const { caveat } = entry;
    if (caveat.kind !== "audience") continue;
    seen.push(entry);
    const before = left;
    left = new Set(caveat.resources.filter((one) => before === undefined || before.has(one)));
    if (left.size === 0) return [warn(seen, "no resource is named by all of")];
  }
  return [];
}

/** `args = x` needs a value if `args.amount = 1` needs an object. */
function pathWarnings(entries: readonly Test[]): readonly Warning[] {
  const first = new Map<string, Test>();
  for (const entry of entries) {
    if (!first.has(entry.caveat.attribute)) first.set(entry.caveat.attribute, entry);
  }
  // A name of thousands of dots is not taken apart at each of them: only a name that is there can stand above it.
  const lengths = new Set([...first.keys()].map(({ length }) => length));
  const warnings: Warning[] = [];
  for (const [attribute, entry] of first) {
    for (let dot = attribute.indexOf("."); dot >= 0; dot = attribute.indexOf(".", dot + 1)) {
      if (!lengths.has(dot)) continue;
      const above = first.get(attribute.slice(0, dot));
      if (above === undefined) continue;
      const name = attributeName(above.caveat.attribute);
      warnings.push(
        warn([...above.because, ...entry.because], `${name} can't be both a value and an object`),
      );
      break;
    }
  }
  return warnings;
}

function valueWarnings(entries: readonly Test[], work: Work): readonly Warning[] {
  const groups = new Map<string, Test[]>();
  for (const entry of entries) {
    const { attribute } = entry.caveat;
    const group = groups.get(attribute);
    if (group === undefined) groups.set(attribute, [entry]);
    else group.push(entry);
  }
  const warnings: Warning[] = [];
  for (const [attribute, group] of groups) {
    const conflict = smallestConflict(group, work);
    if (conflict === undefined) continue;
    const name = attributeName(attribute);
    const because = conflict.flatMap((test) => test.because);
    const why =
      because.length === 1 ? `no value of ${name} satisfies` : `no value of ${name} satisfies all of`;
    warnings.push(warn(because, why));
  }
  return warnings;
}

/** The pair that can't pass together, if there is one, else all up to the caveat that made it impossible. */
function smallestConflict(group: readonly Test[], work: Work): readonly Test[] | undefined {
  const conflicts = (entries: readonly Test[]): boolean =>
    impossible(
      entries.map(({ caveat }) => caveat),
      work,
    );
  if (!conflicts(group)) return undefined;
  let possible = 0;
  let end = group.length;
  while (end - possible > 1) {
    const middle = (possible + end) >> 1;
    if (conflicts(group.slice(0, middle))) end = middle;
    else possible = middle;
  }
  const upTo = group.slice(0, end);
  const last = upTo.slice(-1);
  if (conflicts(last)) return last;
  const partner = upTo.find((entry) => conflicts([entry, ...last]));
  return partner === undefined ? upTo : [partner, ...last];
}
