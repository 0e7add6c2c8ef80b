import type { Identity } from "../../src/domain/ports/sessions.ts";

/** A person of whom an issuer says nothing but who they are. */
export function identityOf(issuer: string, subject: string): Identity {
  return {
    issuer,
    subject,
    email: null,
    name: null,
    groups: [],
    authenticatedAt: null,
    acr: null,
    development: false,
  };
}
