import { type Configuration, fetchUserInfo } from "openid-client";

import { DomainError } from "../domain/parts/error.ts";
import type { Claims } from "./claims.ts";
import { type GroupsClaim, readGroups } from "./groups-claim.ts";
import type { UserInfo } from "./id-token-claims.ts";
import { errorCode, statusOf } from "./login-failure.ts";

/**
 * Asks the UserInfo endpoint for what an ID token leaves out.
 *
 * If an access token is issued too, the claims of the scopes `profile` and `email` come from there
 * (OpenID Connect Core §5.4), and many issuers then leave them out of the ID token.
 *
 * Rejects with a DomainError `unavailable` if the endpoint did not answer. An answer that can't be used, also one about
 * another subject (§5.3.2), is a value: whether the login can do without is for the reader of the claims to say.
 *
 * @param unusable why the endpoint may not be asked, if it may not
 */
export async function askUserInfo(
  config: Configuration,
  accessToken: string,
  claims: Claims,
  options: { readonly groupsClaim: GroupsClaim; readonly unusable: string | undefined },
): Promise<UserInfo> {
  const endpoint = config.serverMetadata().userinfo_endpoint;
  const lacksGroups = readGroups(claims, options.groupsClaim).kind !== "listed";
  if (!lacksGroups && claims["name"] !== undefined && claims["email"] !== undefined)
    return { kind: "unasked" };
  if (options.unusable !== undefined) {
    return failed(`the userinfo_endpoint ${options.unusable}`, { cause: "address" });
  }
  if (endpoint === undefined) return { kind: "unasked" };
  try {
    return { kind: "said", claims: await fetchUserInfo(config, accessToken, String(claims["sub"])) };
  } catch (error) {
    const cause = error instanceof Error ? error.cause : undefined;
    if (cause instanceof DomainError) throw cause;
    const status = statusOf(error);
    return status === undefined || status === 200
      ? failed("the answer of its UserInfo endpoint cannot be used", { cause: errorCode(error) ?? "answer" })
      : failed(`its UserInfo endpoint answered with status ${status}`, { cause: "http_status", status });
  }
}

function failed(reason: string, facts: Readonly<Record<string, string | number>>): UserInfo {
  return { kind: "failed", reason, facts: { step: "userinfo", ...facts } };
}
