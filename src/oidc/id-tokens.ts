import type { Clock } from "../domain/ports/clock.ts";
import type { IdTokens } from "../domain/ports/identity.ts";
import { type GroupsClaim, USUAL_GROUPS_CLAIM } from "./groups-claim.ts";
import { readIdentity } from "./id-token-claims.ts";
import { parseIdToken } from "./id-token-parse.ts";
import { createIdTokenVerifier, type IdTokenVerifier } from "./id-token-verifier.ts";
import type { Fetch } from "./issuer-fetch.ts";
import { issuerName } from "./issuer-name.ts";
import { createIssuerSource, type IssuerTiming } from "./issuer-source.ts";
import { LOGIN_NONCE } from "./login-request.ts";

/** An issuer with ID tokens that are accepted. */
interface TrustedIssuer {
  /** Compared as text, character by character. */
  readonly issuer: string;
  /** Client ids; a token must be meant for one of them. */
  readonly audiences: readonly string[];
  /** Whether it is the development identity provider. */
  readonly development: boolean;
  /** Accept an http address of this machine. Implied by `development`. */
  readonly allowInsecureIssuer?: boolean;
  /** The tenants of an issuer of many that are let in, the service's own first. */
  readonly tenants?: readonly string[];
  /** The origin at which this service reaches the issuer, in place of the one that browsers use. */
  readonly backChannel?: string | undefined;
  /** The claim that holds the groups; `groups` unless said. */
  readonly groupsClaim?: GroupsClaim;
}

/** Options of {@link createIdTokens}. */
export interface IdTokensOptions {
  readonly issuers: readonly TrustedIssuer[];
  readonly clock: Clock;
  readonly fetch?: Fetch;
  readonly timing?: Partial<IssuerTiming>;
}

/**
 * ID tokens of the issuers that are trusted, as bearer credentials.
 *
 * No issuer is asked for anything before a token of it arrives, and a token can only cause requests to
 * the issuers of this list.
 *
 * @throws TypeError for an issuer that is no https address, is listed twice, or has no audience
 */
export function createIdTokens(options: IdTokensOptions): IdTokens {
  const { clock, fetch, timing } = options;
  const verifiers = new Map<
    string,
    {
      readonly verifier: IdTokenVerifier;
      readonly development: boolean;
      readonly groupsClaim: GroupsClaim;
    }
  >();
  for (const trusted of options.issuers) {
    const { issuer, audiences, development, allowInsecureIssuer = development } = trusted;
    const { groupsClaim = USUAL_GROUPS_CLAIM } = trusted;
    const name = issuerName(issuer, trusted.tenants);
    if ([...name.issuers.keys()].some((one) => verifiers.has(one))) {
      throw new TypeError("an issuer is listed twice");
    }
    if (audiences.length === 0) throw new TypeError("an issuer has no audience");
    const source = createIssuerSource({
      name,
      allowInsecureIssuer,
      backChannel: trusted.backChannel,
      clock,
      fetch,
      timing,
    });
    const verifier = createIdTokenVerifier({ name, audiences, source, clock });
    for (const one of name.issuers.keys()) verifiers.set(one, { verifier, development, groupsClaim });
  }

  return {
    async verify(text) {
      const parsed = parseIdToken(text);
      if (!parsed.ok) return parsed;
      const issuer = parsed.token.unverifiedClaims["iss"];
      const trusted = typeof issuer === "string" ? verifiers.get(issuer) : undefined;
      if (typeof issuer !== "string" || trusted === undefined) {
        return { ok: false, reason: "the iss claim does not name a trusted issuer" };
      }
      const { verifier, development, groupsClaim } = trusted;
      const verified = await verifier.verify(text, parsed.token);
      if (!verified.ok) return verified;
      if (String(verified.claims["nonce"]).startsWith(LOGIN_NONCE)) {
        return { ok: false, reason: "the ID token is that of a browser's login, which is no credential" };
      }
      const now = clock.now();
      const reading = readIdentity(verified.claims, { issuer, development, now, groupsClaim });
      const { issuedAt, expiresAt } = verified;
      return reading.ok ? { ...reading, issuedAt, expiresAt } : reading;
    },
  };
}
