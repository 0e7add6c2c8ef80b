import { CLOCK_SKEW, instant, isText, readTimes } from "../domain/parts/token-claims.ts";
import type { FailureFacts } from "../domain/ports/parts/failure.ts";
import type { Identity } from "../domain/ports/sessions.ts";
import type { Claims } from "./claims.ts";
import { type GroupsClaim, readGroups } from "./groups-claim.ts";
import { displayText, emailText } from "./id-token-text.ts";

/** The demands that a token has to meet to be accepted. */
export interface ClaimRules {
  /** The names of the issuer, each with the tenant that a token must name besides; undefined for none. */
  readonly issuers: ReadonlyMap<string, string | undefined>;
  /** The client ids that this service answers to. */
  readonly audiences: readonly string[];
  /** Unix milliseconds. */
  readonly now: number;
  /** The nonce of the login, if the token comes from one. */
  readonly nonce?: string;
}

const MAX_AUDIENCES = 64;
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
  const issuer = claims["iss"];
  if (!isString(issuer) || !rules.issuers.has(issuer)) return "the iss claim is not the issuer";
  const tenant = rules.issuers.get(issuer);
  if (tenant !== undefined && claims["tid"] !== tenant) return "the tid claim is not the issuer's tenant";
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
  const times = readTimes(claims, now);
  return typeof times === "string" ? times : undefined;
}

// As ADFS writes it (RFC 3339). A time without a zone could be any of a day's.
const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/;

/** A NumericDate, also one in quotes, or an RFC 3339 text, as unix milliseconds; undefined for anything else. */
function instantOrText(value: unknown): number | undefined {
  if (typeof value !== "string") return instant(value);
  if (/^\d{1,12}$/.test(value)) return instant(Number(value));
  const milliseconds = ISO.test(value) ? Date.parse(value) : Number.NaN;
  return milliseconds >= 0 ? milliseconds : undefined;
}

/** The answer of the UserInfo endpoint, or why there is none. */
export type UserInfo =
  | { readonly kind: "unasked" }
  | { readonly kind: "said"; readonly claims: Claims }
  | { readonly kind: "failed"; readonly reason: string; readonly facts: FailureFacts };

/** The outcome of {@link readIdentity}. */
export type IdentityReading =
  | { readonly ok: true; readonly identity: Identity }
  | { readonly ok: false; readonly reason: string; readonly facts?: FailureFacts };

/** The parts of an identity that the claims do not decide. */
export interface IdentityOptions {
  readonly issuer: string;
  readonly development: boolean;
  /** Unix milliseconds. */
  readonly now: number;
  readonly groupsClaim: GroupsClaim;
  /** The answer about what the claims leave out. */
  readonly userInfo?: UserInfo;
}

/**
 * The human that checked claims speak of.
 *
 * @param claims claims without a {@link claimsProblem}
 */
export function readIdentity(claims: Claims, options: IdentityOptions): IdentityReading {
  const subject = claims["sub"];
  if (!isText(subject, MAX_TEXT)) return { ok: false, reason: "the sub claim is missing or malformed" };

  const groups = groupsOf(claims, options);
  if (!groups.ok) return groups;

  const authTime = claims["auth_time"] ?? null;
  const authenticatedAt = authTime === null ? null : instantOrText(authTime);
  if (authenticatedAt === undefined) return { ok: false, reason: "the auth_time claim is malformed" };
  if (authenticatedAt !== null && authenticatedAt > options.now + CLOCK_SKEW) {
    return { ok: false, reason: "the auth_time claim is in the future" };
  }

  const acr = claims["acr"] ?? null;
  if (acr !== null && !isText(acr, MAX_TEXT)) return { ok: false, reason: "the acr claim is malformed" };

  // Only absent claims come from UserInfo: the others are signed. An address and its verification go together.
  const info = options.userInfo?.kind === "said" ? options.userInfo.claims : {};
  const mail = claims["email"] === undefined ? info : claims;
  return {
    ok: true,
    identity: {
      issuer: options.issuer,
      subject,
      // Strictly true: some issuers write the text "false".
      email: mail["email_verified"] === true ? emailText(mail["email"]) : null,
      name: displayText(claims["name"] ?? info["name"], MAX_TEXT),
      groups: groups.groups,
      authenticatedAt,
      acr,
      development: options.development,
    },
  };
}

type GroupsOutcome =
  | { readonly ok: true; readonly groups: readonly string[] }
  | { readonly ok: false; readonly reason: string; readonly facts: FailureFacts };

/**
 * The groups of a person; none only where the issuer could have named some and did not.
 *
 * Groups that are not known refuse: by a policy's first rules a person of a group can get less than everybody else, so
 * to take them for nobody's could give more.
 */
function groupsOf(claims: Claims, { groupsClaim, userInfo }: IdentityOptions): GroupsOutcome {
  const claim = (groupsClaim ?? []).join(".");
  const signed = readGroups(claims, groupsClaim);
  const asked = userInfo?.kind === "said" ? readGroups(userInfo.claims, groupsClaim) : undefined;
  const reading = signed.kind === "listed" || signed.kind === "malformed" ? signed : (asked ?? signed);
  if (reading.kind === "listed") return { ok: true, groups: reading.groups };
  if (reading.kind === "malformed") {
    return { ok: false, reason: "the groups claim is malformed", facts: { step: "groups", claim } };
  }
  const sign = [reading, signed].find((one) => one.kind === "elsewhere")?.sign;
  if (sign !== undefined) {
    const reason =
      "your groups are not known: they are too many for the ID token, and the identity provider left them out";
    return { ok: false, reason, facts: { step: "groups", claim, sign } };
  }
  if (userInfo?.kind === "failed") {
    const reason = `your groups are not known: they are not in the ID token, and ${userInfo.reason}`;
    return { ok: false, reason, facts: { ...userInfo.facts, step: "groups", claim } };
  }
  return { ok: true, groups: [] };
}

function isString(value: unknown): value is string {
  return typeof value === "string";
}
