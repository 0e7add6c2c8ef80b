import type { Randomness } from "../domain/ports/randomness.ts";
import type { IssuerMetadata } from "./issuer-metadata.ts";

/** 256 random bits as base64url: a state, a nonce, or a PKCE code verifier (RFC 7636 §4.1: 43 to 128 characters). */
export function randomText(randomness: Randomness): string {
  return randomness.bytes(32).toBase64({ alphabet: "base64url", omitPadding: true });
}

/**
 * The beginning of every nonce of a browser's login here. An ID token with such a nonce is no bearer credential: it may
 * stand in the address line of a logout, and nobody but this service is ever given one otherwise.
 */
export const LOGIN_NONCE = "bakehouse-login.";

const STANDARD_SCOPES = ["openid", "profile", "email"];
const WANTED_SCOPES = [...STANDARD_SCOPES, "groups"];

/**
 * The scopes to ask for: `openid` always, the others as far as the issuer advertises them, since an
 * issuer may refuse a request with a scope that it does not know (RFC 6749 §3.3). An issuer that
 * advertises none is asked for the standard ones (OpenID Connect Core §5.4).
 */
export function scopesFor(metadata: IssuerMetadata): string {
  const advertised = metadata.scopes_supported;
  if (advertised === undefined) return STANDARD_SCOPES.join(" ");
  return WANTED_SCOPES.filter((scope) => scope === "openid" || advertised.includes(scope)).join(" ");
}

/** How a client proves itself at the token endpoint. */
export type ClientAuthentication =
  | "none"
  | "client_secret_basic"
  | "client_secret_post"
  | "client_secret_jwt";

/**
 * The way to authenticate: the first that the issuer advertises. Without an advertisement it is
 * `client_secret_basic` (OpenID Connect Discovery §3).
 */
export function clientAuthenticationFor(metadata: IssuerMetadata, hasSecret: boolean): ClientAuthentication {
  if (!hasSecret) return "none";
  const advertised = metadata.token_endpoint_auth_methods_supported;
  if (advertised === undefined || advertised.includes("client_secret_basic")) return "client_secret_basic";
  if (advertised.includes("client_secret_post")) return "client_secret_post";
  if (advertised.includes("client_secret_jwt")) return "client_secret_jwt";
  return "client_secret_basic";
}
