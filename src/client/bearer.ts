import { BEARER } from "../words/http.ts";
/** The contents of an `Authorization` header. */
export type Bearer =
  | { readonly state: "none" }
  | { readonly state: "malformed" }
  | { readonly state: "token"; readonly token: string };

/** Reads an `Authorization` header. A credential of another scheme is no token. */
export function readBearer(header: string | null | undefined): Bearer {
  if (header === null || header === undefined || header === "") return { state: "none" };
  const token = BEARER.exec(header.trim())?.[1];
  if (token !== undefined) return { state: "token", token };
  return /^bearer\b/i.test(header) ? { state: "malformed" } : { state: "none" };
}
