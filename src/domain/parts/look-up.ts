import type { Clock } from "../ports/clock.ts";
import { DomainError } from "./error.ts";
import { forgetOldest } from "./forget-oldest.ts";
import { createRateLimit } from "./rate-limit.ts";

/** Finds what memory does not hold, without letting callers turn their guesses into load on the database. */
export interface LookUp<T> {
  /**
   * @param asker whose allowance the query is taken from; what memory answers takes from nobody's
   * @returns undefined for an id that does not exist
   *
   * Rejects where the store could not answer, and with `unavailable` past the rate limit: neither says
   * that the id does not exist.
   */
  find(id: string, asker?: string): Promise<T | undefined>;
}

const MISSES = 10_000;
const ASKERS = 10_000;

/**
 * Calls for one id at one time share one query; ids that were not there are remembered for a while;
 * and the queries of each asker stay under a rate, so that none can use up what another needs.
 *
 * @param missMilliseconds how long an absent id is answered from memory
 */
export function createLookUp<T>(options: {
  readonly load: (id: string) => Promise<T | undefined>;
  readonly clock: Clock;
  readonly perSecond: number;
  readonly missMilliseconds: number;
}): LookUp<T> {
  const { load, clock } = options;
  const limit = createRateLimit({
    clock,
    perSecond: options.perSecond,
    burst: options.perSecond,
    maxKeys: ASKERS,
  });
  const underway = new Map<string, Promise<T | undefined>>();
  const misses = new Map<string, number>();

  async function query(id: string): Promise<T | undefined> {
    const found = await load(id);
    if (found === undefined) {
      misses.set(id, clock.monotonic());
      forgetOldest(misses, MISSES);
    }
    return found;
  }

  return {
    async find(id, asker = "") {
      const missedAt = misses.get(id);
      if (missedAt !== undefined) {
        if (clock.monotonic() - missedAt < options.missMilliseconds) return undefined;
        misses.delete(id);
      }
      const joined = underway.get(id);
      if (joined !== undefined) return joined;
      if (!limit.take(asker))
        throw new DomainError("unavailable", "too many look-ups of unknown ids at once");
      const promise = query(id).finally(() => underway.delete(id));
      underway.set(id, promise);
      return promise;
    },
  };
}
