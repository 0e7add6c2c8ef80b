import { encodeBase64Url } from "../../macaroon/index.ts";
import type { Caller } from "../caller.ts";
import type { Revocation } from "../ports/revocations.ts";
import type { TokenWithPrincipal } from "../ports/tokens.ts";
import { authorKind, isOwnEntry, type RevokedBranch, toldReason } from "../revocation-facts.ts";

/**
 * The dead branches of a token's tree, as its owner may see them.
 *
 * @param entries that name the tree and can match it
 */
export function revokedBelow(
  caller: Caller,
  { token }: TokenWithPrincipal,
  entries: readonly Revocation[],
): readonly RevokedBranch[] {
  const whole = encodeBase64Url(token.revocationId);
  return entries.flatMap((entry): readonly RevokedBranch[] => {
    const { target, revokedAt } = entry;
    const facts = {
      revokedAt,
      by: authorKind(entry),
      reason: toldReason(caller, entry),
    };
    // As in its view of the log, a platform is told no agent's name that others revoked.
    if (target.kind === "agent" && caller.kind === "service" && !isOwnEntry(caller, entry)) return [];
    if (target.kind === "agent") return [{ target: { kind: "agent", agent: target.agent }, ...facts }];
    if (target.kind !== "revocation_id") return [];
    const revocationId = encodeBase64Url(target.id);
    // The token itself, and not a part of it.
    return revocationId === whole ? [] : [{ target: { kind: "link", revocationId }, ...facts }];
  });
}
