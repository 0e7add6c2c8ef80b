import type { SummaryAuthor } from "../../words/states.ts";
import type { Caveat } from "../caveat.ts";
import type { Condition } from "../condition.ts";
import { type SummaryOptions, summarise, summariseLimits } from "./summary.ts";

/** A sentence of a summary, with its origin. */
export interface SummaryPart {
  readonly by: SummaryAuthor;
  readonly text: string;
}

function isAgent(condition: Condition): boolean {
  return condition.state === "known" && condition.caveat.kind === "agent";
}

const LIMITS: ReadonlySet<Caveat["kind"]> = new Set(["time", "depth", "uses", "rate"]);

/** Times and counts: whoever wrote such a caveat, nothing but a number can be said in it. `spend` names a unit as well. */
function isLimit(condition: Condition): boolean {
  return condition.state === "known" && LIMITS.has(condition.caveat.kind);
}

/**
 * What {@link summarise} says of a chain, told apart by origin. Holders write whatever they like into the caveats that
 * they append, so a reader must never take those words for the issuer's or the service's. Names of agents are claims
 * wherever they stand.
 *
 * @param issued how many conditions at the front of the chain the issuer wrote
 */
export function summaryParts(
  conditions: readonly Condition[],
  issued: number,
  options: SummaryOptions = {},
): readonly SummaryPart[] {
  const written = conditions.slice(0, issued).filter((condition) => !isAgent(condition));
  const appended = conditions.slice(issued);
  const words = conditions.filter(
    (condition, at) => isAgent(condition) || (at >= issued && !isLimit(condition)),
  );
  // It would be said of the issuer's caveats alone, and read as if holders had narrowed nothing.
  const whole = options.whole === true && words.every(isAgent);
  const parts: SummaryPart[] = [
    { by: "issued", text: summarise(written, { ...options, whole, issued: written.length }) },
  ];
  if (appended.some(isLimit)) parts.push({ by: "service", text: summariseLimits(conditions, options) });
  if (words.length > 0) parts.push({ by: "holder", text: summarise(words, { ...options, issued: 0 }) });
  return parts;
}

/** The sentences that are facts: those of the issuer and of the service. */
export function verifiedText(parts: readonly SummaryPart[]): string {
  const facts = parts.filter(({ by }) => by !== "holder");
  return facts.map(({ text }) => text).join(" ");
}
