import { guardTool, rate, spend, type Token, ToolRefusedError } from "bakehouse";

import { connect, tokenOfAlice } from "../connect.ts";
import { model } from "./model.ts";

const service = connect();

// Charged at the most that a call can take, before it is made; what it did not take is given back.
const ask = guardTool(service, "ask", model, {
  cost: ({ prompt, most }) => ({ tokens: prompt.length + most }),
  settle: {
    service,
    spent: ({ usage }) => ({ tokens: usage }),
    onUnsettled: (error) => console.error("stays charged:", error),
  },
});

async function attempt(name: string, token: Token, prompt: string): Promise<void> {
  try {
    const { text, usage } = await ask({ prompt, most: 500 }, { token: token.encode() });
    console.log(`${name}: "${text}", ${usage} tokens, ${await left(token)}`);
  } catch (error) {
    if (!(error instanceof ToolRefusedError)) throw error;
    const [failure] = error.verdict.failures;
    console.log(`${name}: ${error.verdict.code} ${failure?.caveat}, ${await left(token)}`);
  }
}

/** What is left of each budget. Asking counts nothing. */
async function left(token: Token): Promise<string> {
  const question = { token: token.encode(), context: { tool: "ask" }, cost: { tokens: 0 }, dry_run: true };
  const verdict = await service.verify(question);
  const budgets = verdict.allowed ? verdict.budgets : [];
  return budgets.length === 0
    ? "no call is left"
    : budgets.map(({ caveat, remaining }) => `${remaining} left of ${caveat}`).join(", ");
}

// A thousand tokens for all of them together; each child has less, and nobody registers a child.
const orchestrator = (await tokenOfAlice(service)).delegate("orchestrator", {
  caveats: [spend("tokens", 1000)],
});
const writer = orchestrator.delegate("writer", { caveats: [rate(2, "h")] });
const critic = orchestrator.delegate("critic", { caveats: [spend("tokens", 700)] });

await attempt("writer", writer, "Write about bread");
await attempt("writer", writer, "Write about cake");
await attempt("writer", writer, "Write about tea");
await attempt("critic", critic, "Say what is wrong with this bread");
await attempt("critic", critic, "Say what is wrong with this cake");
await attempt("critic", critic, "Say what is wrong with this tea");
