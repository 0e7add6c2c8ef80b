/**
 * Signatures that are accepted on ID tokens and assertions: asymmetric ones. Never `none`, and never `HS*`, with which anybody who can check
 * a token can make one, and anybody at all if a public key is taken for the secret.
 */
export const SIGNATURE_ALGORITHMS: readonly string[] = [
  "RS256",
  "RS384",
  "RS512",
  "PS256",
  "PS384",
  "PS512",
  "ES256",
  "ES384",
  "ES512",
  "EdDSA",
  "Ed25519",
];

/** How far an issuer's clock may be off, milliseconds. */
export const CLOCK_SKEW = 60_000;

const CONTROL = /\p{Cc}/u;

/**
 * Whether a claim is a text that can be kept and compared: a string of 1 to `max` UTF-16 units, without
 * control characters (NUL does not survive a database) and lone surrogates.
 */
export function isText(value: unknown, max: number): value is string {
  return (
    typeof value === "string" &&
    value.length > 0 &&
    value.length <= max &&
    value.isWellFormed() &&
    !CONTROL.test(value)
  );
}

/** A NumericDate (RFC 7519 §2) as unix milliseconds, rounded down; undefined for anything else. */
export function instant(value: unknown): number | undefined {
  if (typeof value !== "number" || value < 0) return undefined;
  const milliseconds = Math.floor(value * 1_000);
  return Number.isSafeInteger(milliseconds) ? milliseconds : undefined;
}

/** When an issuer signed a token, and when that ends; unix milliseconds. */
export interface TokenTimes {
  readonly issuedAt: number;
  readonly expiresAt: number;
}

/**
 * Reads `iat`, `exp` and `nbf` of a signed token, an ID token or an assertion.
 *
 * @param now unix milliseconds
 * @returns why it is not good now, naming the claim and never its value
 */
export function readTimes(claims: Readonly<Record<string, unknown>>, now: number): TokenTimes | string {
  const expiresAt = instant(claims["exp"]);
  if (expiresAt === undefined) return "the exp claim is missing or malformed";
  if (expiresAt <= now - CLOCK_SKEW) return "the exp claim is in the past";
  const issuedAt = instant(claims["iat"]);
  if (issuedAt === undefined) return "the iat claim is missing or malformed";
  if (issuedAt > now + CLOCK_SKEW) return "the iat claim is in the future";
  const from = claims["nbf"] === undefined ? issuedAt : instant(claims["nbf"]);
  if (from === undefined) return "the nbf claim is malformed";
  if (from > now + CLOCK_SKEW) return "the nbf claim is in the future";
  return { issuedAt, expiresAt };
}
