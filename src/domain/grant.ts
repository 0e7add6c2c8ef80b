import { DomainError } from "./parts/error.ts";
import type { Grant, SessionOwner } from "./ports/sessions.ts";
import type { Repositories } from "./ports/store.ts";

/** The reason, for the person, that their login has ended with a revocation. */
export const LOGIN_REVOKED = "tokens of this person were revoked after this login: log in again";

/** The refusal of a login that ended with a revocation. */
export function loginRevoked(): DomainError {
  return new DomainError("unauthenticated", LOGIN_REVOKED);
}

/** A caller's login, to be redeemed for a platform's tokens. @param platform null if none is known */
export function grantOf(
  { identity: { issuer, subject }, spokeAt }: { readonly identity: SessionOwner; readonly spokeAt: number },
  platform: string | null,
): Grant {
  return { issuer, subject, platform, spokeAt };
}

/**
 * Lets a login pass that still stands, as the last step of the transaction that redeems it. The
 * revocation log is held from here on until that is committed.
 *
 * @param refusal makes the refusal
 */
export async function requireStandingGrant(
  { revocations }: Pick<Repositories, "revocations">,
  grant: Grant,
  refusal: () => Error = loginRevoked,
): Promise<void> {
  if (await revocations.endsGrant(grant)) throw refusal();
}
