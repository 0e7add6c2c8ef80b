import { forgetOldest } from "../parts/forget-oldest.ts";
import type { Clock } from "../ports/clock.ts";
import type { PeopleStore } from "../ports/principals.ts";
import type { Identity } from "../ports/sessions.ts";

/** Milliseconds for which a person is not noted again unless something about them has changed. */
const NOTED = 86_400_000;

/** Milliseconds by which the issuer's word has to be younger to be noted though it says the same. */
const YOUNGER = 60_000;

/** People that are remembered as noted. */
const MOST = 20_000;

/**
 * Makes the function that notes people as they get tokens: one that has never used a browser here is known
 * by their ID token. Each is written once a day by each replica and with each newer ID token, not with every token.
 *
 * @returns notes a person. `saidAt` is when the issuer said so, unix milliseconds
 */
export function createPeopleNotes(options: {
  readonly store: { readonly people: Pick<PeopleStore, "saw"> };
  readonly clock: Clock;
}): (identity: Identity, saidAt: number) => Promise<void> {
  const { store, clock } = options;
  const noted = new Map<string, { readonly at: number; readonly saidAt: number }>();
  return async ({ issuer, subject, email, name }, saidAt) => {
    const key = JSON.stringify([issuer, subject, email, name]);
    const now = clock.now();
    const last = noted.get(key);
    const isFresh = last !== undefined && last.at <= now && now - last.at < NOTED;
    if (isFresh && saidAt - last.saidAt < YOUNGER) return;
    await store.people.saw({ issuer, subject, email, name }, now, { saidAt, isWhole: false });
    noted.delete(key);
    noted.set(key, { at: now, saidAt });
    forgetOldest(noted, MOST);
  };
}
