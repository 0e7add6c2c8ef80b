/** The only kind of client assertion (RFC 7523 §2.2). */
export const ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/** Seconds that clocks may differ, and that an assertion may live. */
const SKEW = 30;
const LONGEST = 600;

/** A client's assertion that stands, or why it does not. `why` is public and names a claim. */
export type AssertionReading =
  | { readonly ok: true; readonly jti: string /** Unix milliseconds. */; readonly until: number }
  | { readonly ok: false; readonly why: string };

const isTime = (value: unknown): value is number => typeof value === "number" && Number.isFinite(value);

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
  const { iss, sub, aud, exp, nbf, iat, jti } = claims;
  if (iss !== clientId || sub !== clientId) return no("iss and sub must be the client id");
  const audience: unknown = Array.isArray(aud) && aud.length === 1 ? aud[0] : aud;
  if (audience !== issuer) return no("aud must be the issuer, alone");
  const seconds = now / 1000;
  if (!isTime(exp) || exp <= seconds - SKEW) return no("exp is missing or past");
  if (exp > seconds + LONGEST + SKEW) return no(`exp is more than ${LONGEST} seconds ahead`);
  if (nbf !== undefined && (!isTime(nbf) || nbf > seconds + SKEW)) return no("nbf lies ahead");
  if (iat !== undefined && (!isTime(iat) || iat > seconds + SKEW)) return no("iat lies ahead");
  if (typeof jti !== "string" || jti === "" || jti.length > 256) return no("jti is missing");
  return { ok: true, jti, until: Math.ceil(exp * 1000) + SKEW * 1000 };
}
