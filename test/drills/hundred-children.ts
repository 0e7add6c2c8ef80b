import { setTimeout as pause } from "node:timers/promises";

import postgres from "postgres";

import { workers } from "../revocation/hammer.ts";
import { linkOf, narrow } from "../support/service-macaroons.ts";

/** An orchestrator's token with one budget, and children that it narrowed offline, each with a budget of its own. */
export interface Family {
  readonly root: string;
  /** Uses that all of them have together. */
  readonly most: number;
  readonly children: readonly { readonly token: string; readonly most: number }[];
}

/** What one call came to. */
export type Answer = "allowed" | "budget_exhausted" | "unanswered";

/** What all calls came to. */
export interface Spent {
  /** Calls that were allowed, by child. */
  readonly allowed: readonly number[];
  /** Calls without an answer, each of which may have been charged. */
  readonly unanswered: number;
}

/** Calls that are under way at a time. */
const CALLERS = 64;
/** Milliseconds, after a call without an answer. */
const BREATH = 100;

/** A hundred children of a budget of 1,000, whose own budgets come to 1,250 together. */
export function newFamily(token: string): Family {
  const most = 1_000;
  const root = narrow(token, "agent = orchestrator#1", `uses <= ${most}`);
  const children = Array.from({ length: 100 }, (_, child) => {
    const own = 8 + (child % 10);
    return { token: narrow(root, `agent = child#${child}`, `uses <= ${own}`), most: own };
  });
  return { root, most, children };
}

/**
 * Asks for every child five times more often than its own budget allows, 64 at a time. A call that gets no answer is made
 * again.
 *
 * @param ask asks one replica or the other
 * @param onAllowed told how many calls have been allowed so far
 */
export async function spend(
  { children }: Family,
  ask: (call: number, token: string) => Promise<Answer>,
  onAllowed: (count: number) => void = () => {},
): Promise<Spent> {
  const allowed = children.map(() => 0);
  let [calls, total, unanswered] = [0, 0, 0];
  // One after another of all children in turn, so that none has its whole budget before the common one is gone.
  const left = Array.from({ length: 20 }, () => [...children.entries()]).flat();
  await workers(CALLERS, async () => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      const [child, { token }] = next;
      let answer = await ask(calls++, token);
      while (answer === "unanswered") {
        unanswered += 1;
        await pause(BREATH);
        answer = await ask(calls++, token);
      }
      if (answer !== "allowed") continue;
      allowed[child] = (allowed[child] ?? 0) + 1;
      total += 1;
      onAllowed(total);
    }
  });
  return { allowed, unanswered };
}

/**
 * Says what is wrong with what was spent; nothing, if it is as it should be. Every child has been asked for until it was
 * refused, so the common budget is spent, and whatever it was charged some child was charged too.
 *
 * @param url of the database
 */
export async function faults(
  { root, most, children }: Family,
  { allowed, unanswered }: Spent,
  url: string,
): Promise<readonly string[]> {
  const found: string[] = [];
  const usedOf = await usedBy(url);
  const sum = (numbers: readonly number[]) => numbers.reduce((one, other) => one + other, 0);
  const total = sum(allowed);
  const common = usedOf(root);
  const charged = children.map(({ token }) => usedOf(token));
  for (const [child, { most: own }] of children.entries()) {
    const [passed = 0, used = 0] = [allowed[child], charged[child]];
    if (passed > own) found.push(`child ${child} was allowed ${passed} of ${own}`);
    if (passed > used || used > own)
      found.push(`child ${child}: ${passed} allowed, ${used} charged of ${own}`);
  }
  if (total > most) found.push(`${total} of ${most} were allowed`);
  if (common !== most) found.push(`${common} of ${most} were charged`);
  if (sum(charged) !== common) found.push(`the children were charged ${sum(charged)}, not ${common}`);
  if (total + unanswered < most)
    found.push(`${total} allowed and ${unanswered} unanswered: fewer than ${most}`);
  if (unanswered === 0 && total !== most) found.push(`${total} were allowed, not ${most}`);
  return found;
}

/** What the database has counted, by a token's last link. */
export async function usedBy(url: string): Promise<(token: string) => number> {
  const sql = postgres(url, { max: 1, onnotice: () => {} });
  try {
    const rows = await sql<{ link: Buffer; used: string }[]>`select link, used from budgets`;
    const used = new Map(rows.map((row) => [row.link.toString("base64url"), Number(row.used)]));
    return (token) => used.get(linkOf(token)) ?? 0;
  } finally {
    await sql.end();
  }
}
