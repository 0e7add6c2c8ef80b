/** For what no browser is meant to show: nothing may be loaded from it, and nothing may frame it. */
const BARE_POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** Headers that every answer carries unless its reply says otherwise. */
export function securityHeaders(https: boolean): Readonly<Record<string, string>> {
  return {
    "cache-control": "no-store",
    "content-security-policy": BARE_POLICY,
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    // Not `no-referrer`: browsers would then send `Origin: null` with the sign-out form (Fetch §3.1).
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    // For browsers older than `frame-ancestors`.
    "x-frame-options": "DENY",
    // RFC 6797 §7.2 forbids it on http.
    ...(https ? { "strict-transport-security": "max-age=31536000" } : {}),
  };
}
