/** The names that chains carry, and how much of a discharge the service wrote. */
import { expect, test } from "vitest";

import { agentsOf, agentTrail, issuedInDischarge } from "../../src/caveats/agents.ts";
import { thirdParty } from "../../src/caveats/condition.ts";
import { compiled } from "./texts.ts";

const CHAIN = compiled([
  "agent = planner",
  "action = read",
  "agent = researcher#k3J9",
  "agent = no name",
  thirdParty("https://auth.example"),
  "agent = planner",
]);

test("the agents of a chain are found by their names, and by their instances too", () => {
  expect(agentsOf(CHAIN)).toEqual(["planner", "researcher", "researcher#k3J9", "planner"]);
  expect(agentsOf([])).toEqual([]);
});

test("the trail of a chain is one text for each hand-over", () => {
  expect(agentTrail(CHAIN)).toEqual(["planner", "researcher#k3J9", "planner"]);
});

test.each([
  { chain: ["approval = a1", "bh.discharge = d1", "uses <= 1"], issued: 2 },
  { chain: ["bh.discharge = d1"], issued: 1 },
  { chain: ["approval = a1", "bh.other = d1"], issued: 0 },
  { chain: ["approval = a1", thirdParty("bh.discharge = d1")], issued: 0 },
  { chain: [], issued: 0 },
])("of the discharge $chain the service wrote $issued", ({ chain, issued }) => {
  expect(issuedInDischarge(compiled(chain))).toBe(issued);
});
