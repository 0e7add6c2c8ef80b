import { compactVerify, createLocalJWKSet, errors, type JSONWebKeySet } from "jose";
import type { ClientAssertions } from "../domain/oauth/outside.ts";
import { SIGNATURE_ALGORITHMS } from "../domain/parts/token-claims.ts";
import { parseJson } from "../json/parse.ts";
import { toPlain } from "../json/plain.ts";

const LONGEST = 8 * 1024;

/** Verifies the signatures of clients that authenticate by `private_key_jwt` (RFC 7523 §3). */
export const clientAssertions: ClientAssertions = {
  async verify(assertion, jwks) {
    if (assertion.length > LONGEST) return undefined;
    try {
      const keys = createLocalJWKSet(jwks as unknown as JSONWebKeySet);
      const { payload } = await compactVerify(assertion, keys, { algorithms: [...SIGNATURE_ALGORITHMS] });
      return claimsOf(payload);
    } catch (error) {
      if (error instanceof errors.JWKSMultipleMatchingKeys) return verifyWithEach(error, assertion);
      // A key that cannot be read, or an assertion that is none: either way nothing is proven.
      return undefined;
    }
  },
};

async function verifyWithEach(
  keys: errors.JWKSMultipleMatchingKeys,
  assertion: string,
): Promise<Readonly<Record<string, unknown>> | undefined> {
  for await (const key of keys) {
    try {
      const { payload } = await compactVerify(assertion, key, { algorithms: [...SIGNATURE_ALGORITHMS] });
      return claimsOf(payload);
    } catch {
      // The next one may fit.
    }
  }
  return undefined;
}

/** The claims that were signed. @returns undefined for another value than an object */
function claimsOf(payload: Uint8Array): Readonly<Record<string, unknown>> | undefined {
  const claims = toPlain(parseJson(payload));
  const isObject = typeof claims === "object" && claims !== null && !Array.isArray(claims);
  return isObject ? (claims as Readonly<Record<string, unknown>>) : undefined;
}
