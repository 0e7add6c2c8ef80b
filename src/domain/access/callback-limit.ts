import { DomainError } from "../parts/error.ts";
import { networkOf } from "../parts/network.ts";
import { createRateLimit } from "../parts/rate-limit.ts";
import type { Clock } from "../ports/clock.ts";

/** Codes a second, and at once, that the issuer is asked to redeem: of one network, and of all together. */
const BY_NETWORK = { perSecond: 2, burst: 60, maxKeys: 50_000 };
const BY_ALL = { perSecond: 50, burst: 500, maxKeys: 1 };

/**
 * Makes the bound on the questions to the issuer that come of logins which anybody can begin here, and end with a code: only the
 * issuer can tell that it is made up. An issuer that is asked without end shuts this service out, and with it all its people.
 *
 * @returns takes one question of an address; throws a DomainError `rate_limited`
 */
export function createCallbackLimit(options: { readonly clock: Clock }): (from: string) => void {
  const { clock } = options;
  const byNetwork = createRateLimit({ clock, ...BY_NETWORK });
  const byAll = createRateLimit({ clock, ...BY_ALL });
  return (from) => {
    const network = networkOf(from);
    const isFree = byNetwork.take(network);
    if (isFree && byAll.take("")) return;
    if (isFree) byNetwork.giveBack(network);
    throw new DomainError("rate_limited", "too many logins are finished at once: repeat in a moment");
  };
}
