import { agentText } from "../../caveats/caveat.ts";
import { placeOf } from "../../caveats/clear.ts";
import { type Condition, shownCaveat } from "../../caveats/condition.ts";
import type { VerifiedChain, VerifiedMacaroon } from "../../macaroon/index.ts";
import type { Place } from "../../words/states.ts";
import { issuedInDischarges } from "./issued-discharges.ts";

/** A `holder` on a verified chain. */
export interface Holder {
  readonly thumbprint: string;
  /** The caveat as it may be shown. */
  readonly text: string;
  /** Its place in the chain of its macaroon. */
  readonly index: number;
  /** The nearest agent before it in its macaroon; null before the first. */
  readonly agent: string | null;
  readonly placed: Place;
  /** The place of the discharge that it stands in; undefined in the root macaroon. */
  readonly discharge: number | undefined;
  /** The places of all links of its chain, by revocation id. */
  readonly links: ReadonlyMap<string, number>;
  /**
   * The place of the first link that its key may endorse, that of the next `holder`. Undefined for the last `holder` of a
   * chain, whose key must prove itself.
   */
  readonly endorsableFrom: number | undefined;
}

/** The holders of nearly all tokens. */
const NONE: readonly Holder[] = [];

/** The holders of a bundle: those of the root macaroon first, then those of each good discharge. */
export function holdersOf(
  macaroon: VerifiedMacaroon,
  conditions: readonly Condition[],
  dischargeConditions: readonly (readonly Condition[])[],
  issued: number,
): readonly Holder[] {
  const own = holdersOn(macaroon, conditions, issued, undefined);
  if (macaroon.discharges.length === 0) return own;
  const issuedIn = issuedInDischarges(macaroon, dischargeConditions, issued);
  const ofDischarges = macaroon.discharges.flatMap((discharge, place) =>
    discharge.state === "good"
      ? holdersOn(discharge, dischargeConditions[place] ?? [], issuedIn[place] ?? 0, place)
      : NONE,
  );
  return ofDischarges.length === 0 ? own : [...own, ...ofDischarges];
}

function holdersOn(
  { revocationIds }: VerifiedChain,
  conditions: readonly Condition[],
  issued: number,
  discharge: number | undefined,
): readonly Holder[] {
  const found: Omit<Holder, "links" | "endorsableFrom">[] = [];
  let agent: string | null = null;
  for (let index = 0; index < conditions.length; index++) {
    const condition = conditions[index] as Condition;
    if (condition.state !== "known") continue;
    const { caveat } = condition;
    if (caveat.kind === "agent") agent = agentText(caveat);
    if (caveat.kind !== "holder") continue;
    const { thumbprint } = caveat;
    const placed = placeOf(index, issued, agent);
    found.push({ thumbprint, text: shownCaveat(condition.text), index, agent, placed, discharge });
  }
  if (found.length === 0) return NONE;
  const links = new Map(revocationIds.map(({ text }, place) => [text, place]));
  return found.map((holder, place) => {
    const next = found[place + 1];
    // The first link is the root's own; that of a caveat is one further than the caveat.
    return { ...holder, links, endorsableFrom: next === undefined ? undefined : next.index + 1 };
  });
}
