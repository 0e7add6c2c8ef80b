import { decodeJwt } from "jose";

import { isText } from "../domain/parts/token-claims.ts";

/** The parts of a logout. */
export interface Logout {
  readonly clientId: string;
  /** The login's, by which the front page is found. */
  readonly redirectUri: string;
  /** The ID token of the login; undefined if it was not kept. */
  readonly hint: string | undefined;
}

/**
 * The address at which an issuer ends its session (OpenID Connect RP-Initiated Logout §2).
 *
 * Okta and ADFS insist on the ID token; where it was too long to be kept, Keycloak asks the person and Entra does
 * without. `logout_hint` is what Entra calls the person in its optional claim `login_hint`.
 */
export function endSessionUrl(endpoint: string, { clientId, redirectUri, hint }: Logout): string {
  const url = new URL(endpoint);
  url.searchParams.set("client_id", clientId);
  url.searchParams.set("post_logout_redirect_uri", new URL("/", redirectUri).href);
  if (hint !== undefined) {
    url.searchParams.set("id_token_hint", hint);
    const person = decodeJwt(hint)["login_hint"];
    if (isText(person, 1_024)) url.searchParams.set("logout_hint", person);
  }
  return url.href;
}
