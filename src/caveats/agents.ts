import { agentText } from "./caveat.ts";
import type { Condition } from "./condition.ts";

/** The agents that caveats name, each by its name and, where there is one, with its instance. */
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
