import { issuerUnavailable, shownAddress } from "./issuer-fetch.ts";
import { type AddressRules, addressFault, isAcceptableAddress } from "./issuer-url.ts";

/** The endpoints that a description names and that may not be used: why, each by its name. */
export type UnusableEndpoints = Readonly<Partial<Record<(typeof ENDPOINTS)[number], string>>>;

/** An issuer's own metadata, as far as it is used here (OpenID Connect Discovery §3, RFC 9207 §3). */
export interface IssuerMetadata {
  readonly issuer: string;
  readonly jwks_uri: string;
  readonly authorization_endpoint?: string;
  readonly token_endpoint?: string;
  readonly userinfo_endpoint?: string;
  /** OpenID Connect RP-Initiated Logout §2.1. */
  readonly end_session_endpoint?: string;
  readonly scopes_supported?: string[];
  readonly token_endpoint_auth_methods_supported?: string[];
  readonly id_token_signing_alg_values_supported?: string[];
  readonly userinfo_signing_alg_values_supported?: string[];
  readonly authorization_response_iss_parameter_supported?: boolean;
}

const ENDPOINTS = [
  "authorization_endpoint",
  "token_endpoint",
  "userinfo_endpoint",
  "end_session_endpoint",
] as const;
const LISTS = [
  "scopes_supported",
  "token_endpoint_auth_methods_supported",
  "id_token_signing_alg_values_supported",
  "userinfo_signing_alg_values_supported",
] as const;

/** An issuer's metadata, and the parts of them that may not be used. */
export interface IssuerDescription {
  readonly metadata: IssuerMetadata;
  readonly unusable: UnusableEndpoints;
}

/**
 * Reads an issuer's configuration document.
 *
 * An optional member that is malformed counts as absent. So does an endpoint at an address that may not be used, and
 * the answer says why.
 *
 * @throws DomainError `unavailable` if the document is not this issuer's or names no usable key set
 */
export function readIssuerMetadata(value: unknown, issuer: string, rules: AddressRules): IssuerDescription {
  /** An address of the back channel as browsers know it. Only the fetch leads requests over the back channel. */
  function inPublic(address: string): string {
    const url = URL.parse(address);
    if (url === null || rules.backChannel === undefined || url.origin !== rules.backChannel) return address;
    return `${new URL(issuer).origin}${url.pathname}${url.search}`;
  }

  if (!isObject(value)) throw issuerUnavailable("its configuration is not an object");
  // Discovery §4.3: anything but the very same text is another issuer, which could speak for this one.
  if (value["issuer"] !== issuer) {
    const other = typeof value["issuer"] === "string" ? value["issuer"] : "";
    throw issuerUnavailable("its configuration names another issuer", { issuer: shownAddress(other) });
  }
  const jwksUri = value["jwks_uri"];
  if (typeof jwksUri !== "string") throw issuerUnavailable("its configuration names no key set");
  if (!isAcceptableAddress(jwksUri, rules)) {
    throw issuerUnavailable(`its configuration names a jwks_uri that ${addressFault(jwksUri)}`);
  }
  const metadata: { -readonly [Member in keyof IssuerMetadata]: IssuerMetadata[Member] } = {
    issuer,
    jwks_uri: inPublic(jwksUri),
  };
  const unusable: { -readonly [Member in keyof UnusableEndpoints]: string } = {};
  for (const member of ENDPOINTS) {
    const address = value[member];
    if (typeof address !== "string") continue;
    if (isAcceptableAddress(address, rules)) metadata[member] = inPublic(address);
    else unusable[member] = addressFault(address);
  }
  for (const member of LISTS) {
    const list = value[member];
    if (isTexts(list)) metadata[member] = list;
  }
  if (value["authorization_response_iss_parameter_supported"] === true) {
    metadata.authorization_response_iss_parameter_supported = true;
  }
  return { metadata, unusable };
}

/** Whether a value is a JSON object. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}
