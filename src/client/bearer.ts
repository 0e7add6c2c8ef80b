/** What stood in an `Authorization` header. */
export type Bearer =
  | { readonly state: "none" }
  | { readonly state: "malformed" }
  | { readonly state: "token"; readonly token: string };

// Any base64 (RFC 6750 §2.1 says b64token). No comma and no white space: two headers joined into one are none.
const BEARER = /^bearer +([A-Za-z0-9+/_.~-]+=*)$/i;

/** Reads an `Authorization` header. A credential of another scheme is no token. */
export function readBearer(header: string | null | undefined): Bearer {
  if (header === null || header === undefined || header === "") return { state: "none" };
  const token = BEARER.exec(header.trim())?.[1];
  if (token !== undefined) return { state: "token", token };
  return /^bearer\b/i.test(header) ? { state: "malformed" } : { state: "none" };
}
