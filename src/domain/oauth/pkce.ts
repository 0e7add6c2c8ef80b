import { createHash } from "node:crypto";

import { constantTimeEqual } from "../../macaroon/index.ts";

/** SHA-256 in base64url, in the one way in which its last character is written. */
const CHALLENGE = /^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/;
const VERIFIER = /^[A-Za-z0-9._~-]{43,128}$/;

/** Whether a text is a code challenge of method S256 (RFC 7636 §4.2). Any other could never be met. */
export function isChallenge(text: string): boolean {
  return CHALLENGE.test(text);
}

/** Whether a text is a code verifier (RFC 7636 §4.1). */
export function isVerifier(text: string): boolean {
  return VERIFIER.test(text);
}

/** Whether a verifier meets a challenge (RFC 7636 §4.6). @returns false for a text that is no verifier */
export function meetsChallenge(verifier: string, challenge: string): boolean {
  if (!isVerifier(verifier)) return false;
  const made = createHash("sha256").update(verifier).digest("base64url");
  return constantTimeEqual(new TextEncoder().encode(made), new TextEncoder().encode(challenge));
}
