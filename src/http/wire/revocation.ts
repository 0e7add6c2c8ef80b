import { z } from "zod";

import type { RevocationTarget } from "../../domain/ports/revocations.ts";
import type { RevocationView, RevokeRequest, RevokeTarget } from "../../domain/service.ts";
import { toBase64url } from "./base64url.ts";
import { instant, lineOfText, opaqueId, printInstant, revocationId, sequence, tokenId } from "./text.ts";

const byRevocationId = z.strictObject({ revocation_id: revocationId });
const byTokenId = z.strictObject({ token_id: tokenId });

const target = z
  .union(
    [
      z.strictObject({
        token: z.string().min(1).meta({
          description: "The macaroon itself. Holding it suffices: no other credential is asked.",
        }),
      }),
      byRevocationId,
      byTokenId,
    ],
    { error: "must be an object with exactly one of token, revocation_id and token_id" },
  )
  .meta({
    id: "RevocationTarget",
    description:
      "What to revoke. `token` or `revocation_id`: that link and everything below it. `token_id`: a root macaroon's whole tree.",
  });

/** What to revoke, and why. */
export const revokeRequestSchema = z
  .strictObject({
    targets: z.array(target).min(1).max(10_000),
    reason: lineOfText(500).optional().meta({ description: "For the record. Readers of the log see it." }),
  })
  .meta({ id: "RevokeRequest" });

/** An entry of the log, as answers write it. */
export const revocationSchema = z
  .strictObject({
    id: opaqueId,
    target: z
      .union([byRevocationId, byTokenId])
      .meta({ description: "As it was asked for; a `token` is named by its revocation id, never repeated." }),
    revoked_at: instant,
    sequence,
    reason: z.string().optional(),
    scope: z.enum(["all", "platform", "principal", "link"]).meta({
      description:
        "Within what it matches: everywhere (an administrator's), the author's platform, the author's own tokens, or that link (a holder's).",
    }),
  })
  .meta({ id: "Revocation", description: "An entry of the revocation log." });

/** Reads what to revoke. */
export function revokeRequest(body: z.infer<typeof revokeRequestSchema>): RevokeRequest {
  return { targets: body.targets.map(targetOf), reason: body.reason };
}

function targetOf(read: z.infer<typeof target>): RevokeTarget {
  if ("token" in read) return { kind: "token", token: read.token };
  if ("token_id" in read) return { kind: "token_id", tokenId: read.token_id };
  return { kind: "revocation_id", revocationId: read.revocation_id };
}

/** Writes an entry of the log. */
export function revocationWire(view: RevocationView): z.infer<typeof revocationSchema> {
  const { id, revokedAt, reason, scope, target: revoked } = view.revocation;
  return {
    id,
    target: targetWire(revoked),
    revoked_at: printInstant(revokedAt),
    sequence: view.sequence,
    ...(reason === null ? {} : { reason }),
    scope: scope.kind,
  };
}

function targetWire(revoked: RevocationTarget) {
  switch (revoked.kind) {
    case "revocation_id":
      return { revocation_id: toBase64url(revoked.id) };
    case "token_id":
      return { token_id: revoked.id };
    default:
      return revoked satisfies never;
  }
}
