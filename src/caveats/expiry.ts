import { type Condition, compileCaveat } from "./condition.ts";

/**
 * The earliest instant at which one of these conditions expires, unix milliseconds.
 *
 * @param latest the answer where none does sooner, unix milliseconds
 */
export function earliestExpiry(conditions: readonly Condition[], latest: number): number {
  let earliest = latest;
  for (const condition of conditions) {
    if (condition.state !== "known" || condition.caveat.kind !== "time") continue;
    if (condition.caveat.operator !== "<") continue;
    const { seconds, fraction } = condition.caveat.at;
    const at = seconds * 1000 + Number(fraction.slice(0, 3).padEnd(3, "0"));
    earliest = Math.min(earliest, at);
  }
  return earliest;
}

/**
 * When a token that is about to be minted expires, its caveats considered; unix milliseconds. One that is
 * dead from the start expires as it is issued.
 */
export function expiryOfNew(caveats: readonly string[], issuedAt: number, life: number): number {
  return Math.max(issuedAt, earliestExpiry(caveats.map(compileCaveat), issuedAt + life));
}
