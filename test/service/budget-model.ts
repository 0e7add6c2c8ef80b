import { expect } from "vitest";

import type { Decimal } from "../../src/caveats/values/decimal.ts";
import { readDecimal } from "../../src/caveats/values/decimal.ts";
import { DomainError } from "../../src/domain/parts/error.ts";
import { question } from "../support/question.ts";
import { type InProcessReplica, platformCaller } from "../support/replica.ts";
import { linkOf, narrow } from "../support/service-macaroons.ts";

/** A budget of the tree, and what a plain account of it says; in hundredths. */
export interface Counter {
  readonly caveat: string;
  readonly unit: string | undefined;
  readonly most: number;
  /** The token that ends with it: its link is the counter's. */
  readonly token: string;
  used: number;
}

/** A token of the tree, and the budgets at or above it, from the root on. */
export interface Node {
  readonly token: string;
  readonly counters: readonly Counter[];
}

/** A budget that a holder writes: of a unit, or of uses where there is none. */
export interface Written {
  readonly unit: string | undefined;
  /** Hundredths. */
  readonly most: number;
}

/** A token that is narrowed from an earlier one. */
export interface Narrowed {
  readonly parent: number;
  readonly budgets: readonly Written[];
}

/** Hundredths, by unit. */
export type Cost = Readonly<Record<string, number>>;

export const UNITS = ["A", "B"] as const;

const text = (hundredths: number) => String(hundredths / 100);

/** The tree below a token, which comes first. */
export function plant(root: Node, tree: readonly Narrowed[]): readonly Node[] {
  const nodes = [root];
  for (const [at, { parent, budgets }] of tree.entries()) {
    const above = nodes[parent % nodes.length] ?? expect.fail("no parent");
    let token = narrow(above.token, `agent = n#${at}`);
    const own = budgets.map(({ unit, most }): Counter => {
      const caveat =
        unit === undefined ? `uses <= ${Math.ceil(most / 100)}` : `spend.${unit} <= ${text(most)}`;
      token = narrow(token, caveat);
      return { caveat, unit, most: unit === undefined ? Math.ceil(most / 100) * 100 : most, token, used: 0 };
    });
    nodes.push({ token, counters: [...above.counters, ...own] });
  }
  return nodes;
}

export function amounts(cost: Cost): ReadonlyMap<string, Decimal> {
  return new Map(Object.entries(cost).map(([unit, amount]) => [unit, readDecimal(text(amount)) as Decimal]));
}

/** What one call takes of a counter. */
export const takes = ({ unit }: Counter, cost: Cost): number =>
  unit === undefined ? 100 : (cost[unit] ?? 0);

export interface Asked {
  readonly node: Node;
  readonly cost: Cost;
  readonly dry?: boolean;
  readonly reserve?: boolean;
  readonly chargeId?: string | undefined;
}

/** An answer of a replica, as far as it is about budgets. */
export type Answer =
  | {
      readonly kind: "allowed";
      readonly left: readonly string[];
      readonly repeated: boolean;
      readonly reservation: string | undefined;
    }
  /** What is left of each budget that would not do, by caveat. */
  | { readonly kind: "refused"; readonly short: readonly (readonly [string, string | undefined])[] }
  | { readonly kind: "mismatched" };

export async function ask(
  replica: InProcessReplica,
  { node, cost, dry, reserve, chargeId }: Asked,
): Promise<Answer> {
  const { decisions } = replica.composed.service;
  const asked = question(node.token, {
    cost: amounts(cost),
    dryRun: dry === true,
    reserve: reserve === true ? 600 : undefined,
    chargeId,
  });
  try {
    const verdict = await decisions.decide(platformCaller("default"), asked);
    if (verdict.allowed) {
      const { budgets, repeated = false, reservation } = verdict;
      return {
        kind: "allowed",
        left: budgets.map(({ remaining }) => remaining),
        repeated,
        reservation: reservation?.id,
      };
    }
    expect(verdict.code).toBe("budget_exhausted");
    return { kind: "refused", short: verdict.failures.map(({ caveat, remaining }) => [caveat, remaining]) };
  } catch (error) {
    if (error instanceof DomainError && error.code === "charge_mismatch") return { kind: "mismatched" };
    throw error;
  }
}

/** What a plain account says of a call, which it charges. The reservation's id is the replica's to say. */
export function account({ node: { counters }, cost, dry }: Asked): Answer {
  const short = counters.filter((counter) => counter.used + takes(counter, cost) > counter.most);
  if (short.length > 0) {
    return { kind: "refused", short: short.map(({ caveat, most, used }) => [caveat, text(most - used)]) };
  }
  if (dry !== true) for (const counter of counters) counter.used += takes(counter, cost);
  return { kind: "allowed", left: leftOf(counters), repeated: false, reservation: undefined };
}

export const leftOf = (counters: readonly Counter[]): readonly string[] =>
  counters.map(({ most, used }) => text(most - used));

/** Takes the rest of a reservation back from the account. */
export function giveBack({ node, cost }: Asked, spent: Cost): void {
  for (const counter of node.counters) {
    if (counter.unit !== undefined) counter.used -= takes(counter, cost) - (spent[counter.unit] ?? 0);
  }
}

/** Compares what the database has counted with the account, and with what each caveat says. */
export function compare(nodes: readonly Node[], usedBy: (token: string) => number): void {
  for (const counter of new Set(nodes.flatMap(({ counters }) => counters))) {
    const used = Math.round(usedBy(counter.token) * 100);
    expect({ caveat: counter.caveat, link: linkOf(counter.token), used }).toEqual({
      caveat: counter.caveat,
      link: linkOf(counter.token),
      used: counter.used,
    });
    expect(used).toBeLessThanOrEqual(counter.most);
  }
}
