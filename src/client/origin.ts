const LOOPBACK: ReadonlySet<string> = new Set(["127.0.0.1", "localhost", "[::1]"]);

/** Whether a URL is safe to send a secret to: https, or this machine itself. */
export function isPrivateChannel(url: URL): boolean {
  return url.protocol === "https:" || (url.protocol === "http:" && LOOPBACK.has(url.hostname));
}

/**
 * The origin that a location names, spelled as browsers compare origins; undefined if it is anything else.
 *
 * Any holder may have written the location that stands in a token. So it is an origin and no more: a path
 * would let them choose the page that is asked for at an allowed origin, and a user name makes one look like another.
 */
export function originOf(location: string): string | undefined {
  const url = URL.canParse(location) ? new URL(location) : undefined;
  if (url === undefined || (url.protocol !== "https:" && url.protocol !== "http:")) return undefined;
  const { username, password, pathname, search, hash } = url;
  return username === "" && password === "" && pathname === "/" && search === "" && hash === ""
    ? url.origin
    : undefined;
}

/**
 * A page that a human can be sent to, normalised; undefined for anything else than a web page.
 *
 * Over plain http only if the party itself was asked so: else anybody on the way could change the page.
 */
export function pageOf(text: string, askedAt: string): string | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || url.username !== "" || url.password !== "") return undefined;
  return url.protocol === "https:" || (url.protocol === "http:" && url.origin === askedAt)
    ? url.href
    : undefined;
}
