import { isLoopbackHost } from "../domain/access/this-machine.ts";

/** How far an issuer's addresses are trusted. */
export interface AddressRules {
  /** Also accept http, but only to this machine. Never for an issuer that others can reach. */
  readonly allowInsecureIssuer: boolean;
  /** The origin at which the issuer is reached in place of its own; http is accepted there. */
  readonly backChannel?: string | undefined;
}

/**
 * Whether requests may go to this address: https, or http to this machine if that is allowed.
 * An address with a user name or password in it is refused: it would end up in logs.
 */
export function isAcceptableAddress(address: string, rules: AddressRules): boolean {
  const url = URL.parse(address);
  if (url === null || url.username !== "" || url.password !== "") return false;
  if (url.protocol === "https:" || url.origin === rules.backChannel) return true;
  return url.protocol === "http:" && rules.allowInsecureIssuer && isLoopbackHost(url.hostname);
}

/** Why requests may not go to an address that is not acceptable: a phrase that goes behind its name. */
export function addressFault(address: string): string {
  const url = URL.parse(address);
  if (url === null) return "is no address";
  if (url.username !== "" || url.password !== "") return "holds credentials";
  return url.protocol === "http:" ? "is http and not https" : "is not https";
}

/**
 * Checks an issuer identifier (OpenID Connect Core §2): an address without query and fragment.
 *
 * @throws TypeError if it is none, or if its scheme is not allowed; the message does not echo it
 */
export function checkIssuer(issuer: string, rules: AddressRules): void {
  if (!isAcceptableAddress(issuer, rules)) {
    throw new TypeError(
      "issuer must be an https address without credentials; http is for loopback hosts only",
    );
  }
  if (/[?#\s]/.test(issuer)) throw new TypeError("issuer must have neither query nor fragment");
}

/** The address of an issuer's own description (OpenID Connect Discovery §4). */
export function discoveryAddress(issuer: string): string {
  return `${issuer.endsWith("/") ? issuer.slice(0, -1) : issuer}/.well-known/openid-configuration`;
}
