import { createHash, type Hash } from "node:crypto";

import { type Decimal, formatDecimal } from "../../caveats/values/decimal.ts";
import { JsonNumber, type JsonObject, type JsonValue } from "../../json/value.ts";
import { nextTurn } from "../parts/turn.ts";
import type { ChargeKey } from "../ports/budgets.ts";

/** The question that comes with a `charge_id`. Another question under the same id is refused. */
export interface Question {
  /** The revocation id of the presented link. */
  readonly link: string;
  /** Those of its discharges. */
  readonly discharges: readonly string[];
  readonly context: JsonObject;
  readonly cost: ReadonlyMap<string, Decimal>;
  /** Seconds. */
  readonly reserve: number | undefined;
}

/** The scope of a `charge_id`, and the id. */
interface ChargeName {
  readonly platform: string;
  /** The resource that asks; undefined for none. */
  readonly resource: string | undefined;
  readonly chargeId: string;
}

/** The key under which a charge is remembered. A large context is hashed in turns. */
export async function chargeKey(
  { platform, resource, chargeId }: ChargeName,
  asked: Question,
): Promise<ChargeKey> {
  const { link, discharges, context, cost, reserve } = asked;
  const costs = [...cost].map(([unit, amount]) => `${unit} ${formatDecimal(amount)}`).sort();
  const question = begin("charged question", [link, discharges.toSorted(), costs, reserve ?? null]);
  let text = "";
  for (const piece of canonical(context, { left: PIECE })) {
    if (piece !== undefined) text += piece;
    if (piece !== undefined && text.length < HASHED_AT_ONCE) continue;
    question.update(text);
    text = "";
    if (piece === undefined) await nextTurn();
  }
  question.update(text);
  const scope = resource === undefined ? [platform, chargeId] : [platform, chargeId, resource];
  return { hash: digest(begin("charge", scope)), question: digest(question) };
}

/** Begins a hash: in a JSON text each part has a certain end, and so has what is added behind it. */
function begin(label: string, parts: readonly unknown[]): Hash {
  return createHash("sha256").update(`bakehouse ${label} v1\0`).update(JSON.stringify(parts));
}

function digest(hash: Hash): Uint8Array {
  return new Uint8Array(hash.digest());
}

/** Values and members that are written or sorted in one go: a millisecond or two. */
const PIECE = 2_000;

/** Characters that are hashed in one go: each go has a cost of its own. */
const HASHED_AT_ONCE = 4_096;

/** How much may still be done in this go. */
interface Share {
  left: number;
}

/**
 * JSON with its members in order, so that a context that is sent again is the same however it was put together.
 *
 * @yields a part of the text, or undefined if others should have a turn
 */
function* canonical(value: JsonValue, share: Share): Generator<string | undefined, void> {
  if (value instanceof Map) {
    let before = "{";
    for (const [name, member] of yield* sorted([...value], share)) {
      yield `${before}${JSON.stringify(name)}:`;
      yield* canonical(member, share);
      before = ",";
    }
    yield before === "{" ? "{}" : "}";
  } else if (Array.isArray(value)) {
    let before = "[";
    for (const item of value) {
      yield before;
      yield* canonical(item, share);
      before = ",";
    }
    yield before === "[" ? "[]" : "]";
  } else {
    yield value instanceof JsonNumber ? value.text : JSON.stringify(value);
  }
  if (spent(share, 1)) yield undefined;
}

type Member = readonly [name: string, value: JsonValue];

/** Sorts by merging runs that are sorted in one go each. */
function* sorted(members: Member[], share: Share): Generator<undefined, readonly Member[]> {
  let runs: Member[][] = [];
  for (let at = 0; at < members.length; at += PIECE) {
    const run = members.slice(at, at + PIECE);
    runs.push(run.sort(([a], [b]) => (a < b ? -1 : 1)));
    if (spent(share, run.length)) yield undefined;
  }
  while (runs.length > 1) {
    const merged: Member[][] = [];
    for (let at = 0; at < runs.length; at += 2) {
      merged.push(yield* mergedOf(runs[at] ?? [], runs[at + 1] ?? [], share));
    }
    runs = merged;
  }
  return runs[0] ?? [];
}

function* mergedOf(a: readonly Member[], b: readonly Member[], share: Share): Generator<undefined, Member[]> {
  const all: Member[] = [];
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    const [left, right] = [a[i], b[j]];
    if (right === undefined || (left !== undefined && left[0] < right[0])) {
      all.push(left as Member);
      i += 1;
    } else {
      all.push(right);
      j += 1;
    }
    if (spent(share, 1)) yield undefined;
  }
  return all;
}

/** Takes from a share; true once it is used up, and the next one begins. */
function spent(share: Share, amount: number): boolean {
  share.left -= amount;
  if (share.left > 0) return false;
  share.left = PIECE;
  return true;
}
