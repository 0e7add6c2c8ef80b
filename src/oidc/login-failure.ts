import { AuthorizationResponseError, ResponseBodyError, WWWAuthenticateChallengeError } from "openid-client";

import { DomainError } from "../domain/parts/error.ts";
import type { LoginRefusal } from "../domain/ports/identity.ts";
import type { FailureFacts } from "../domain/ports/parts/failure.ts";
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
 * Why a login failed: a text for the human at the browser, and the facts for the log.
 *
 * @param error the error that openid-client threw
 * @throws DomainError `unavailable` if the issuer gave no answer, or one about this service and not about the login
 */
export function loginFailure(error: unknown): LoginRefusal {
  if (error instanceof AuthorizationResponseError) return authorizationFailure(error.error);
  if (error instanceof ResponseBodyError) return tokenFailure(error.error, error.status);
  if (error instanceof WWWAuthenticateChallengeError) throw credentialsRefused({ status: error.status });
  // Our own fetch reports outages with this error; openid-client wraps an error that it does not know.
  const cause = error instanceof Error ? error.cause : undefined;
  if (error instanceof DomainError) throw error;
  if (cause instanceof DomainError) throw cause;
  const status = statusOf(error);
  const code = errorCode(error);
  switch (code) {
    case "OAUTH_RESPONSE_IS_NOT_CONFORM":
    case "OAUTH_RESPONSE_IS_NOT_JSON":
    case "OAUTH_PARSE_ERROR":
    case "OAUTH_TIMEOUT":
      throw issuerUnavailable("its token endpoint gave no usable answer", {
        step: "token",
        code,
        ...(status === undefined ? {} : { status }),
      });
    default: {
      const reason = "the identity provider's answer could not be accepted";
      return { ok: false, reason, facts: { step: "callback", code: code ?? "unknown" } };
    }
  }
}

function authorizationFailure(error: string): LoginRefusal {
  const facts = { step: "authorize", error: shownError(error) };
  if (error === "access_denied") {
    return { ok: false, reason: "the login was cancelled or refused at the identity provider", facts };
  }
  if (TEMPORARY.has(error)) throw issuerUnavailable("it reports a fault of its own", facts);
  const named = AUTHORIZATION_ERRORS.has(error) ? `: ${error}` : "";
  return { ok: false, reason: `the identity provider refused the login${named}`, facts };
}

function tokenFailure(error: string, status: number): LoginRefusal {
  const facts = { step: "token", error: shownError(error), status };
  if (error === "invalid_grant") {
    return { ok: false, reason: "the login has expired or was finished before", facts };
  }
  if (error === "invalid_client" || error === "unauthorized_client") throw credentialsRefused(facts);
  if (TEMPORARY.has(error)) throw issuerUnavailable("it reports a fault of its own", facts);
  return { ok: false, reason: "the identity provider refused the login", facts };
}

function credentialsRefused(facts: FailureFacts): DomainError {
  return issuerUnavailable("it does not accept this service's client id or secret", {
    step: "token",
    cause: "client",
    ...facts,
  });
}

/** An error's code as the log may show it: anybody can write it into an address line. */
function shownError(error: string): string {
  return /^[a-z][a-z_]{0,63}$/.test(error) ? error : "other";
}

/** The code of openid-client's error. */
export function errorCode(error: unknown): string | undefined {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return typeof code === "string" && /^[A-Z][A-Z_]{0,63}$/.test(code) ? code : undefined;
}

/** The status of the answer that openid-client's error is about; undefined if it is about none. */
export function statusOf(error: unknown): number | undefined {
  if (error instanceof ResponseBodyError || error instanceof WWWAuthenticateChallengeError)
    return error.status;
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Response ? cause.status : undefined;
}
