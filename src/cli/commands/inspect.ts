import { type Command, TOKEN_OPTION } from "../command.ts";
import { EXIT } from "../exit.ts";
import { onlyWords, readToken } from "../input.ts";
import { inspectionLines } from "../show.ts";
import { printJson } from "../terminal.ts";

export const inspectCommand: Command = {
  name: "inspect",
  usage: "",
  summary: "show what a token says of itself, offline",
  options: TOKEN_OPTION,
  async run(invocation) {
    const { terminal, json } = invocation;
    onlyWords(invocation, 0);
    const seen = (await readToken(invocation)).inspect();
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
        verified: false,
      });
    } else {
      for (const line of inspectionLines(seen)) terminal.print(line);
    }
    return EXIT.done;
  },
};
