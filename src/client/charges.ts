import { isBudget } from "../caveats/caveat.ts";
import { parseCaveatBytes } from "../caveats/parse.ts";
import { type Bundle, decodeBundle } from "../macaroon/index.ts";
import type { VerifyRequest } from "./requests.ts";

/** How many budgets stand in macaroons. */
export function budgetsIn(macaroons: Bundle): number {
  let count = 0;
  for (const { unverifiedCaveats } of macaroons) {
    for (const { id, verificationId } of unverifiedCaveats) {
      if (verificationId !== undefined) continue;
      const caveat = parseCaveatBytes(id);
      if (caveat !== undefined && isBudget(caveat)) count++;
    }
  }
  return count;
}

/**
 * Whether a question can be asked only once. "Could not answer" can mean that it was charged and that the answer was lost,
 * so of what has budgets only what has a name of its own may be asked again. A proof is used up by then.
 */
export function isAskedOnce(request: VerifyRequest): boolean {
  if (request.dry_run === true) return false;
  if (request.proof !== undefined) return true;
  if (request.charge_id !== undefined) return false;
  // What cannot be read here has budgets, for all that is known.
  return [request.token, ...(request.discharges ?? [])].some((text) => {
    const decoded = decodeBundle(text);
    return !decoded.ok || budgetsIn(decoded.macaroons) > 0;
  });
}
