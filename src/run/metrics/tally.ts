import {
  type ChargeOutcome,
  type Decision,
  type DecisionCode,
  ISSUED_HOW,
  type IssuedHow,
  type Meter,
} from "../../domain/ports/meter.ts";
import type { RequestMeter } from "../../http/log/request-meter.ts";
import { REFUSAL_CODES } from "../../words/refusal-codes.ts";
import { FAMILIES } from "./families.ts";
import { type Buckets, createBuckets, type Reported, reported, single } from "./samples.ts";

/** What stands for a route, a method and a statement that is not known, so that nobody can make labels. */
const UNKNOWN_ROUTE = "unknown";
const OTHER_METHOD = "other";
const OTHER_STATEMENT = "other";

const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/** Names that are told apart: more than the code has, which is what makes them. */
const MOST_ROUTES = 300;
const MOST_STATEMENTS = 500;

/** Statuses have three digits, and the method stands before them. */
const METHOD = 1_000;

const CHARGES: readonly ChargeOutcome[] = ["charged", "exhausted", "repeated", "failed"];

/** All that is counted on the way of requests. */
export interface Tally extends Meter, RequestMeter {
  /** @param operation a name that the code has */
  queried(operation: string, milliseconds: number): void;
  /** All numbers so far. */
  report(): readonly Reported[];
}

interface OfRoute {
  readonly duration: Buckets;
  /** By method and status. */
  readonly counts: Map<number, number>;
}

/** Finds the entry of a name, or makes it; beyond `most` of them all others are one. */
function entry<T>(map: Map<string, T>, name: string, most: number, other: string, make: () => T): T {
  const known = map.get(name);
  if (known !== undefined) return known;
  const key = map.size < most ? name : other;
  const found = map.get(key) ?? make();
  map.set(key, found);
  return found;
}

/** Counts in plain numbers: what a library takes to count would be a part of the cost of a verify. */
export function createTally(): Tally {
  const routes = new Map<string, OfRoute>();
  const statements = new Map<string, Buckets>();
  const verify = createBuckets(FAMILIES.verifyDuration);
  const propagation = createBuckets(FAMILIES.propagation);
  const refused = new Map<DecisionCode, number>(REFUSAL_CODES.map((code) => [code, 0]));
  const unanswered = new Map<DecisionCode, number>([["unavailable", 0]]);
  const issued = new Map<IssuedHow, number>(ISSUED_HOW.map((how) => [how, 0]));
  const charges = new Map(CHARGES.map((outcome) => [outcome, 0]));
  let allowed = 0;
  let hits = 0;
  let misses = 0;
  let auditFailures = 0;

  const newRoute = (): OfRoute => ({ duration: createBuckets(FAMILIES.requestDuration), counts: new Map() });
  const newStatement = () => createBuckets(FAMILIES.queryDuration);

  function add<Key>(counts: Map<Key, number>, key: Key): void {
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }

  const decisions = (decision: Decision, counts: ReadonlyMap<DecisionCode, number>) =>
    [...counts].map(([code, value]) => ({ value, labels: { decision, code } }));

  return {
    verified(decision, code, milliseconds) {
      if (milliseconds !== undefined) verify.observe(milliseconds);
      if (decision === "allowed") allowed += 1;
      else add(decision === "refused" ? refused : unanswered, code);
    },
    lookedUp(found) {
      if (found) hits += 1;
      else misses += 1;
    },
    issued: (how) => add(issued, how),
    charged: (outcome) => add(charges, outcome),
    auditFailed() {
      auditFailures += 1;
    },
    learned: propagation.observe,

    answered(route, method, status, milliseconds) {
      const one = entry(routes, route ?? UNKNOWN_ROUTE, MOST_ROUTES, UNKNOWN_ROUTE, newRoute);
      one.duration.observe(milliseconds);
      add(one.counts, METHODS.indexOf(method) * METHOD + status);
    },
    queried(operation, milliseconds) {
      entry(statements, operation, MOST_STATEMENTS, OTHER_STATEMENT, newStatement).observe(milliseconds);
    },

    report: () => [
      reported(FAMILIES.verify, [
        { value: allowed, labels: { decision: "allowed", code: "none" } },
        ...decisions("refused", refused),
        ...decisions("unanswered", unanswered),
      ]),
      reported(FAMILIES.verifyDuration, verify.samples({})),
      reported(
        FAMILIES.requests,
        [...routes].flatMap(([route, { counts }]) =>
          [...counts].map(([key, value]) => {
            // A method that is not among them stands at -1.
            const at = Math.floor(key / METHOD);
            const labels = { route, method: METHODS[at] ?? OTHER_METHOD, status: String(key - at * METHOD) };
            return { value, labels };
          }),
        ),
      ),
      reported(
        FAMILIES.requestDuration,
        [...routes].flatMap(([route, { duration }]) => duration.samples({ route })),
      ),
      reported(FAMILIES.propagation, propagation.samples({})),
      single(FAMILIES.cacheHits, hits),
      single(FAMILIES.cacheMisses, misses),
      reported(
        FAMILIES.issued,
        [...issued].map(([how, value]) => ({ value, labels: { how } })),
      ),
      reported(
        FAMILIES.charges,
        [...charges].map(([outcome, value]) => ({ value, labels: { outcome } })),
      ),
      single(FAMILIES.auditFailures, auditFailures),
      reported(
        FAMILIES.queryDuration,
        [...statements].flatMap(([statement, duration]) => duration.samples({ statement })),
      ),
    ],
  };
}
