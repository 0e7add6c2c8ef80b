import type { Identity } from "../domain/ports/sessions.ts";
import { displayText, emailText, isText } from "./id-token-text.ts";

/** The claims of a token, in the issuer's words: nothing about them is checked yet. */
export type Claims = Readonly<Record<string, unknown>>;

/** The demands that a token has to meet to be accepted. */
export interface ClaimRules {
  readonly issuer: string;
  /** The client ids that this service answers to. */
  readonly audiences: readonly string[];
  /** Unix milliseconds. */
  readonly now: number;
  /** The nonce of the login, if the token comes from one. */
  readonly nonce?: string;
}

/** How far an issuer's clock may be off, milliseconds. */
export const CLOCK_SKEW = 60_000;

const MAX_AUDIENCES = 64;
const MAX_GROUPS = 1_000;
const MAX_TEXT = 255;

/**
 * Checks the claims of an ID token (OpenID Connect Core §2, §3.1.3.7), its signature apart.
 *
 * A claim that decides something and is malformed refuses the token, so that an operator sees the fault
 * and nobody acts on half a claim. A claim that is only shown (`name`, `email`) is left out instead.
 *
 * @returns why not, naming the claim and never its value; undefined if nothing is wrong
 */
export function claimsProblem(claims: Claims, rules: ClaimRules): string | undefined {
  return kindProblem(claims) ?? partyProblem(claims, rules) ?? timeProblem(claims, rules.now);
}

/** Tokens of other kinds that the same issuer signs with the same key, sometimes for the same audience. */
function kindProblem(claims: Claims): string | undefined {
  // Back-Channel Logout §2.4 and security event tokens (RFC 8417 §2.2).
  if (claims["events"] !== undefined) return "the events claim marks a token that is no ID token";
  // Some issuers write the token's kind into the payload and `typ: JWT` into every header.
  const kind = claims["typ"];
  if (kind !== undefined && kind !== "ID" && kind !== "JWT") {
    return "the typ claim marks a token that is no ID token";
  }
  return undefined;
}

function partyProblem(claims: Claims, rules: ClaimRules): string | undefined {
  if (claims["iss"] !== rules.issuer) return "the iss claim is not the issuer";
  if (!isText(claims["sub"], MAX_TEXT)) return "the sub claim is missing or malformed";

  const audience = claims["aud"];
  const audiences: unknown = typeof audience === "string" ? [audience] : audience;
  if (!Array.isArray(audiences) || audiences.length > MAX_AUDIENCES || !audiences.every(isString)) {
    return "the aud claim is missing or malformed";
  }
  if (!audiences.some((one) => rules.audiences.includes(one)))
    return "the aud claim does not name this service";

  // With several audiences, azp names the one that the token was issued to; without it that is unknown.
  const party = claims["azp"];
  if (party === undefined && audiences.length > 1) return "the azp claim is missing";
  if (party !== undefined && !(isString(party) && rules.audiences.includes(party))) {
    return "the azp claim does not name this service";
  }

  if (rules.nonce !== undefined && claims["nonce"] !== rules.nonce)
    return "the nonce claim is not this login's";
  return undefined;
}

function timeProblem(claims: Claims, now: number): string | undefined {
  const expires = instant(claims["exp"]);
  if (expires === undefined) return "the exp claim is missing or malformed";
  if (expires <= now - CLOCK_SKEW) return "the exp claim is in the past";

  const issued = instant(claims["iat"]);
  if (issued === undefined) return "the iat claim is missing or malformed";
  if (issued > now + CLOCK_SKEW) return "the iat claim is in the future";

  if (claims["nbf"] !== undefined) {
    const from = instant(claims["nbf"]);
    if (from === undefined) return "the nbf claim is malformed";
    if (from > now + CLOCK_SKEW) return "the nbf claim is in the future";
  }
  return undefined;
}

/** A NumericDate (RFC 7519 §2) as unix milliseconds, rounded down; undefined for anything else. */
export function instant(value: unknown): number | undefined {
  if (typeof value !== "number" || value < 0) return undefined;
  const milliseconds = Math.floor(value * 1_000);
  return Number.isSafeInteger(milliseconds) ? milliseconds : undefined;
}

/** The outcome of {@link readIdentity}. */
export type IdentityReading =
  | { readonly ok: true; readonly identity: Identity }
  | { readonly ok: false; readonly reason: string };

/**
 * The human that checked claims speak of.
 *
 * @param claims claims without a {@link claimsProblem}
 */
export function readIdentity(
  claims: Claims,
  options: { readonly issuer: string; readonly development: boolean; readonly now: number },
): IdentityReading {
  const subject = claims["sub"];
  if (!isText(subject, MAX_TEXT)) return { ok: false, reason: "the sub claim is missing or malformed" };

  const groups = readGroups(claims["groups"]);
  if (groups === undefined) return { ok: false, reason: "the groups claim is malformed" };

  const authTime = claims["auth_time"] ?? null;
  const authenticatedAt = authTime === null ? null : instant(authTime);
  if (authenticatedAt === undefined) return { ok: false, reason: "the auth_time claim is malformed" };
  if (authenticatedAt !== null && authenticatedAt > options.now + CLOCK_SKEW) {
    return { ok: false, reason: "the auth_time claim is in the future" };
  }

  const acr = claims["acr"] ?? null;
  if (acr !== null && !isText(acr, MAX_TEXT)) return { ok: false, reason: "the acr claim is malformed" };

  return {
    ok: true,
    identity: {
      issuer: options.issuer,
      subject,
      // Strictly true: some issuers write the text "false".
      email: claims["email_verified"] === true ? emailText(claims["email"]) : null,
      name: displayText(claims["name"], MAX_TEXT),
      groups,
      authenticatedAt,
      acr,
      development: options.development,
    },
  };
}

/** Group names without repetition; undefined if the claim is malformed, since groups give rights. */
function readGroups(value: unknown): readonly string[] | undefined {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value) || value.length > MAX_GROUPS) return undefined;
  const groups: readonly unknown[] = value;
  return groups.every((group) => isText(group, MAX_TEXT)) ? [...new Set(groups)] : undefined;
}

function isString(value: unknown): value is string {
  return typeof value === "string";
}
