import { agentText } from "./caveat.ts";
import type { Condition } from "./condition.ts";

/** The agents that caveats name: each by its name, and again with its instance if it has one. */
export function agentsOf(conditions: readonly Condition[]): readonly string[] {
  const agents: string[] = [];
  for (const condition of conditions) {
    if (condition.state !== "known" || condition.caveat.kind !== "agent") continue;
    const { caveat } = condition;
    agents.push(caveat.name);
    if (caveat.instance !== undefined) agents.push(agentText(caveat));
  }
  return agents;
}

/** The trail of agents with their instances: the names that holders claim, in the order of the chain. */
export function agentTrail(conditions: readonly Condition[]): string[] {
  const agents: string[] = [];
  for (const condition of conditions) {
    if (condition.state === "known" && condition.caveat.kind === "agent") {
      agents.push(agentText(condition.caveat));
    }
  }
  return agents;
}

/**
 * How many conditions at the front of a discharge the service wrote, as far as the caveat tells that it puts behind its own;
 * none in a discharge of somebody else's.
 */
export function issuedInDischarge(conditions: readonly Condition[]): number {
  return (
    conditions.findIndex(
      (condition) => condition.state === "known" && condition.caveat.kind === "discharge_id",
    ) + 1
  );
}
