import { LIMITS } from "../../macaroon/index.ts";
import { BEARER } from "../../words/http.ts";
/** The contents of an `Authorization` header. */
export type Authorization =
  | { readonly kind: "absent" }
  | { readonly kind: "bearer"; readonly token: string }
  /** `detail` is public. */
  | { readonly kind: "malformed"; readonly detail: string };

/** Longest credential, characters: as much as a token may have. The server limits all headers together. */
export const MAX_CREDENTIAL = LIMITS.bundleBytes;

/** Reads the header, strictly. A header that is there but unusable is never treated as absent. */
export function parseAuthorization(header: string | null): Authorization {
  if (header === null) return { kind: "absent" };
  if (header.length > MAX_CREDENTIAL) return { kind: "malformed", detail: "credential is too large" };
  const token = BEARER.exec(header)?.[1];
  if (token !== undefined) return { kind: "bearer", token };
  return { kind: "malformed", detail: "Authorization must be Bearer, spaces and one credential" };
}
