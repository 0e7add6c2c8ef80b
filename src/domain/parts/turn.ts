import { AsyncLocalStorage } from "node:async_hooks";

import { networkOf } from "./network.ts";

/** Those for whom long work is done: each kind has turns, and in each kind each name. */
export interface Payer {
  readonly kind: "service" | "shared" | "administrator" | "platform" | "person" | "network";
  readonly name: string;
}

/** The payer of a request, from its beginning to its end: a network, until the caller is known. */
export interface Bill {
  payer: Payer;
}

/** The service itself, for work in nobody's name. */
const SERVICE: Payer = { kind: "service", name: "" };

const SHARED: Bill = { payer: { kind: "shared", name: "" } };

const bills = new AsyncLocalStorage<Bill>();

/** Those who pay for what a network asks without a credential, or before it is known. @param address undefined if it is not known */
export function payerFrom(address: string | undefined): Payer {
  return { kind: "network", name: address ?? "" };
}

/** Does some work, and whatever comes of it, on a bill. */
export function onBill<Result>(bill: Bill, work: () => Result): Result {
  return bills.run(bill, work);
}

/** The payer of the work that is being done. Work that an event sets off has lost it. */
export function currentPayer(): Payer {
  return bills.getStore()?.payer ?? SERVICE;
}

/** A name of the one that pays for what is being done: the same for all addresses of one network. */
export function payerName(): string {
  const { kind, name } = currentPayer();
  return JSON.stringify([kind, lineOf({ kind, name })]);
}

function lineOf({ kind, name }: Payer): string {
  return kind === "network" ? networkOf(name) : name;
}

/** Does work for several callers at once, which none of them pays for alone. */
export function sharedByAll<Result>(work: () => Result): Result {
  return bills.run(SHARED, work);
}

/**
 * Long work that waits for its turn: by kind of payer, then by payer. The first of each has the next turn, and goes to the
 * end then. None is empty.
 */
const waiting = new Map<string, Map<string, (() => void)[]>>();

/** Takes the first entry of a map. */
function takeFirst<Value>(map: Map<string, Value>): readonly [name: string, value: Value] | undefined {
  const [first] = map;
  if (first !== undefined) map.delete(first[0]);
  return first;
}

function takeTurn(): void {
  const [kind = "", payers = new Map<string, (() => void)[]>()] = takeFirst(waiting) ?? [];
  const [name = "", line = []] = takeFirst(payers) ?? [];
  const next = line.shift();
  if (line.length > 0) payers.set(name, line);
  if (payers.size > 0) waiting.set(kind, payers);
  if (waiting.size > 0) setImmediate(takeTurn);
  next?.();
}

/**
 * Lets everybody else have a turn of the event loop. Of all long work in the process one piece is done each turn, so
 * that many long requests hold up the others no longer than one. Those who pay for it have turns: one with much long work
 * makes nobody else's wait for more than one piece of it.
 *
 * @param payer the one that pays for the request, unless said
 */
export function nextTurn(payer = currentPayer()): Promise<void> {
  const { kind } = payer;
  const name = lineOf(payer);
  return new Promise((resolve) => {
    if (waiting.size === 0) setImmediate(takeTurn);
    const payers = waiting.get(kind);
    const line = payers?.get(name);
    if (line !== undefined) line.push(resolve);
    else if (payers !== undefined) payers.set(name, [resolve]);
    else waiting.set(kind, new Map([[name, [resolve]]]));
  });
}
