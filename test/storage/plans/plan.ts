import { z } from "zod";

/** One step of a plan, and what it did when it ran. */
interface Node {
  readonly type: string;
  readonly relation: string | undefined;
  /** Rows that it looked at, over all its runs: those it handed on and those it threw away. */
  readonly touched: number;
}

/** A statement as the server carried it out. */
export interface Plan {
  readonly statement: string;
  readonly cost: number;
  readonly nodes: readonly Node[];
  /** Whether parts of it were compiled first. */
  readonly compiled: boolean;
}

const nodeSchema = z.looseObject({
  "Node Type": z.string(),
  "Relation Name": z.string().optional(),
  "Index Name": z.string().optional(),
  "Total Cost": z.number(),
  "Actual Rows": z.number().default(0),
  "Actual Loops": z.number().default(0),
  "Rows Removed by Filter": z.number().default(0),
  "Rows Removed by Index Recheck": z.number().default(0),
  Plans: z.array(z.unknown()).default([]),
});

const planSchema = z.looseObject({
  "Query Text": z.string(),
  Plan: z.unknown(),
  JIT: z.unknown().optional(),
});

/** Reads what the module `auto_explain` has written to a server's log, statements inside functions included. */
export function readPlans(log: string): readonly Plan[] {
  return [...log.matchAll(/LOG: {2}duration: [\d.]+ ms {2}plan:\n((?:\t.*\n)+)/g)].map(([, text = ""]) => {
    const { "Query Text": statement, Plan: plan, JIT } = planSchema.parse(JSON.parse(text));
    const cost = nodeSchema.parse(plan)["Total Cost"];
    return { statement, cost, nodes: nodesOf(plan), compiled: JIT !== undefined };
  });
}

function nodesOf(value: unknown): readonly Node[] {
  const node = nodeSchema.parse(value);
  const rows = node["Actual Rows"] + node["Rows Removed by Filter"] + node["Rows Removed by Index Recheck"];
  const own = {
    type: [node["Node Type"], node["Index Name"]].filter(Boolean).join(" by "),
    relation: node["Relation Name"],
    touched: Math.round(rows * node["Actual Loops"]),
  };
  return [own, ...node.Plans.flatMap(nodesOf)];
}
