import { CLOCK_SKEW, readTimes } from "../parts/token-claims.ts";

/** The only kind of client assertion (RFC 7523 §2.2). */
export const ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/** The longest life of an assertion, milliseconds. */
const LONGEST = 600_000;

/** A client's assertion that stands, or why it does not. `why` is public and names a claim. */
export type AssertionReading =
  | { readonly ok: true; readonly jti: string /** Unix milliseconds. */; readonly until: number }
  | { readonly ok: false; readonly why: string };

/**
 * Judges the claims of a client's assertion, once its signature is known to be the client's (RFC 7523 §3).
 *
 * @param issuer of this service: the assertion must be for it alone, or it could be another server's to replay
 * @param now unix milliseconds
 */
export function readAssertion(
  claims: Readonly<Record<string, unknown>>,
  clientId: string,
  issuer: string,
  now: number,
): AssertionReading {
  const no = (why: string): AssertionReading => ({ ok: false, why });
  const { iss, sub, aud, jti } = claims;
  if (iss !== clientId || sub !== clientId) return no("iss and sub must be the client id");
  const audience: unknown = Array.isArray(aud) && aud.length === 1 ? aud[0] : aud;
  if (audience !== issuer) return no("aud must be the issuer, alone");
  // RFC 7523 §3 needs an `exp` alone.
  const dated = claims["iat"] === undefined ? { ...claims, iat: now / 1_000 } : claims;
  const times = readTimes(dated, now);
  if (typeof times === "string") return no(times);
  const { expiresAt } = times;
  if (expiresAt > now + LONGEST + CLOCK_SKEW) return no(`exp is more than ${LONGEST / 1_000} seconds ahead`);
  if (typeof jti !== "string" || jti === "" || jti.length > 256) return no("jti is missing");
  return { ok: true, jti, until: expiresAt + CLOCK_SKEW };
}
