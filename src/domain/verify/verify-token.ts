import type { RootKey } from "../keys/root-keys.ts";
import { asPart } from "../parts/turn.ts";
import type { Principal } from "../ports/principals.ts";
import type { Principals } from "../principals.ts";
import type { RevocationKnowledge } from "../replica/revocation-knowledge.ts";
import type { RevocationSubject } from "../replica/revocation-subject.ts";
import type { VerifiedBundle } from "./verified-bundle.ts";
import { type BundleVerifier, type NotVerified, type Presented, UNKNOWN_KEY } from "./verify-bundle.ts";

/**
 * A token whose signatures are right, with the issuer's facts about it. It may have been revoked, it may be over, and
 * its caveats have not been cleared.
 */
export interface VerifiedToken extends VerifiedBundle {
  readonly rootKey: RootKey;
  readonly principal: Principal;
  /** The sentence that says why it counts as revoked; undefined if it does not. */
  readonly revoked: string | undefined;
}

/** The outcome of verifying a token. */
export type TokenVerification = { readonly ok: true; readonly token: VerifiedToken } | NotVerified;

/** Verifies presented tokens, and adds the principal and the revocations as they stand now. */
export interface TokenVerifier {
  /**
   * A token of another platform is as unknown as a made-up one.
   *
   * Rejects with `unavailable` if a key or a principal could not be looked up.
   *
   * @param text the token, alone or with its discharges behind it
   * @param discharges further discharges
   * @param platform the platform that asks
   */
  verify(text: string, discharges: readonly string[], platform: string): Promise<TokenVerification>;
  /** As `verify`, under the key of any platform. For holders, with possession as the only credential. */
  verifyAny(text: string): Promise<TokenVerification>;
  /** A token that was verified before, with its revocations as they stand now. */
  again(token: VerifiedToken): VerifiedToken;
}

/**
 * The facts that revocations are looked up by. A discharge's links and agents count like the root macaroon's: a call
 * that rests on a revoked link must not pass, in a discharge as little as in the root macaroon.
 */
export function subjectOf(token: VerifiedToken): RevocationSubject {
  return revocationSubject(token, token.rootKey, token.principal);
}

function revocationSubject(
  bundle: VerifiedBundle,
  rootKey: RootKey,
  principal: Principal,
): RevocationSubject {
  return {
    platform: rootKey.platform,
    issuer: principal.issuer,
    subject: principal.subject,
    principalId: principal.id,
    keyId: rootKey.id,
    tokenId: bundle.identifier.tokenId,
    issuedAt: bundle.issuedAt,
    approvals: bundle.approvals,
    agents: bundle.agents,
    revocationIds: bundle.revocationIds,
  };
}

/**
 * Makes a verifier of tokens.
 *
 * @param bundles verifies the signatures; it may remember bundles, and asks for the root key on every call
 * @param trustsDevelopment whether the development identity provider is the one in use
 */
export function createTokenVerifier(options: {
  readonly bundles: BundleVerifier;
  readonly principals: Pick<Principals, "find">;
  readonly knowledge: Pick<RevocationKnowledge, "isRevoked">;
  readonly trustsDevelopment: boolean;
}): TokenVerifier {
  const { bundles, principals, knowledge } = options;

  function revocationOf(bundle: VerifiedBundle, rootKey: RootKey, principal: Principal): string | undefined {
    if (knowledge.isRevoked(revocationSubject(bundle, rootKey, principal))) {
      return "the token, or one that it was narrowed from, has been revoked";
    }
    if (principal.development && !options.trustsDevelopment) {
      return "the token was issued to a principal of the development identity provider, which is not in use any more";
    }
    return undefined;
  }

  async function verify(presented: Presented): Promise<TokenVerification> {
    // What is there at once is not waited for: that would cost every request.
    const verifying = bundles.verify(presented);
    const verification = verifying instanceof Promise ? await verifying : verifying;
    if (!verification.ok) return verification;
    const { bundle, rootKey } = verification;
    // The identifier is under a signature of this service. A principal that is missing was lost with a database.
    const principal = await principals.find(bundle.identifier.principalId);
    if (principal === undefined || principal.platform !== rootKey.platform) return UNKNOWN_KEY;
    const revoked = revocationOf(bundle, rootKey, principal);
    return { ok: true, token: { ...bundle, rootKey, principal, revoked } };
  }

  return {
    verify: (text, discharges, platform) =>
      asPart("look up token", () => verify({ text, discharges, platform })),
    again: (token) => ({ ...token, revoked: revocationOf(token, token.rootKey, token.principal) }),
    verifyAny: (text) => asPart("look up token", () => verify({ text, discharges: [], platform: undefined })),
  };
}
