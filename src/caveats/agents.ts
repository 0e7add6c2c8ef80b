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
