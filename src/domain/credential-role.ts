import { SERVICE_PLATFORM } from "./ports/platforms.ts";
import type { Principal } from "./ports/principals.ts";
import type { TokenFilter } from "./ports/tokens.ts";

/** Whose credential a macaroon of the reserved platform is. */
export type CredentialRole =
  | { readonly role: "administrator"; readonly platform: undefined }
  | { readonly role: "platform"; readonly platform: string };

/**
 * The issuer of the principals that stand for the service's own callers. No OIDC issuer can have this
 * name: theirs are URLs.
 */
export const CREDENTIAL_ISSUER = "bakehouse";

const PLATFORM_PREFIX = "platform:";

/** The subject of the principal that a credential is issued to. */
export function subjectOfRole(role: CredentialRole): string {
  return role.role === "platform" ? PLATFORM_PREFIX + role.platform : role.role;
}

/**
 * Reads from a principal what its credential is good for. The principal's id stands in the identifier,
 * under the signature, so this is the issuer's word and nothing that a holder appended.
 */
export function roleOf(
  principal: Pick<Principal, "platform" | "issuer" | "subject">,
): CredentialRole | undefined {
  if (principal.platform !== SERVICE_PLATFORM || principal.issuer !== CREDENTIAL_ISSUER) return undefined;
  if (principal.subject === "administrator") return { role: "administrator", platform: undefined };
  if (!principal.subject.startsWith(PLATFORM_PREFIX)) return undefined;
  return { role: "platform", platform: principal.subject.slice(PLATFORM_PREFIX.length) };
}

/** The credentials of one platform, among the tokens of the reserved one. */
export function credentialsOf(platform: string): TokenFilter {
  const subject = subjectOfRole({ role: "platform", platform });
  return { platform: SERVICE_PLATFORM, human: { issuer: CREDENTIAL_ISSUER, subject } };
}
