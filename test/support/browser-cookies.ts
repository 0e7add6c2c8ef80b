/** Cookies as a browser keeps them (RFC 6265, RFC 6265bis §5.7), as far as one host and its pages need. */
export interface CookieJar {
  /** Keeps what a response from this address sets. */
  store(from: URL, setCookie: readonly string[]): void;
  /** The Cookie header of a request; undefined if there is nothing to send. */
  header(to: URL, request: CookieRequest): string | undefined;
  /** The value of a cookie that would be sent to this address by a link followed there. */
  get(name: string, to: URL): string | undefined;
  /** Every cookie with its attributes, for tests that look at them. */
  list(): readonly Cookie[];
}

/** What decides over SameSite. */
interface CookieRequest {
  /** The site that the request comes from; undefined for an address that was typed in. */
  readonly from?: URL | undefined;
  readonly method: string;
}

/** A cookie in the jar. */
interface Cookie {
  readonly name: string;
  readonly value: string;
  readonly host: string;
  readonly path: string;
  readonly secure: boolean;
  readonly httpOnly: boolean;
  readonly sameSite: "strict" | "lax" | "none";
  /** Unix milliseconds; undefined for one that ends with the browser. */
  readonly expires: number | undefined;
}

/** An empty jar. All cookies are host-only: a Domain attribute for another host is refused. */
export function createCookieJar(): CookieJar {
  let cookies: readonly Cookie[] = [];

  function matching(to: URL, { from, method }: CookieRequest): readonly Cookie[] {
    cookies = cookies.filter(({ expires }) => expires === undefined || expires > Date.now());
    // A site is a scheme and a host; ports of one host are the same site.
    const sameSite = from === undefined || (from.protocol === to.protocol && from.hostname === to.hostname);
    return cookies
      .filter(({ host, path, secure }) => {
        return host === to.hostname && pathMatches(to.pathname, path) && (!secure || isSecure(to));
      })
      .filter((cookie) => {
        if (sameSite || cookie.sameSite === "none") return true;
        return cookie.sameSite === "lax" && (method === "GET" || method === "HEAD");
      })
      .toSorted((a, b) => b.path.length - a.path.length);
  }

  return {
    store(from, setCookie) {
      for (const line of setCookie) {
        const cookie = parseSetCookie(line, from);
        if (cookie === undefined) continue;
        cookies = cookies.filter(
          ({ name, host, path }) => name !== cookie.name || host !== cookie.host || path !== cookie.path,
        );
        if (cookie.expires === undefined || cookie.expires > Date.now()) cookies = [...cookies, cookie];
      }
    },
    header(to, request) {
      const sent = matching(to, request);
      return sent.length === 0 ? undefined : sent.map(({ name, value }) => `${name}=${value}`).join("; ");
    },
    get: (name, to) => matching(to, { method: "GET" }).find((cookie) => cookie.name === name)?.value,
    list: () => cookies,
  };
}

function parseSetCookie(line: string, from: URL): Cookie | undefined {
  const [pair = "", ...rest] = line.split(";");
  const equals = pair.indexOf("=");
  if (equals < 1) return undefined;
  const attributes = new Map(
    rest.map((part): [string, string] => {
      const [name = "", ...value] = part.split("=");
      return [name.trim().toLowerCase(), value.join("=").trim()];
    }),
  );
  const name = pair.slice(0, equals).trim();
  const path = attributes.get("path");
  const domain = attributes.get("domain");
  const secure = attributes.has("secure");
  const sameSite = attributes.get("samesite")?.toLowerCase();
  if (domain !== undefined && domain.replace(/^\./, "") !== from.hostname) return undefined;
  if (secure && !isSecure(from)) return undefined;
  if (sameSite === "none" && !secure) return undefined;
  if (name.startsWith("__Host-") && !(secure && path === "/" && domain === undefined)) return undefined;
  if (name.startsWith("__Secure-") && !secure) return undefined;
  return {
    name,
    value: pair.slice(equals + 1).trim(),
    host: from.hostname,
    path: path?.startsWith("/") === true ? path : defaultPath(from.pathname),
    secure,
    httpOnly: attributes.has("httponly"),
    sameSite: sameSite === "strict" || sameSite === "none" ? sameSite : "lax",
    expires: expiry(attributes.get("max-age"), attributes.get("expires")),
  };
}

function expiry(maxAge: string | undefined, expires: string | undefined): number | undefined {
  if (maxAge !== undefined && /^-?\d+$/.test(maxAge)) return Date.now() + Number(maxAge) * 1_000;
  const at = expires === undefined ? Number.NaN : Date.parse(expires);
  return Number.isNaN(at) ? undefined : at;
}

/** Browsers differ about Secure cookies on http loopback; this one is strict. */
function isSecure(url: URL): boolean {
  return url.protocol === "https:";
}

function defaultPath(path: string): string {
  const slash = path.lastIndexOf("/");
  return slash <= 0 ? "/" : path.slice(0, slash);
}

function pathMatches(path: string, cookiePath: string): boolean {
  if (path === cookiePath) return true;
  return path.startsWith(cookiePath) && (cookiePath.endsWith("/") || path[cookiePath.length] === "/");
}
