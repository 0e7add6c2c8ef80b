import type { Caller, HumanCaller } from "../caller.ts";
import { DomainError } from "../parts/error.ts";
import { createRateLimit } from "../parts/rate-limit.ts";
import type { Clock } from "../ports/clock.ts";

/**
 * Entries a second, and at once, of one person in one way: with browsers, by programs that act as them, with ID tokens.
 * Every replica holds every entry for months, and a login must not suffice to fill the replicas. Administrators and
 * platforms are trusted with more.
 */
const BY_PERSON = { perSecond: 1, burst: 10_000 };

/** The same of one program's login, so that one leaves something to the others. */
const BY_PROGRAM = { perSecond: 0.5, burst: 5_000 };

/** The number of people, and of programs, that rates are remembered for. */
const PEOPLE = 50_000;

/** By what a person acts: whoever holds one of these uses up nothing of what the person can do by the others. */
function wayOf({ program, sessionBegunAt }: HumanCaller): string {
  if (program !== undefined) return "program";
  return sessionBegunAt === undefined ? "token" : "browser";
}

/**
 * Makes the function that takes an entry from a person's allowance. A program that went astray is what people revoke: it
 * must not be able to use up what they revoke with.
 *
 * @returns a function that throws DomainError `rate_limited`, naming the member of the request
 */
export function createPersonAllowance({ clock }: { readonly clock: Clock }) {
  const byPerson = createRateLimit({ clock, ...BY_PERSON, maxKeys: PEOPLE });
  const byProgram = createRateLimit({ clock, ...BY_PROGRAM, maxKeys: PEOPLE });
  return (caller: Caller | undefined, member: string): void => {
    if (caller?.kind !== "human" || caller.administrator) return;
    const { program, identity } = caller;
    if (program !== undefined && !byProgram.take(program.id)) {
      throw new DomainError("rate_limited", "too many revocations by one program", member);
    }
    if (!byPerson.take(`${wayOf(caller)}\n${identity.issuer}\n${identity.subject}`)) {
      throw new DomainError("rate_limited", "too many revocations by one person", member);
    }
  };
}
