import { OAuthError, type OAuthErrorCode } from "../../domain/oauth-error.ts";
import type { ProblemCode } from "../../words/problem-codes.ts";
import { problemHeaders } from "./problem.ts";
import { type Problem, problem } from "./problem-document.ts";
import type { Reply } from "./reply.ts";

const CODES: Partial<Readonly<Record<OAuthErrorCode, ProblemCode>>> = {
  invalid_client: "unauthenticated",
  temporarily_unavailable: "unavailable",
};

/** The problem of an OAuth error. */
export function problemOfOAuth({ code, message }: OAuthError): Problem {
  return problem(CODES[code] ?? "invalid_request", message);
}

/** OAuth's word for a problem that only the service has one for. */
function errorOf({ status }: Problem): string {
  if (status === 401) return "invalid_client";
  if (status === 403) return "unauthorized_client";
  if (status === 429 || status === 503) return "temporarily_unavailable";
  return status >= 500 ? "server_error" : "invalid_request";
}

/**
 * Answers an error of an OAuth endpoint: the problem's members, and OAuth's own beside them (RFC 6749 §5.2). Stock clients read
 * it as `application/json` alone.
 */
export function oauthProblemReply(said: Problem, error: unknown): Reply {
  const code = error instanceof OAuthError ? error.code : errorOf(said);
  // Quotes and backslashes may not stand in a description.
  const description = said.detail.replace(/[^\x20\x21\x23-\x5b\x5d-\x7e]/g, "'");
  return {
    status: said.status,
    body: JSON.stringify({ ...said, error: code, error_description: description }),
    headers: {
      "content-type": "application/json",
      ...problemHeaders(said.code),
      ...(said.status === 401 ? { "www-authenticate": 'Basic realm="bakehouse"' } : {}),
    },
    code: said.code,
  };
}
