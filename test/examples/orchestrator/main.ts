import { allow, type Token } from "bakehouse";

import { connect, tokenOfAlice } from "../connect.ts";

/** The next holder of each level, and what is left to it: every one can do less than the one above. */
const LEVELS = [
  ["planner", allow.tool("search", "fetch", "write")],
  ["researcher", allow.tool("search", "fetch")],
  ["reader", allow.tool("fetch")],
  ["extractor", allow.resource("repo:acme/**")],
  ["summariser", allow.resource("repo:acme/docs/**")],
] as const;
const BRANCHES = ["one", "two", "three", "four"];

/** An agent. Its token is all that it was given; it hands on a narrower one and asks nobody for it. */
interface Agent {
  readonly name: string;
  readonly token: Token;
}

function spawn(parent: Token, branch: string, level = 0): readonly Agent[] {
  const next = LEVELS[level];
  if (next === undefined) return [];
  const [name, limit] = next;
  const token = parent.delegate(name, { caveats: [limit], ttl: 900 });
  return [{ name: `${name} ${branch}`, token }, ...spawn(token, branch, level + 1)];
}

const CALL = { tool: "fetch", resource: "repo:acme/docs/start.md" };

const service = connect();
const orchestrator = (await tokenOfAlice(service)).delegate("orchestrator", { depth: LEVELS.length });
const branches = BRANCHES.map((branch) => spawn(orchestrator, branch));
const agents = branches.flat();
const [deepest] = branches.map((branch) => branch.at(-1));
console.log(`${agents.length} agents, ${LEVELS.length} levels deep, and nobody was asked for a token`);

/** Asks for a call of every agent at once, and shows a row for each branch. */
async function show(min_sequence?: string): Promise<void> {
  const verdicts = await service.verifyBatch(
    agents.map(({ token }) => ({
      token: token.encode(),
      context: CALL,
      ...(min_sequence !== undefined && { min_sequence }),
    })),
  );
  const marks = verdicts.map((verdict) =>
    "allowed" in verdict ? (verdict.allowed ? "allowed" : verdict.code) : "unanswered",
  );
  for (const [index, branch] of BRANCHES.entries()) {
    const row = marks.slice(index * LEVELS.length, (index + 1) * LEVELS.length);
    console.log(`  ${branch.padEnd(6)}${row.join("  ")}`);
  }
}

await show();

const seen = await service.verify({
  token: deepest?.token.encode() ?? "",
  context: CALL,
});
if (seen.allowed) console.log(seen.agents.map((agent) => agent.split("#")[0]).join(" > "));

// One of them was talked into something. The orchestrator holds the token that it gave away, which suffices to cut it off,
// with all agents below it: the service never saw any of them being made.
const lost = agents.find(({ name }) => name === "researcher two");
if (lost !== undefined) {
  const { sequence } = await service.revoke({ token: lost.token.encode() }, { reason: "prompt injection" });
  console.log(`${lost.name} is cut off`);
  await show(sequence);
}
