import { BEARER, DPOP } from "../../words/http.ts";

/** The contents of an `Authorization` header. */
export type Bearer =
  | { readonly state: "none" }
  | { readonly state: "malformed" }
  | { readonly state: "token"; readonly token: string };

/** Reads an `Authorization` header, `Bearer` or `DPoP`. A credential of another scheme is no token. */
export function readBearer(header: string | null | undefined): Bearer {
  if (header === null || header === undefined || header === "") return { state: "none" };
  const text = header.trim();
  const token = (BEARER.exec(text) ?? DPOP.exec(text))?.[1];
  if (token !== undefined) return { state: "token", token };
  return /^(?:bearer|dpop)\b/i.test(header) ? { state: "malformed" } : { state: "none" };
}
