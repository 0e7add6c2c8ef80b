/** The names of this service's cookies. */
export interface CookieNames {
  readonly session: string;
  readonly login: string;
}

/**
 * Chooses the cookies' names.
 *
 * The prefix makes browsers accept the cookie only with `Secure`, without a domain and for the whole
 * origin, so that no neighbouring host can plant one. Clients differ about it on http, so it has another
 * name there, and only one of the two is ever accepted.
 */
export function cookieNames(https: boolean): CookieNames {
  const prefix = https ? "__Host-" : "";
  return { session: `${prefix}bakehouse`, login: `${prefix}bakehouse-login` };
}

const VALUE = /^[A-Za-z0-9._~-]{1,4096}$/;

/**
 * Finds a cookie's value (RFC 6265 §5.4).
 *
 * @returns undefined where it is absent or not a value of ours, and where it occurs twice: one of the two
 * was then planted from somewhere else
 */
export function readCookie(header: string | null, name: string): string | undefined {
  const value = onlyCookie(header, name);
  return value !== undefined && VALUE.test(value) ? value : undefined;
}

/** Most cookies that are looked through; of a longer header nothing is believed. */
const MOST_COOKIES = 200;

/** The one value that a cookie's name has in a header; undefined where it has none or several. */
export function onlyCookie(header: string | null, name: string): string | undefined {
  const pairs = (header ?? "").split(";", MOST_COOKIES + 1);
  if (pairs.length > MOST_COOKIES) return undefined;
  const values = pairs
    .map((pair) => pair.trim())
    .filter((pair) => pair.startsWith(`${name}=`))
    .map((pair) => pair.slice(name.length + 1));
  return values.length === 1 ? values[0] : undefined;
}

/** A `Set-Cookie` value (RFC 6265 §4.1). @param maxAge seconds; 0 clears it */
export function setCookie(name: string, value: string, maxAge: number, https: boolean): string {
  const secure = https ? "; Secure" : "";
  return `${name}=${value}; Path=/; Max-Age=${Math.max(0, Math.floor(maxAge))}; HttpOnly; SameSite=Lax${secure}`;
}
