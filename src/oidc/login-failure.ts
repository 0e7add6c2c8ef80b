import { AuthorizationResponseError, ResponseBodyError, WWWAuthenticateChallengeError } from "openid-client";

import { DomainError } from "../domain/parts/error.ts";
import { issuerUnavailable } from "./issuer-fetch.ts";

// Only these are repeated to a human: the parameter comes from the address line, if anyone can write.
// RFC 6749 §4.1.2.1 and OpenID Connect Core §3.1.2.6.
const AUTHORIZATION_ERRORS: ReadonlySet<string> = new Set([
  "invalid_request",
  "unauthorized_client",
  "unsupported_response_type",
  "invalid_scope",
  "interaction_required",
  "login_required",
  "account_selection_required",
  "consent_required",
]);
const TEMPORARY: ReadonlySet<string> = new Set(["server_error", "temporarily_unavailable"]);

/**
 * Why a login failed, as a text for the human at the browser.
 *
 * @param error the error that openid-client threw
 * @throws DomainError `unavailable` if the issuer gave no answer, or one about this service and not about the login
 */
export function loginFailure(error: unknown): string {
  if (error instanceof AuthorizationResponseError) return authorizationFailure(error.error);
  if (error instanceof ResponseBodyError) return tokenFailure(error.error);
  if (error instanceof WWWAuthenticateChallengeError) throw credentialsRefused();
  // Our own fetch reports outages with this error; openid-client wraps an error that it does not know.
  const cause = error instanceof Error ? error.cause : undefined;
  if (error instanceof DomainError) throw error;
  if (cause instanceof DomainError) throw cause;
  switch (code(error)) {
    case "OAUTH_RESPONSE_IS_NOT_CONFORM":
    case "OAUTH_RESPONSE_IS_NOT_JSON":
    case "OAUTH_PARSE_ERROR":
    case "OAUTH_TIMEOUT":
      throw issuerUnavailable("its token endpoint gave no usable answer");
    case "OAUTH_JWT_CLAIM_COMPARISON_FAILED":
      return "the identity provider's ID token is not meant for this login";
    case "OAUTH_JWT_TIMESTAMP_CHECK_FAILED":
      return "the identity provider's ID token is not valid now";
    default:
      return "the identity provider's answer could not be accepted";
  }
}

function authorizationFailure(error: string): string {
  if (error === "access_denied") return "the login was cancelled or refused at the identity provider";
  if (TEMPORARY.has(error)) throw issuerUnavailable("it reports a fault of its own");
  const named = AUTHORIZATION_ERRORS.has(error) ? `: ${error}` : "";
  return `the identity provider refused the login${named}`;
}

function tokenFailure(error: string): string {
  if (error === "invalid_grant") return "the login has expired or was finished before";
  if (error === "invalid_client" || error === "unauthorized_client") throw credentialsRefused();
  if (TEMPORARY.has(error)) throw issuerUnavailable("it reports a fault of its own");
  return "the identity provider refused the login";
}

function credentialsRefused(): DomainError {
  return issuerUnavailable("it does not accept this service's client id or secret");
}

function code(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}
