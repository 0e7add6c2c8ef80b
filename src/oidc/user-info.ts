import { type Configuration, fetchUserInfo } from "openid-client";

import { DomainError } from "../domain/parts/error.ts";
import type { Claims } from "./id-token-claims.ts";

const WANTED = ["name", "email", "groups"];

/**
 * Adds the claims that an ID token leaves to the UserInfo endpoint.
 *
 * If an access token is issued too, the claims of the scopes `profile` and `email` come from there
 * (OpenID Connect Core §5.4), and many issuers then leave them out of the ID token. Only absent claims
 * are added: the claims of the ID token are signed. `email` and `email_verified` are taken together, because a
 * verification in one document says nothing about the address in another.
 *
 * Rejects with a DomainError `unavailable` if the endpoint did not answer. An answer that can't be used,
 * also one about another subject (§5.3.2), adds nothing.
 */
export async function addUserInfo(
  config: Configuration,
  accessToken: string,
  subject: string,
  claims: Claims,
): Promise<Claims> {
  const endpoint = config.serverMetadata().userinfo_endpoint;
  if (endpoint === undefined || WANTED.every((claim) => claims[claim] !== undefined)) return claims;
  let info: Claims;
  try {
    info = await fetchUserInfo(config, accessToken, subject);
  } catch (error) {
    const cause = error instanceof Error ? error.cause : undefined;
    if (cause instanceof DomainError) throw cause;
    return claims;
  }
  const added: Record<string, unknown> = { ...claims };
  for (const claim of ["name", "groups"]) added[claim] ??= info[claim];
  if (claims["email"] === undefined) {
    added["email"] = info["email"];
    added["email_verified"] = info["email_verified"];
  }
  return added;
}
