import { issuerUnavailable } from "./issuer-fetch.ts";
import { type AddressRules, isAcceptableAddress } from "./issuer-url.ts";

/** An issuer's own metadata, as far as it is used here (OpenID Connect Discovery §3, RFC 9207 §3). */
export interface IssuerMetadata {
  readonly issuer: string;
  readonly jwks_uri: string;
  readonly authorization_endpoint?: string;
  readonly token_endpoint?: string;
  readonly userinfo_endpoint?: string;
  readonly scopes_supported?: string[];
  readonly token_endpoint_auth_methods_supported?: string[];
  readonly id_token_signing_alg_values_supported?: string[];
  readonly userinfo_signing_alg_values_supported?: string[];
  readonly authorization_response_iss_parameter_supported?: boolean;
}

const ENDPOINTS = ["authorization_endpoint", "token_endpoint", "userinfo_endpoint"] as const;
const LISTS = [
  "scopes_supported",
  "token_endpoint_auth_methods_supported",
  "id_token_signing_alg_values_supported",
  "userinfo_signing_alg_values_supported",
] as const;

/**
 * Reads an issuer's configuration document.
 *
 * An optional member that is malformed, or an endpoint at an address that may not be used, counts as absent.
 *
 * @throws DomainError `unavailable` if the document is not this issuer's or names no usable key set
 */
export function readIssuerMetadata(value: unknown, issuer: string, rules: AddressRules): IssuerMetadata {
  if (!isObject(value)) throw issuerUnavailable("its configuration is not an object");
  // Discovery §4.3: anything but the very same text is another issuer, which could speak for this one.
  if (value["issuer"] !== issuer) throw issuerUnavailable("its configuration names another issuer");
  const jwksUri = value["jwks_uri"];
  if (typeof jwksUri !== "string" || !isAcceptableAddress(jwksUri, rules)) {
    throw issuerUnavailable("its configuration names no usable key set");
  }
  const metadata: { -readonly [Member in keyof IssuerMetadata]: IssuerMetadata[Member] } = {
    issuer,
    jwks_uri: jwksUri,
  };
  for (const member of ENDPOINTS) {
    const address = value[member];
    if (typeof address === "string" && isAcceptableAddress(address, rules)) metadata[member] = address;
  }
  for (const member of LISTS) {
    const list = value[member];
    if (isTexts(list)) metadata[member] = list;
  }
  if (value["authorization_response_iss_parameter_supported"] === true) {
    metadata.authorization_response_iss_parameter_supported = true;
  }
  return metadata;
}

/** Whether a value is a JSON object. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}
