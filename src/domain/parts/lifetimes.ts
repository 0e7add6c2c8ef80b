const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** The hard cap on the life of any token, milliseconds. No policy can raise it. */
export const MAX_TOKEN_LIFE = 90 * DAY;

/** Life of a token whose caller asks for none, milliseconds. */
export const DEFAULT_TOKEN_LIFE = HOUR;

/** Age at which a platform's root key is replaced, milliseconds. */
export const ROOT_KEY_AGE = 30 * DAY;

/** How long a root key is kept past the last instant at which a token under it can be alive, milliseconds. */
export const ROOT_KEY_MARGIN = DAY;

/** How long a revocation outlives the last instant at which it can match, milliseconds. */
export const REVOCATION_MARGIN = HOUR;

/** How long a counter outlives the last instant at which anything below its link can pass, milliseconds. */
export const BUDGET_MARGIN = HOUR;

/** How far a proof's time may be from the clock that it is checked by, milliseconds. */
export const PROOF_WINDOW = 60 * SECOND;

/**
 * How long a proof is remembered, milliseconds. One that is dated a window ahead is good for two windows, by any clock that is
 * in tolerance.
 */
export const PROOF_MEMORY = 5 * MINUTE;

/** How long it can be asked what a reservation came to, past its end, milliseconds. */
export const RESERVATION_RECORD_LIFE = DAY;

/** Life of a browser's session, milliseconds. */
export const SESSION_LIFE = 12 * HOUR;

/** Time that a login may take, milliseconds. */
export const LOGIN_LIFE = 10 * MINUTE;

/** How long the answer under an idempotency key is kept, milliseconds. */
export const IDEMPOTENCY_LIFE = DAY;

/** How long one attempt under an idempotency key may take before another takes over, milliseconds. */
export const IDEMPOTENCY_LEASE = 60 * SECOND;

/** How far this process's clock and the database's may be apart, milliseconds: machines that are kept in time differ by less. */
export const CLOCK_TOLERANCE = 30 * SECOND;

/** How long records of tokens and audit events are kept unless another time is set, milliseconds: a year past the longest life. */
export const RETENTION = MAX_TOKEN_LIFE + 365 * DAY;

/** The shortest such time that can be set, milliseconds. The database drops nothing that is younger. */
export const LEAST_RETENTION = MAX_TOKEN_LIFE + DAY;

/** How long a client of macaroon-bakery waits in one request, milliseconds: proxies cut a connection that is silent for a minute. */
export const BAKERY_WAIT = 50 * SECOND;

/** How long people have to approve, milliseconds. */
export const APPROVAL_WAIT = HOUR;

/** How long ago a person may have logged in who approves, milliseconds. */
export const RECENT_LOGIN = 30 * MINUTE;

/** How long approvals are kept, milliseconds: as long as a token can live that one of them was for. */
export const APPROVAL_RECORD_LIFE = MAX_TOKEN_LIFE + DAY;

/** How long a collector is kept waiting, milliseconds. */
export const COLLECT_WAIT = 20 * SECOND;

/** Life of an API login by macaroon-bakery's protocol, from when it was asked for, milliseconds. */
export const BAKERY_LOGIN_LIFE = HOUR;

/** How long ago a person may have logged in who lets a program act as them, milliseconds. */
export const PROGRAM_LOGIN_AGE = 5 * MINUTE;

/** The longest life of a discharge, milliseconds; past it nothing of a request can be collected. */
export const MAX_DISCHARGE_LIFE = DAY;

/** Life of an authorization code, milliseconds. */
export const CODE_LIFE = MINUTE;

/** How long a person has to answer a device's request, milliseconds. */
export const DEVICE_LIFE = 10 * MINUTE;

/** How long a device is told that its request is over, before it is forgotten, milliseconds. */
export const DEVICE_MARGIN = HOUR;

/** Life of a short signed verdict, milliseconds: no revocation reaches one that is out. */
export const VERDICT_LIFE = 5 * MINUTE;

/** Age at which the key that signs verdicts is replaced, milliseconds. */
export const VERDICT_KEY_AGE = 30 * DAY;

/** How long the next key is published before it signs, milliseconds: whoever keeps the key set has it by then. */
export const VERDICT_KEY_LEAD = DAY;

/** How long a key is published after its last signature, milliseconds. */
export const VERDICT_KEY_MARGIN = DAY;

/** How long a consent is remembered, milliseconds. */
export const CONSENT_LIFE = 30 * DAY;

/** How long the answer to a refresh is given again to a client that lost it, milliseconds. */
export const REFRESH_REPEAT = 10 * SECOND;
