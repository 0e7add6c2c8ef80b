const LOOPBACK: ReadonlySet<string> = new Set(["127.0.0.1", "localhost", "[::1]"]);

/** Whether a URL is safe to send a secret to: https, or this machine itself. */
export function isPrivateChannel(url: URL): boolean {
  return url.protocol === "https:" || (url.protocol === "http:" && LOOPBACK.has(url.hostname));
}

/**
 * The address of a service, for a client that will send secrets there.
 *
 * @param insecureHttp whether plain http to another machine will do
 * @throws TypeError that names the cure
 */
export function serviceOf(url: unknown, insecureHttp: boolean): URL {
  const like = "the service's address, such as https://bakehouse.example";
  if (typeof url !== "string" || url.trim() === "") {
    throw new TypeError(`url is missing: give ${like}; is the variable set that it comes from?`);
  }
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed === undefined || (parsed.protocol !== "https:" && parsed.protocol !== "http:")) {
    throw new TypeError(`url must be ${like}: it begins with https://, or on this machine with http://`);
  }
  if (/\/v1\/?$/.test(parsed.pathname)) {
    throw new TypeError("url must be the service's address alone: leave /v1 out, which the library adds");
  }
  if (!insecureHttp && !isPrivateChannel(parsed)) {
    throw new TypeError(
      "url must be https, unless the service is on this machine: over plain http anybody on the way can read the credential and the tokens; if the network between is your own, say insecureHttp: true",
    );
  }
  return parsed;
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
