import type { Verdict } from "../../domain/service.ts";
import { verdictWire } from "./verdict.ts";

type Allowed = Extract<Verdict, { readonly allowed: true }>;

/** An allowed verdict, and its JSON up to the sequence. */
interface Written {
  readonly verdict: Allowed;
  readonly text: string;
}

/** A power of two. Verdicts on as many tokens, at most, are written faster than others. */
const SLOTS = 1024;

/** Characters of the longest text that is kept; together these two bound what is held. */
const LONGEST = 4096;

/**
 * Makes a writer of verdicts. Of a token that is presented again and again, only what may have changed is written
 * anew: the rest has been turned into JSON before, and a token's facts are shared between its verdicts, so that
 * comparing them costs next to nothing.
 *
 * A token has one slot, found by its revocation id; two tokens of one slot are written in full in turn, and are
 * never taken for each other.
 */
export function createVerdictWriter(): (verdict: Verdict) => string {
  const slots: (Written | undefined)[] = new Array(SLOTS).fill(undefined);
  // Of the last token of each slot: what is written for the first time, or is long, leaves no more than this. A verdict that
  // were held until the next one of its slot would outlive every collection of young objects, for nothing.
  const marks = new Int32Array(SLOTS);

  return (verdict) => {
    if (!verdict.allowed) return JSON.stringify(verdictWire(verdict));
    const slot = slotOf(verdict.revocationId);
    const before = slots[slot];
    if (before !== undefined && saysTheSame(before.verdict, verdict)) return before.text + end(verdict);
    const { sequence: _, ...rest } = verdictWire(verdict);
    const text = JSON.stringify(rest).slice(0, -1);
    const mark = markOf(verdict.revocationId);
    if (marks[slot] === mark && text.length <= LONGEST) slots[slot] = { verdict, text };
    marks[slot] = mark;
    return text + end(verdict);
  };
}

/** Four characters that the slot does not follow from. Who has the same is kept sooner, and is not mistaken. */
function markOf(revocationId: string): number {
  let mark = 1;
  for (let index = 0; index < 4; index++) mark = (mark << 7) | revocationId.charCodeAt(index);
  return mark;
}

function end({ sequence }: Allowed): string {
  return `,"sequence":${JSON.stringify(sequence)}}`;
}

/** By its last characters but one: the last holds two bits only. */
function slotOf(revocationId: string): number {
  const { length } = revocationId;
  const [a, b] = [revocationId.charCodeAt(length - 2), revocationId.charCodeAt(length - 3)];
  return (a * 61 + b * 7 + revocationId.charCodeAt(length - 4)) & (SLOTS - 1);
}

/** Whether two verdicts differ in nothing but the sequence. Lists that nobody shares are compared by what they hold. */
function saysTheSame(a: Allowed, b: Allowed): boolean {
  return (
    a.revocationIds === b.revocationIds &&
    a.caveats === b.caveats &&
    a.summary === b.summary &&
    a.principal === b.principal &&
    a.expiresAt === b.expiresAt &&
    a.issuedAt === b.issuedAt &&
    a.keyId === b.keyId &&
    a.tokenId === b.tokenId &&
    a.platform === b.platform &&
    a.revocationId === b.revocationId &&
    sameList(a.agents, b.agents)
  );
}

function sameList(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((item, index) => item === b[index]);
}
