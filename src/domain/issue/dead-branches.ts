import { encodeBase64Url } from "../../macaroon/index.ts";
import type { Caller } from "../caller.ts";
import { authorKind, covers } from "../parts/revocation-author.ts";
import type { Revocation } from "../ports/revocations.ts";
import type { TokenWithPrincipal } from "../ports/tokens.ts";
import type { RevokedBranch } from "../service.ts";

/** Whether the asker's own side wrote an entry: its reason is for nobody else. */
function isOwn(caller: Caller, { scope }: Revocation): boolean {
  if (caller.kind === "service") {
    return caller.role === "administrator" || ("platform" in scope && scope.platform === caller.platform);
  }
  const { issuer, subject } = caller.identity;
  return (
    caller.administrator ||
    (scope.kind === "principal" && scope.issuer === issuer && scope.subject === subject)
  );
}

/**
 * The dead branches of a token's tree, as its owner may see them.
 *
 * @param entries that name the tree. Anybody can name it: those of a foreign scope kill nothing, and are not told
 */
export function revokedBelow(
  caller: Caller,
  { token, principal }: TokenWithPrincipal,
  entries: readonly Revocation[],
): readonly RevokedBranch[] {
  const { issuer, subject } = principal;
  const whole = encodeBase64Url(token.revocationId);
  return entries.flatMap((entry): readonly RevokedBranch[] => {
    const { scope, target, revokedAt } = entry;
    if (!covers(scope, { platform: token.platform, issuer, subject })) return [];
    const facts = { revokedAt, by: authorKind(entry), reason: isOwn(caller, entry) ? entry.reason : null };
    if (target.kind === "agent") return [{ target: { kind: "agent", agent: target.agent }, ...facts }];
    if (target.kind !== "revocation_id") return [];
    const revocationId = encodeBase64Url(target.id);
    // The token itself, and not a part of it.
    return revocationId === whole ? [] : [{ target: { kind: "link", revocationId }, ...facts }];
  });
}
