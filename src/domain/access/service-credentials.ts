import { expiryOfNew } from "../../caveats/expiry.ts";
import { actorOf, auditEvent } from "../audit.ts";
import type { Caller } from "../caller.ts";
import { CREDENTIAL_ISSUER, type CredentialRole, subjectOfRole } from "../credential-role.ts";
import { mintRoot, requireCaveats } from "../issue/minting.ts";
import { describeToken } from "../issue/token-views.ts";
import type { RootKeys } from "../keys/root-keys.ts";
import { DomainError } from "../parts/error.ts";
import { MAX_TOKEN_LIFE } from "../parts/lifetimes.ts";
import { uuidv7 } from "../parts/uuid.ts";
import type { Actor } from "../ports/audit.ts";
import { SERVICE_PLATFORM } from "../ports/platforms.ts";
import type { Randomness } from "../ports/randomness.ts";
import type { Repositories } from "../ports/store.ts";
import { newPrincipal } from "../principals.ts";
import type { IssuedToken } from "../service.ts";

/** Issues macaroons of the service's own API. */
export interface ServiceCredentials {
  /**
   * Issues one in the caller's transaction.
   *
   * @param caller undefined where the service itself asks, as at its first start
   */
  issueIn(
    repositories: Repositories,
    caller: Caller | undefined,
    role: CredentialRole,
    request: {
      readonly ttl: number | undefined;
      readonly caveats: readonly string[];
      readonly label: string | undefined;
    },
  ): Promise<IssuedToken>;
}

export function createServiceCredentials(options: {
  readonly rootKeys: RootKeys;
  readonly randomness: Randomness;
  readonly publicUrl: string;
}): ServiceCredentials {
  const { rootKeys, randomness } = options;
  return {
    async issueIn(repositories, caller, role, request) {
      requireCaveats(request.caveats, "caveats");
      const life = request.ttl === undefined ? MAX_TOKEN_LIFE : request.ttl * 1000;
      if (life > MAX_TOKEN_LIFE) {
        throw new DomainError(
          "ttl_too_long",
          `at most ${MAX_TOKEN_LIFE / 1000} seconds are allowed here`,
          "ttl",
        );
      }
      const now = await repositories.now();
      const rootKey = rootKeys.signing(SERVICE_PLATFORM, now);
      if (rootKey === undefined)
        throw new DomainError("unavailable", "this service has no signing key of its own yet");
      const principal = await repositories.principals.ensure(
        newPrincipal(randomness, now, {
          platform: SERVICE_PLATFORM,
          issuer: CREDENTIAL_ISSUER,
          subject: subjectOfRole(role),
          email: null,
          assertedBy: "issuer",
          development: false,
        }),
      );
      const tokenId = uuidv7(now, randomness);
      const expiresAt = expiryOfNew(request.caveats, now, life);
      const minted = mintRoot({
        rootKey,
        identifier: { tokenId, principalId: principal.id },
        location: options.publicUrl,
        endsAt: now + life,
        caveats: request.caveats,
        thirdParties: [],
        randomness,
      });
      const token = {
        id: tokenId,
        platform: SERVICE_PLATFORM,
        keyId: rootKey.id,
        principalId: principal.id,
        revocationId: minted.revocationId,
        issuedAt: now,
        expiresAt,
        caveats: minted.caveats,
        label: request.label ?? null,
        issuedBy: caller?.kind === "service" ? caller.credentialId : null,
      };
      await repositories.tokens.insert(token);
      const actor: Actor = caller === undefined ? { kind: "service" } : actorOf(caller);
      const details = { token_id: tokenId, role: subjectOfRole(role), expires_at: expiresAt };
      const event = { action: "credential.issued", actor, platform: role.platform ?? null, details } as const;
      await repositories.audit.append([auditEvent(randomness, now, event)]);
      return { token: minted.token, ...describeToken({ token, principal }, now) };
    },
  };
}
