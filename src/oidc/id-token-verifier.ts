import { type CryptoKey, compactVerify, errors } from "jose";
import { CLOCK_SKEW, instant, SIGNATURE_ALGORITHMS } from "../domain/parts/token-claims.ts";
import type { Clock } from "../domain/ports/clock.ts";
import type { Claims } from "./claims.ts";
import { claimsProblem } from "./id-token-claims.ts";
import type { UnverifiedIdToken } from "./id-token-parse.ts";
import { issuerUnavailable } from "./issuer-fetch.ts";
import { filled, type IssuerName } from "./issuer-name.ts";
import type { IssuerSource, ReadDocuments } from "./issuer-source.ts";

/** Claims that the issuer signed and that are meant for this service now, or why they are not. */
type VerifiedClaims =
  | {
      readonly ok: true;
      readonly claims: Claims;
      /** The issuer that the token names: of several tenants, that of the token's own. */
      readonly issuer: string;
      /** Unix milliseconds. */
      readonly issuedAt: number;
      /** Unix milliseconds. */
      readonly expiresAt: number;
    }
  | { readonly ok: false; readonly reason: string };

/** Verifies ID tokens of one issuer. */
export interface IdTokenVerifier {
  /**
   * @param text the token that `token` was parsed from
   * @param nonce the login's nonce, if the token comes from one
   *
   * Rejects with a DomainError `unavailable` if the issuer's keys could not be had.
   */
  verify(text: string, token: UnverifiedIdToken, nonce?: string): Promise<VerifiedClaims>;
}

/** Options of {@link createIdTokenVerifier}. */
export interface IdTokenVerifierOptions {
  readonly name: IssuerName;
  readonly audiences: readonly string[];
  readonly source: IssuerSource;
  readonly clock: Clock;
}

// Tokens without a key id are tried with every key that fits; a set of this many would be a strange one.
const MAX_CANDIDATES = 16;

/** Checks signatures of one issuer. */
export interface SignatureVerifier {
  /**
   * Says why a token is not the issuer's; undefined if it is.
   *
   * Rejects with a DomainError `unavailable` if the issuer's keys could not be had.
   *
   * @param text the token that `token` was parsed from
   * @param started {@link Clock.monotonic} when the token came
   */
  problem(text: string, token: UnverifiedIdToken, started: number): Promise<string | undefined>;
}

/** Makes the verifier of an issuer's signatures. */
export function createSignatureVerifier(
  source: Pick<IssuerSource, "current" | "newerThan">,
  { issuers }: IssuerName,
): SignatureVerifier {
  return {
    async problem(text, token, started) {
      const claims = token.unverifiedClaims;
      let documents = await source.current();
      let signature = await checkSignature(text, token, documents);
      if (signature === "unknown_key") {
        const newer = await source.newerThan(documents);
        if (newer !== undefined) {
          documents = newer;
          signature = await checkSignature(text, token, documents);
        }
      }
      if (signature === "unknown_key" && !isOlder(claims, documents, started)) {
        throw issuerUnavailable("its keys were read too recently to be read again for an unknown key id");
      }
      if (signature !== "good") return "the token's signature is not the issuer's";
      const issuer = String(claims["iss"]);
      return isKeyOf(issuer, issuers.get(issuer), token.header.kid, documents)
        ? undefined
        : "the token's key is another tenant's";
    },
  };
}

/** Verifies ID tokens of one issuer: the claims first, which costs nothing, then the signature. */
export function createIdTokenVerifier(options: IdTokenVerifierOptions): IdTokenVerifier {
  const { name, audiences, source, clock } = options;
  const { issuers } = name;
  const signatures = createSignatureVerifier(source, name);

  return {
    async verify(text, token, nonce) {
      const started = clock.monotonic();
      const claims = token.unverifiedClaims;
      // Refusing by unverified claims is safe, and spares the issuer a request for a token that is old anyway.
      const rules = { issuers, audiences, now: clock.now(), ...(nonce === undefined ? {} : { nonce }) };
      const problem = claimsProblem(claims, rules);
      if (problem !== undefined) return { ok: false, reason: problem };

      const fault = await signatures.problem(text, token, started);
      if (fault !== undefined) return { ok: false, reason: fault };
      const issuer = String(claims["iss"]);
      // Both were read before, in the same way.
      const [issuedAt = 0, expiresAt = 0] = [instant(claims["iat"]), instant(claims["exp"])];
      return { ok: true, claims, issuer, issuedAt, expiresAt };
    },
  };
}

/**
 * Whether the token must have been signed with a key that these documents would show, so that a missing
 * key means a forgery. A younger token may have been signed with a key that came after them: that is
 * not known, and must not be reported as a refusal.
 */
function isOlder(claims: Claims, documents: ReadDocuments, started: number): boolean {
  if (documents.readAtMonotonic >= started) return true;
  const issuedAt = instant(claims["iat"]) ?? 0;
  return issuedAt + CLOCK_SKEW <= documents.readAt;
}

/**
 * Whether a key signs for an issuer. Tenants share a key set, and a member `issuer` of a key may bind it to one of them:
 * Entra's keys for personal accounts sign for no organisation.
 */
function isKeyOf(
  issuer: string,
  tenant: string | undefined,
  kid: string | undefined,
  { keyIssuers }: ReadDocuments,
): boolean {
  if (tenant === undefined) return true;
  const bound = kid === undefined ? undefined : keyIssuers.get(kid);
  return kid !== undefined && (bound === undefined || bound.every((one) => filled(one, tenant) === issuer));
}

type Signature = "good" | "bad" | "unknown_key";

async function checkSignature(
  text: string,
  token: UnverifiedIdToken,
  documents: ReadDocuments,
): Promise<Signature> {
  let tried = 0;
  for await (const key of candidates(token, documents)) {
    if (++tried > MAX_CANDIDATES) break;
    if (await isSignedWith(text, key)) return "good";
  }
  // Without a key id, a signature of a key not yet seen looks like a wrong one.
  return tried === 0 || token.header.kid === undefined ? "unknown_key" : "bad";
}

async function* candidates(token: UnverifiedIdToken, documents: ReadDocuments): AsyncGenerator<CryptoKey> {
  try {
    yield await documents.keys(token.header);
  } catch (error) {
    if (error instanceof errors.JWKSMultipleMatchingKeys) yield* error;
    // The key is there but can't be used: the issuer's fault, which says nothing of the token.
    else if (!(error instanceof errors.JWKSNoMatchingKey)) throw issuerUnavailable("its key is malformed");
  }
}

async function isSignedWith(text: string, key: CryptoKey): Promise<boolean> {
  try {
    await compactVerify(text, key, { algorithms: [...SIGNATURE_ALGORITHMS] });
    return true;
  } catch {
    return false;
  }
}
