import { forgetOldest } from "./parts/forget-oldest.ts";
import { createLookUp } from "./parts/look-up.ts";
import { newShortId } from "./parts/short-id.ts";
import type { Clock } from "./ports/clock.ts";
import type { Principal } from "./ports/principals.ts";
import type { Randomness } from "./ports/randomness.ts";
import type { Store } from "./ports/store.ts";

/** Principals by id, from memory wherever they have been seen before. */
export interface Principals {
  /** @returns undefined for an id that no principal has; rejects if the store could not answer */
  find(id: string): Promise<Principal | undefined>;
  /** Puts a principal that was just written into memory. */
  remember(principal: Principal): void;
  /** Brings the e-mails in memory up to date. Rejects if the store could not answer; the next look covers the same time. */
  refresh(): Promise<void>;
}

/** Principals kept in memory, about 400 bytes each. */
const REMEMBERED = 200_000;

/** Look-ups a second of principals that memory does not hold. Only verified tokens cause them, so this bounds load, not guessing. */
const LOOK_UPS = 5_000;

/** Milliseconds that looks for changes overlap: one is dated before its transaction ends. */
const OVERLAP = 60_000;

/** A principal as it is written when nobody of that description is on the platform yet. @param now unix milliseconds */
export function newPrincipal(
  randomness: Randomness,
  now: number,
  who: Omit<Principal, "id" | "createdAt">,
): Principal {
  const { platform, issuer, subject, email, assertedBy, development } = who;
  const id = newShortId(randomness);
  return { id, platform, issuer, subject, email, assertedBy, development, createdAt: now };
}

export function createPrincipals(options: { readonly store: Store; readonly clock: Clock }): Principals {
  const known = new Map<string, Principal>();
  let refreshedAt = options.clock.monotonic();

  function remember(principal: Principal): void {
    known.delete(principal.id);
    known.set(principal.id, principal);
    forgetOldest(known, REMEMBERED);
  }

  const lookUp = createLookUp({
    load: (id) => options.store.principals.find(id),
    clock: options.clock,
    perSecond: LOOK_UPS,
    missMilliseconds: 1_000,
  });

  return {
    async find(id) {
      const principal = known.get(id) ?? (await lookUp.find(id));
      if (principal !== undefined) remember(principal);
      return principal;
    },
    // Copied: the texts of one that was asked for in a body are slices, each of which keeps the whole body in memory.
    remember: (principal) => remember(structuredClone(principal)),

    async refresh() {
      const begun = options.clock.monotonic();
      const changes = await options.store.principals.changedWithin(begun - refreshedAt + OVERLAP);
      for (const { id, email } of changes) {
        const principal = known.get(id);
        if (principal !== undefined && principal.email !== email) known.set(id, { ...principal, email });
      }
      refreshedAt = begun;
    },
  };
}
