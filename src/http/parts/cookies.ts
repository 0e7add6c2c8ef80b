/** The names of this service's cookies. */
export interface CookieNames {
  readonly session: string;
  /** Each login has a cookie of its own: this name, a hyphen, and the beginning of its state. */
  readonly login: string;
  /** The hint for the issuer when the session is ended. */
  readonly logout: string;
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
  return {
    session: `${prefix}bakehouse`,
    login: `${prefix}bakehouse-login`,
    // It goes to one path alone, which the other prefix does not allow. It opens for one session alone, so that
    // planting one does nothing.
    logout: `${https ? "__Secure-" : ""}bakehouse-logout`,
  };
}

/** Most cookies that are looked through; of a longer header nothing is believed. */
const MOST_COOKIES = 200;

/** Logins that can be under way in one browser. More of their cookies would reach the limits of proxies. */
const MOST_LOGINS = 4;

/** The name of one login's cookie. */
export function loginCookie(names: CookieNames, state: string): string {
  return `${names.login}-${state.slice(0, 16)}`;
}

/**
 * The cookies of a browser's oldest logins, which make room for another one. Browsers send the oldest first
 * (RFC 6265 §5.4).
 */
export function surplusLogins(header: string | null, names: CookieNames): readonly string[] {
  const begun = (header ?? "")
    .split(";", MOST_COOKIES)
    .map((pair) => pair.trim().split("=", 1)[0] ?? "")
    .filter((name) => name.startsWith(`${names.login}-`) && NAME.test(name));
  return begun.slice(0, Math.max(0, begun.length - MOST_LOGINS + 1));
}

const NAME = /^[\w-]{1,128}$/;

const VALUE = /^[A-Za-z0-9._~-]{1,4096}$/;

/**
 * Finds a cookie's value (RFC 6265 §5.4).
 *
 * @returns undefined if it is absent or not a value of ours, and where it occurs twice: one of the two
 * was then planted from somewhere else
 */
export function readCookie(header: string | null, name: string): string | undefined {
  const value = onlyCookie(header, name);
  return value !== undefined && VALUE.test(value) ? value : undefined;
}

/** The one value that a cookie's name has in a header; undefined if it has none or several. */
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
export function setCookie(name: string, value: string, maxAge: number, https: boolean, path = "/"): string {
  const secure = https ? "; Secure" : "";
  return `${name}=${value}; Path=${path}; Max-Age=${Math.max(0, Math.floor(maxAge))}; HttpOnly; SameSite=Lax${secure}`;
}
