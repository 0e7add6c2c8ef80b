import type { Inspection, Verdict } from "../../client/index.ts";
import { type Command, type Invocation, SERVICE_OPTIONS, TOKEN_OPTION } from "../command.ts";
import { readContext } from "../context.ts";
import { EXIT } from "../exit.ts";
import { onlyWords, readToken } from "../input.ts";
import { connect } from "../service.ts";
import { budgetRows, columns, inspectionLines, verdictLines } from "../show.ts";
import { printJson } from "../terminal.ts";

/** The units of all that a token may spend. A call that costs nothing of them is asked about. */
function freeOfCost({ caveats, discharges }: Inspection): Readonly<Record<string, string>> {
  const texts = [...caveats.map(({ text }) => text), ...discharges.flatMap((discharge) => discharge.caveats)];
  const units = texts.flatMap((text) => /^spend\.([^ ]+) <= /.exec(text)?.[1] ?? []);
  return Object.fromEntries(units.map((unit) => [unit, "0"]));
}

async function askWhatIsLeft(invocation: Invocation, token: string, seen: Inspection): Promise<Verdict> {
  const client = await connect(invocation);
  const context = readContext(invocation.positionals);
  return client.verify(
    { token, context, cost: freeOfCost(seen), dry_run: true },
    { signal: invocation.terminal.signal },
  );
}

function leftLines(verdict: Verdict | undefined): readonly string[] {
  if (verdict === undefined) return [];
  if (!verdict.allowed) return ["", ...verdictLines(verdict)];
  return verdict.budgets.length === 0 ? ["no budgets"] : columns(budgetRows(verdict.budgets));
}

export const inspectCommand: Command = {
  name: "inspect",
  usage: "[--left [NAME=VALUE…]]",
  summary: "show what a token says of itself, offline",
  details: [
    "With --left, asks the service what is left of each budget, for a call of name=value words that would cost nothing. Nothing is counted. Ends with 3 where the token does not allow such a call: then it says why.",
  ],
  options: {
    ...TOKEN_OPTION,
    ...SERVICE_OPTIONS,
    left: { type: "boolean", help: "ask the service what is left of each budget" },
  },
  async run(invocation) {
    const { terminal, json } = invocation;
    const asks = invocation.flag("left");
    if (!asks) onlyWords(invocation, 0);
    const token = await readToken(invocation);
    const seen = token.inspect();
    const verdict = asks ? await askWhatIsLeft(invocation, token.encode(), seen) : undefined;
    if (json) {
      printJson(terminal, {
        format: seen.format,
        ...(seen.identifier && {
          token_id: seen.identifier.tokenId,
          key_id: seen.identifier.keyId,
          principal_id: seen.identifier.principalId,
          issued_at: seen.identifier.issuedAt.toISOString(),
          issued_caveats: seen.identifier.issuedCaveats,
        }),
        location: seen.location ?? null,
        expires_at: seen.expiresAt?.toISOString() ?? null,
        expired: seen.isExpired,
        summary: seen.summary,
        agents: seen.agents,
        caveats: seen.caveats,
        revocation_id: seen.revocationId,
        discharges: seen.discharges.map(({ ticket, caveats, revocationId }) => ({
          ticket,
          caveats,
          revocation_id: revocationId,
        })),
        undischarged: seen.undischarged,
        warnings: seen.warnings,
        size: seen.size,
        verified: verdict?.allowed === true,
        ...(verdict && { verdict }),
      });
    } else {
      const lines = inspectionLines(seen);
      // The last says that nobody has looked at it.
      for (const line of verdict?.allowed === true ? lines.slice(0, -1) : lines) terminal.print(line);
      for (const line of leftLines(verdict)) terminal.print(line);
    }
    return verdict === undefined || verdict.allowed ? EXIT.done : EXIT.refused;
  },
};
