const BASIC = /^basic +([A-Za-z0-9+/]+={0,2})$/i;

/** A value of the form `application/x-www-form-urlencoded`. @returns undefined for one that is none */
function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    return undefined;
  }
}

/**
 * Reads `Basic` credentials of OAuth (RFC 7617): both parts are written as in a form (RFC 6749 §2.3.1).
 *
 * @param header the whole `Authorization`
 * @returns undefined for another scheme, and for what is malformed. Either part may be empty
 */
export function readBasic(header: string): { readonly id: string; readonly secret: string } | undefined {
  const encoded = BASIC.exec(header)?.[1];
  if (encoded === undefined) return undefined;
  const text = Buffer.from(encoded, "base64").toString("utf8");
  const colon = text.indexOf(":");
  const id = colon < 0 ? undefined : decoded(text.slice(0, colon));
  const secret = decoded(text.slice(colon + 1));
  return id === undefined || secret === undefined ? undefined : { id, secret };
}
