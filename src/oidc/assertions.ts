import type { Clock } from "../domain/ports/clock.ts";
import type { Assertions, IssuerKind } from "../domain/ports/identity.ts";
import type { GroupsClaim } from "./groups-claim.ts";
import { readIdentity } from "./id-token-claims.ts";
import { parseSignedToken } from "./id-token-parse.ts";
import { createSignatureVerifier, type SignatureVerifier } from "./id-token-verifier.ts";
import type { Fetch } from "./issuer-fetch.ts";
import { issuerName } from "./issuer-name.ts";
import { createIssuerSource, type IssuerTiming } from "./issuer-source.ts";

/** An issuer that is trusted with assertions of a kind. */
interface AssertingIssuer {
  /** Compared as text, character by character. */
  readonly issuer: string;
  readonly kind: Exclude<IssuerKind, "person">;
  readonly groupsClaim: GroupsClaim;
  /** Accept an http address of this machine. */
  readonly allowInsecureIssuer: boolean;
}

interface Trusted {
  readonly kinds: Set<IssuerKind>;
  readonly groupsClaim: GroupsClaim;
  readonly signatures: SignatureVerifier;
}

/**
 * Assertions of the issuers that are trusted with them: taken apart, and held against the issuer's keys as ID tokens are. The
 * claims are judged by the domain.
 *
 * @throws TypeError for an issuer that is no acceptable address
 */
export function createAssertions(options: {
  readonly issuers: readonly AssertingIssuer[];
  readonly clock: Clock;
  readonly fetch?: Fetch;
  readonly timing?: Partial<IssuerTiming>;
}): Assertions {
  const { clock, fetch, timing } = options;
  const issuers = new Map<string, Trusted>();
  for (const { issuer, kind, groupsClaim, allowInsecureIssuer } of options.issuers) {
    const before = issuers.get(issuer);
    before?.kinds.add(kind);
    if (before !== undefined) continue;
    const name = issuerName(issuer);
    const source = createIssuerSource({ name, allowInsecureIssuer, clock, fetch, timing });
    const signatures = createSignatureVerifier(source, name);
    issuers.set(issuer, { kinds: new Set([kind]), groupsClaim, signatures });
  }

  return {
    open(text) {
      const started = clock.monotonic();
      const parsed = parseSignedToken(text);
      if (!parsed.ok) return { ok: false, reason: parsed.reason };
      const { token } = parsed;
      const issuer = token.unverifiedClaims["iss"];
      const trusted = typeof issuer === "string" ? issuers.get(issuer) : undefined;
      if (typeof issuer !== "string" || trusted === undefined) {
        return { ok: false, reason: "the iss claim does not name an issuer that is trusted with assertions" };
      }
      const { kinds, groupsClaim, signatures } = trusted;
      return {
        ok: true,
        assertion: {
          issuer,
          kinds,
          type: token.type,
          unverifiedClaims: token.unverifiedClaims,
          isSigned: async () => (await signatures.problem(text, token, started)) === undefined,
          readIdentity: (voucher) => {
            const now = clock.now();
            const reading = readIdentity(token.unverifiedClaims, {
              issuer: voucher,
              development: false,
              now,
              groupsClaim,
            });
            return reading.ok ? reading : { ok: false, reason: reading.reason };
          },
        },
      };
    },
  };
}
