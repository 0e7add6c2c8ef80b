import { actorOf } from "../audit.ts";
import type { Caller } from "../caller.ts";
import { CREDENTIAL_ISSUER, type CredentialRole, subjectOfRole } from "../credential-role.ts";
import { requireCaveats } from "../issue/minting.ts";
import { allowedLife, mintToken } from "../issue/new-token.ts";
import type { RootKeys } from "../keys/root-keys.ts";
import { DomainError } from "../parts/error.ts";
import { MAX_TOKEN_LIFE } from "../parts/lifetimes.ts";
import { beginTimeSlice, type SliceClock } from "../parts/time-slice.ts";
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
   * @param caller undefined if the service itself issues, as at its first start
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
  readonly clock: SliceClock;
  readonly randomness: Randomness;
  readonly publicUrl: string;
}): ServiceCredentials {
  const { rootKeys, randomness } = options;
  return {
    async issueIn(repositories, caller, role, request) {
      const slice = beginTimeSlice(options.clock);
      await requireCaveats(request.caveats, "caveats", slice, "credential");
      const life = allowedLife(request.ttl, MAX_TOKEN_LIFE, MAX_TOKEN_LIFE);
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
      const { answer, token, event } = await mintToken({
        rootKey,
        principal,
        location: options.publicUrl,
        now,
        life,
        caveats: request.caveats,
        thirdParties: [],
        label: request.label,
        issuedBy: caller?.kind === "service" ? caller.credentialId : null,
        audit: {
          action: "credential.issued",
          actor: caller === undefined ? { kind: "service" } : actorOf(caller),
          platform: role.platform ?? null,
          details: { role: subjectOfRole(role) },
        },
        randomness,
        slice,
      });
      await repositories.tokens.insert(token);
      await repositories.audit.append([event]);
      return answer;
    },
  };
}
