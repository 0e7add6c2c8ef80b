import type { Caller, HumanCaller } from "./caller.ts";
import { DomainError } from "./parts/error.ts";
import { createRateLimit } from "./parts/rate-limit.ts";
import type { Clock } from "./ports/clock.ts";

/**
 * Those a second, and at once, of one person in one way: with browsers, by programs that act as them, with ID tokens. One
 * program's login has half of that, so that one leaves something to the others. Administrators and platforms are trusted with more.
 */
export interface Allowance {
  readonly perSecond: number;
  readonly burst: number;
  /** For the refusal. */
  readonly name: string;
}

/** Entries of the log: every replica holds every one for months, and a login must not suffice to fill the replicas. */
export const REVOCATIONS: Allowance = { perSecond: 1, burst: 10_000, name: "revocations" };

/** Tokens: each stays on record for months, with sixty kilobytes of caveats, and a login must not suffice to fill the database. */
export const TOKENS: Allowance = { perSecond: 0.2, burst: 300, name: "tokens" };

/** The number of people, and of programs, that rates are remembered for. */
const PEOPLE = 50_000;

/** By what a person acts: whoever holds one of these uses up nothing of what the person can do by the others. */
function wayOf({ program, sessionBegunAt }: HumanCaller): string {
  if (program !== undefined) return "program";
  return sessionBegunAt === undefined ? "token" : "browser";
}

/**
 * Makes the function that takes one from a person's allowance. A program that went astray is what people revoke: it
 * must not be able to use up what they revoke with.
 *
 * @returns a function that throws DomainError `rate_limited`, naming the member of the request, if it has one
 */
export function createPersonAllowance(
  { clock }: { readonly clock: Clock },
  { perSecond, burst, name }: Allowance,
) {
  const byPerson = createRateLimit({ clock, perSecond, burst, maxKeys: PEOPLE });
  const byProgram = createRateLimit({ clock, perSecond: perSecond / 2, burst: burst / 2, maxKeys: PEOPLE });
  return (caller: Caller | undefined, member?: string): void => {
    if (caller?.kind !== "human" || caller.administrator) return;
    const { program, identity } = caller;
    if (program !== undefined && !byProgram.take(program.id)) {
      throw new DomainError("rate_limited", `too many ${name} by one program`, member);
    }
    if (!byPerson.take(`${wayOf(caller)}\n${identity.issuer}\n${identity.subject}`)) {
      throw new DomainError("rate_limited", `too many ${name} by one person`, member);
    }
  };
}
