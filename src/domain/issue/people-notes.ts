import { forgetOldest } from "../parts/forget-oldest.ts";
import type { Clock } from "../ports/clock.ts";
import type { PeopleStore } from "../ports/principals.ts";
import type { Identity } from "../ports/sessions.ts";

/** Milliseconds for which a person is not noted again unless something about them has changed. */
const NOTED = 86_400_000;

/** People that are remembered as noted. */
const MOST = 20_000;

/**
 * Makes the function that notes people as they get tokens: one that has never used a browser here is known
 * by their ID token. Each is written once a day by each replica, not with every token.
 */
export function createPeopleNotes(options: {
  readonly store: { readonly people: Pick<PeopleStore, "saw"> };
  readonly clock: Clock;
}): (identity: Identity) => Promise<void> {
  const { store, clock } = options;
  const noted = new Map<string, number>();
  return async ({ issuer, subject, email, name }) => {
    const key = JSON.stringify([issuer, subject, email, name]);
    const now = clock.now();
    const last = noted.get(key);
    if (last !== undefined && last <= now && now - last < NOTED) return;
    await store.people.saw({ issuer, subject, email, name }, now);
    noted.delete(key);
    noted.set(key, now);
    forgetOldest(noted, MOST);
  };
}
