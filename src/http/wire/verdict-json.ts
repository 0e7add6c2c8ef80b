import type { Verdict } from "../../domain/service.ts";
import { decisionWire, verdictWire } from "./verdict.ts";

type Allowed = Extract<Verdict, { readonly allowed: true }>;

/** An allowed verdict, and its JSON. */
interface Written {
  readonly brief: boolean;
  readonly verdict: Allowed;
  readonly text: string;
}

/** The number of tokens whose text can be kept; a power of two. */
const SLOTS = 1024;

/** Characters of the longest text that is kept. With the number of slots it bounds the memory. */
const LONGEST = 4096;

/**
 * Makes a writer of verdicts. It keeps the JSON of a token that is presented again and again, and writes only the
 * sequence anew. The verdicts of one token share its facts, so comparing them by identity costs next to nothing.
 *
 * The revocation id leads to the token's one slot. Two tokens of one slot push each other out, and are never taken for
 * each other.
 */
export function createVerdictWriter(): (verdict: Verdict, brief?: boolean) => string {
  const slots: (Written | undefined)[] = new Array(SLOTS).fill(undefined);
  // A mark of the last token of each slot. A token's text is kept from its second verdict on: keeping the verdict of a
  // token that comes once would only make the garbage collector copy it.
  const marks = new Int32Array(SLOTS);

  return (verdict, brief = false) => {
    const wire = brief ? decisionWire : verdictWire;
    // What is left of a budget differs each time.
    if (!verdict.allowed || verdict.budgets.length > 0) return JSON.stringify(wire(verdict));
    const slot = slotOf(verdict.revocationId);
    const before = slots[slot];
    if (before !== undefined && before.brief === brief && saysTheSame(before.verdict, verdict)) {
      if (before.verdict.sequence === verdict.sequence) return before.text;
      const text = before.text.slice(0, -end(before.verdict).length) + end(verdict);
      slots[slot] = { brief, verdict, text };
      return text;
    }
    const text = JSON.stringify(wire(verdict));
    const mark = markOf(verdict.revocationId);
    if (marks[slot] === mark && text.length <= LONGEST) slots[slot] = { brief, verdict, text };
    marks[slot] = mark;
    return text;
  };
}

/**
 * A mark made of four characters that have no part in the slot. A token with the mark of another one is kept one
 * verdict too early, and is still told apart.
 */
function markOf(revocationId: string): number {
  let mark = 1;
  for (let index = 0; index < 4; index++) mark = (mark << 7) | revocationId.charCodeAt(index);
  return mark;
}

/** The end of a verdict's JSON: in both forms of an answer the sequence is the last member. */
function end({ sequence }: Allowed): string {
  return `,"sequence":${JSON.stringify(sequence)}}`;
}

/** The slot of a revocation id, by the three characters before the last one, which holds two bits only. */
function slotOf(revocationId: string): number {
  const { length } = revocationId;
  const a = revocationId.charCodeAt(length - 2);
  const b = revocationId.charCodeAt(length - 3);
  return (a * 61 + b * 7 + revocationId.charCodeAt(length - 4)) & (SLOTS - 1);
}

/** Whether two verdicts differ in the sequence alone. Shared lists are compared by identity, the others by their items. */
function saysTheSame(a: Allowed, b: Allowed): boolean {
  return (
    a.revocationIds === b.revocationIds &&
    a.caveats === b.caveats &&
    a.summary === b.summary &&
    a.summaryParts === b.summaryParts &&
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
