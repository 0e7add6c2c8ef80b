import { AsyncLocalStorage } from "node:async_hooks";

import type { PartName, Span } from "../ports/span.ts";
import { createNestedLanes } from "./nested-lanes.ts";
import { networkOf } from "./network.ts";

/** Those for whom long work is done: each kind has turns, and in each kind each name. */
export interface Payer {
  readonly kind: "service" | "shared" | "administrator" | "platform" | "person" | "network";
  readonly name: string;
}

/** The payer of a request, from its beginning to its end: a network, until the caller is known. */
export interface Bill {
  payer: Payer;
  /** Records the request for the operator; most have none. */
  span?: Span | undefined;
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

/** The record of the work that is being done; undefined if it is not recorded. Work for several callers at once is nobody's. */
export function currentSpan(): Span | undefined {
  return bills.getStore()?.span;
}

/** Does some work as a part of the request that is recorded, and simply does it if none is. */
export function asPart<Result>(name: PartName, work: () => Promise<Result>): Promise<Result> {
  const bill = bills.getStore();
  const span = bill?.span?.begin(name);
  if (bill === undefined || span === undefined) return work();
  const part: Bill = {
    // The payer may become known while it is done.
    get payer() {
      return bill.payer;
    },
    span,
  };
  return bills.run(part, work).then(
    (result) => {
      span.end();
      return result;
    },
    (error: unknown) => {
      span.end(true);
      throw error;
    },
  );
}

/** A name that no two payers share, but for the addresses of one network. @param payer the one that pays for the request, unless said */
export function payerName(payer = currentPayer()): string {
  return JSON.stringify([payer.kind, lineOf(payer)]);
}

function lineOf({ kind, name }: Payer): string {
  return kind === "network" ? networkOf(name) : name;
}

/** Does work for several callers at once, which none of them pays for alone. */
export function sharedByAll<Result>(work: () => Result): Result {
  return bills.run(SHARED, work);
}

/** Work that waits for its turn: by kind of payer, then by payer. @param later calls once what else is to be done has been done */
function createQueue(later: (takeTurn: () => void) => unknown): (payer: Payer) => Promise<void> {
  const waiting = createNestedLanes<() => void>();

  function takeTurn(): void {
    const next = waiting.first();
    waiting.shift();
    if (waiting.first() !== undefined) later(takeTurn);
    next?.();
  }

  return (payer) =>
    new Promise((resolve) => {
      if (waiting.first() === undefined) later(takeTurn);
      waiting.add([payer.kind, lineOf(payer)], resolve);
    });
}

const longWork = createQueue(setImmediate);

/** Milliseconds between two pieces of what nobody waits for. */
const IDLY = 8;

const idleWork = createQueue((takeTurn) => setTimeout(takeTurn, IDLY));

/**
 * Lets everybody else have a turn of the event loop. Of all long work in the process one piece is done each turn, so
 * that many long requests hold up the others no longer than one. Those who pay for it have turns: one with much long work
 * makes nobody else's wait for more than one piece of it.
 *
 * @param payer the one that pays for the request, unless said
 */
export function nextTurn(payer = currentPayer()): Promise<void> {
  return longWork(payer);
}

/**
 * As {@link nextTurn}, for work whose result nobody waits for, such as to read what has been refused: of it all a piece is
 * done every eight milliseconds, so that a flood of it costs the others little.
 */
export function idleTurn(payer: Payer): Promise<void> {
  return idleWork(payer);
}
