/** The header that makes issuing repeatable. */
export const IDEMPOTENCY_KEY = "Idempotency-Key";

/** The header that names the state to be replaced (RFC 9110 §13.1.1). */
export const IF_MATCH = "If-Match";

/** The header that finds a request in the service's log. */
export const REQUEST_ID = "x-request-id";

/** The media type of server-sent events (HTML §9.2). */
export const EVENT_STREAM = "text/event-stream";

/**
 * `Authorization` with a bearer token: the scheme in any case and one or more spaces (RFC 9110 §11.4), then base64 in
 * any alphabet (`b64token`, RFC 6750 §2.1). The first group is the token. A comma, which joins two headers into one,
 * is in no token: two credentials never match.
 */
export const BEARER = /^bearer +([A-Za-z0-9._~+/-]+=*)$/i;

/** The same with a token that a key holds (RFC 9449 §7.1). */
export const DPOP = /^dpop +([A-Za-z0-9._~+/-]+=*)$/i;

/** The service's metadata (RFC 8414). */
export const METADATA_PATH = "/.well-known/oauth-authorization-server";

/** The same for clients that look for an OpenID provider first (OpenID Connect Discovery §4). */
export const OPENID_PATH = "/.well-known/openid-configuration";

/** The metadata of this API as a protected resource (RFC 9728). */
export const PROTECTED_RESOURCE_PATH = "/.well-known/oauth-protected-resource";

/** The page of all that somebody is asked to approve. The page of one approval is its id below. */
export const APPROVALS_PATH = "/approvals";
