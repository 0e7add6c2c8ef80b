import { type Condition, compileCaveat } from "./condition.ts";
import { millisecondsOf } from "./values/instant.ts";

/**
 * The earliest instant at which one of these conditions expires, unix milliseconds.
 *
 * @param latest the answer if none expires sooner, unix milliseconds
 */
export function earliestExpiry(conditions: readonly Condition[], latest: number): number {
  let earliest = latest;
  for (const condition of conditions) {
    if (condition.state !== "known" || condition.caveat.kind !== "time") continue;
    if (condition.caveat.operator !== "<") continue;
    earliest = Math.min(earliest, millisecondsOf(condition.caveat.at));
  }
  return earliest;
}

/**
 * The expiry of a token that is about to be minted with these caveats, unix milliseconds. A token with caveats that
 * have expired already expires as it is issued.
 */
export function expiryOfNew(caveats: readonly string[], issuedAt: number, life: number): number {
  return Math.max(issuedAt, earliestExpiry(caveats.map(compileCaveat), issuedAt + life));
}
