/** Characters of the longest URI of a call. */
const LONGEST = 8_192;

/** What a URI of http is written in (RFC 3986) before its query. Others read differently with different readers. */
const HTTP = /^https?:\/\/[A-Za-z0-9\-._~:[\]!$&'()*+,;=%|]+(?:\/[A-Za-z0-9\-._~:/[\]@!$&'()*+,;=%|]*)?$/i;
const ESCAPE = /%([0-9A-Fa-f]{2})?/g;
const UNRESERVED = /[A-Za-z0-9\-._~]/;

/**
 * The target of a call, without query and fragment, in the one form that RFC 3986 §6.2.2 and §6.2.3 give it: scheme and host in
 * lower case, the usual port left out, dot segments resolved, escapes in upper case where they are needed at all.
 *
 * @returns undefined for what is no URI of http or https, or names a user
 */
export function targetOf(uri: string): string | undefined {
  if (uri.length > LONGEST) return undefined;
  const [target = ""] = uri.split(/[?#]/, 1);
  if (!HTTP.test(target) || !URL.canParse(target)) return undefined;
  const { protocol, host, pathname } = new URL(target);
  let isWhole = true;
  const path = pathname.replace(ESCAPE, (found, hex: string | undefined) => {
    if (hex === undefined) isWhole = false;
    const character = String.fromCharCode(Number.parseInt(hex ?? "", 16));
    return UNRESERVED.test(character) ? character : found.toUpperCase();
  });
  return isWhole ? `${protocol}//${host}${path}` : undefined;
}
