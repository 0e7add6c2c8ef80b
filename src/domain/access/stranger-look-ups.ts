import { DomainError } from "../parts/error.ts";
import { networkOf } from "../parts/network.ts";
import { createRateLimit } from "../parts/rate-limit.ts";
import type { Clock } from "../ports/clock.ts";

/** Bounds the look-ups of secrets that anybody can make up: session cookies, and the secrets that collect discharges. */
export interface StrangerLookUps {
  /**
   * Looks something up, if there is room for it.
   *
   * @param secret the presented one, in a form that may be kept in memory
   * @param from the address that presented it
   * @param load answers undefined if the secret is not good
   * @param isOurs whether the secret itself shows that this service made it; such a one is no guess
   * @throws DomainError `rate_limited`
   */
  find<T>(
    secret: string,
    from: string,
    load: () => Promise<T | undefined>,
    isOurs?: boolean,
  ): Promise<T | undefined>;
  /** Takes note of a secret that was just given out. */
  given(secret: string): void;
}

/** Look-ups a second, and at once, of secrets that are not known to be good: of one network, and of all together. */
const BY_NETWORK = { perSecond: 5, burst: 100, maxKeys: 50_000 };
const BY_ALL = { perSecond: 200, burst: 1_000, maxKeys: 1 };

/** The same for each secret that was good when it was last presented, or that shows that this service made it. */
const BY_GOOD = { perSecond: 20, burst: 200, maxKeys: 50_000 };

/** Secrets that are remembered as good. */
const REMEMBERED = 50_000;

/**
 * A secret that was good before is told from a guess in memory, and has an allowance of its own: guesses use up nobody
 * else's. It is looked up all the same, since a session may have been ended on another replica.
 */
export function createStrangerLookUps(options: { readonly clock: Clock }): StrangerLookUps {
  const { clock } = options;
  const byNetwork = createRateLimit({ clock, ...BY_NETWORK });
  const byAll = createRateLimit({ clock, ...BY_ALL });
  const byGood = createRateLimit({ clock, ...BY_GOOD });
  const good = new Set<string>();

  function given(secret: string): void {
    good.delete(secret); // a set keeps the order of insertion: the first is the longest unused
    good.add(secret);
    if (good.size <= REMEMBERED) return;
    for (const oldest of good) {
      good.delete(oldest);
      return;
    }
  }

  function mayLookUp(secret: string, from: string, isOurs: boolean): boolean {
    if (isOurs || good.has(secret)) return byGood.take(secret);
    const network = networkOf(from);
    if (!byNetwork.take(network)) return false;
    if (byAll.take("")) return true;
    byNetwork.giveBack(network);
    return false;
  }

  return {
    async find(secret, from, load, isOurs = false) {
      if (!mayLookUp(secret, from, isOurs)) {
        throw new DomainError("rate_limited", "too many look-ups at once: repeat later");
      }
      const found = await load();
      if (found === undefined) good.delete(secret);
      else given(secret);
      return found;
    },
    given,
  };
}
