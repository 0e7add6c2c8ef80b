import { issuedInDischarge } from "../../caveats/agents.ts";
import type { Condition } from "../../caveats/condition.ts";
import type { MacaroonPlace, VerifiedMacaroon } from "../../macaroon/index.ts";

/**
 * How many conditions at the front of each discharge were issued; none in an invalid one, and none in one for a ticket that a holder
 * wrote. The writer of a ticket knows its key and can make the discharge, with whatever caveat the service marks its own with.
 *
 * @param issued how many caveats at the front of the root macaroon were issued
 * @returns one for each discharge, in their order
 */
export function issuedInDischarges(
  { discharges }: Pick<VerifiedMacaroon, "discharges">,
  dischargeConditions: readonly (readonly Condition[])[],
  issued: number,
): readonly number[] {
  function issuedIn(place: MacaroonPlace): number {
    if (place === "root") return issued;
    const discharge = discharges[place];
    if (discharge?.state !== "good") return 0;
    // Nesting ends: a discharge that is good serves a caveat of one that was found good before.
    const { macaroon: parent, caveat } = discharge.forCaveat;
    return caveat < issuedIn(parent) ? issuedInDischarge(dischargeConditions[place] ?? []) : 0;
  }
  return discharges.map((_, place) => issuedIn(place));
}
