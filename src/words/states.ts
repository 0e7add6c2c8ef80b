/** States of an issued token. */
export const TOKEN_STATES = ["active", "expired", "revoked"] as const;
export type TokenState = (typeof TOKEN_STATES)[number];

/** States of a root key: a `pending` key does not sign yet, a `retired` one signs no more. Tokens of all verify. */
export const KEY_STATES = ["pending", "active", "retired"] as const;
export type KeyState = (typeof KEY_STATES)[number];

/**
 * States of a request for a discharge, and so of an approval. `dropped`: it made room for newer requests of the same
 * caller or token. `withdrawn`: by its asker while it was pending, or after a yes, so that the discharge is dead.
 * `revoked`: the token that it was for was revoked before anybody answered.
 */
export const REQUEST_STATES = [
  "pending",
  "granted",
  "denied",
  "dropped",
  "withdrawn",
  "expired",
  "revoked",
] as const;
export type RequestState = (typeof REQUEST_STATES)[number];

/** Kinds of login sessions. `program`: a login to this API by macaroon-bakery's protocol. */
export const SESSION_KINDS = ["browser", "program"] as const;
export type SessionKind = (typeof SESSION_KINDS)[number];

/** The answers of a person to an approval. */
export const DECISIONS = ["approve", "deny"] as const;
export type Decision = (typeof DECISIONS)[number];

/** The writers of a summary's parts. `service`: nobody's words, only times and counts that the service enforces. */
export const SUMMARY_AUTHORS = ["issued", "holder", "service"] as const;
export type SummaryAuthor = (typeof SUMMARY_AUTHORS)[number];

/** States of a reservation. `expired`: nobody has settled it in time, so it stays charged. */
export const RESERVATION_STATES = ["open", "settled", "released", "expired"] as const;
export type ReservationState = (typeof RESERVATION_STATES)[number];

/**
 * Where a caveat stands: among what the issuer wrote, behind it and before the first hand-over, or behind one. Nobody can tell
 * whether the delegator or the next holder wrote what stands behind a hand-over.
 */
export const PLACES = ["issued", "first_holder", "handed_over"] as const;

export type Place = (typeof PLACES)[number];

/** The kinds of authors of revocations: a holder of the token, its principal, its platform, or an administrator. */
export const REVOKED_BY = ["holder", "principal", "platform", "administrator"] as const;

/** The kind of author of a revocation. */
export type RevokedBy = (typeof REVOKED_BY)[number];
