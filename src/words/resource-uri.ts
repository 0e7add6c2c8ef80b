/** The canonical URI of a resource, or the reason why a text names none. */
export type ResourceUri =
  | {
      readonly ok: true;
      /** The one spelling by which the resource is known. */
      readonly uri: string;
      /** Its host without the port. */
      readonly host: string;
    }
  | { readonly ok: false; readonly why: string };

/** Most characters of a resource's URI. */
export const RESOURCE_URI = 1_000;

const FORM = /^([A-Za-z][A-Za-z0-9+.-]*):\/\/([^/?#]*)([^?#]*)(\?[^#]*)?(#.*)?$/;
const VISIBLE = /^[\x21-\x7e]+$/;
/** What may stand in a path and a query (RFC 3986 §3.3 and §3.4), a triplet for everything else. */
const PATH = /^(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})*$/;
const QUERY = /^\?(?:[A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2})+$/;
const HOST = /^(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/;
const IPV4 = /^(?:(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])(?:\.(?!$)|$)){4}$/;
const PORT = /^(?:0|[1-9][0-9]{0,4})$/;
const UNRESERVED = /[A-Za-z0-9._~-]/;

/** Hosts of one's own machine: nobody listens on the way there. */
const LOOPBACK: ReadonlySet<string> = new Set(["localhost", "127.0.0.1", "[::1]"]);
const DEFAULT_PORTS: Readonly<Record<string, string>> = { https: "443", http: "80" };

function no(why: string): ResourceUri {
  return { ok: false, why };
}

/**
 * Reads the URI of a resource (RFC 8707 §2) and writes it in its one canonical spelling: scheme and host in lower case, no
 * default port, no slash as the whole path (RFC 3986 §6.2). Any other slash at the end means something and stays.
 *
 * Two spellings that a server may take for the same and that are not brought together here are refused: dot segments, empty
 * segments, triplets of characters that need none, hosts that are numbers.
 *
 * @example
 * readResourceUri("HTTPS://MCP.example.com:443/mcp"); // { ok: true, uri: "https://mcp.example.com/mcp", … }
 */
export function readResourceUri(text: string): ResourceUri {
  if (text.length > RESOURCE_URI) return no(`has more than ${RESOURCE_URI} characters`);
  if (!VISIBLE.test(text))
    return no("must be a URI in visible ASCII: write other characters as triplets, hosts in punycode");
  const [, scheme = "", authority = "", path = "", query = "", fragment] = FORM.exec(text) ?? [];
  const protocol = scheme.toLowerCase();
  if (protocol !== "https" && protocol !== "http") return no("must be an absolute https URI");
  if (fragment !== undefined) return no("must have no fragment");
  if (authority.includes("@")) return no("must have no user information");
  const place = readAuthority(authority.toLowerCase(), protocol);
  if (place === undefined) return no("must name a host, with a port from 1 to 65535 or none");
  if (protocol === "http" && !LOOPBACK.has(place.host)) {
    return no("must be https; http is only for localhost, 127.0.0.1 and [::1]");
  }
  const fault = pathFault(path) ?? queryFault(query);
  if (fault !== undefined) return no(fault);
  const rest = upperTriplets(path === "/" ? query : path + query);
  return { ok: true, uri: `${protocol}://${place.host}${place.port}${rest}`, host: place.host };
}

function readAuthority(authority: string, protocol: string): { host: string; port: string } | undefined {
  const [, host = "", colon = "", digits = ""] = /^(\[[^\]]*\]|[^:]*)(:?)(.*)$/.exec(authority) ?? [];
  if (!isHost(host)) return undefined;
  if (colon === "") return digits === "" ? { host, port: "" } : undefined;
  if (!PORT.test(digits) || Number(digits) < 1 || Number(digits) > 65_535) return undefined;
  return { host, port: digits === DEFAULT_PORTS[protocol] ? "" : `:${digits}` };
}

function isHost(host: string): boolean {
  // An IPv6 address has many spellings, and nobody names a resource by one, but for tests on one's own machine.
  if (host.startsWith("[")) return host === "[::1]";
  // A name whose last label is a number is an address to many readers (WHATWG URL §3.5).
  if (/(?:^|\.)(?:[0-9]+|0x[0-9a-f]*)$/.test(host)) return IPV4.test(host);
  return HOST.test(host);
}

function pathFault(path: string): string | undefined {
  if (!PATH.test(path)) return "has characters in its path that must be triplets";
  const segments = path.split("/").slice(1);
  if (segments.some((segment) => segment === "." || segment === "..")) return "must have no dot segments";
  if (segments.slice(0, -1).includes("")) return "must have no empty segments";
  return tripletFault(path);
}

function queryFault(query: string): string | undefined {
  if (query !== "" && !QUERY.test(query))
    return "has characters in its query that must be triplets, or an empty query";
  return tripletFault(query);
}

function tripletFault(text: string): string | undefined {
  for (const [triplet] of text.matchAll(/%[0-9A-Fa-f]{2}/g)) {
    const code = Number.parseInt(triplet.slice(1), 16);
    if (UNRESERVED.test(String.fromCharCode(code))) return "has triplets of characters that need none";
    if (code < 0x20 || code === 0x7f) return "has triplets of control characters";
    // Servers decode them into other segments.
    if (triplet.toUpperCase() === "%2F" || triplet.toUpperCase() === "%5C") return "has a slash as a triplet";
  }
  return undefined;
}

function upperTriplets(text: string): string {
  return text.replace(/%[0-9A-Fa-f]{2}/g, (triplet) => triplet.toUpperCase());
}

const WILDCARD = "*.";

/**
 * Why a text is no entry of `resource_hosts`; undefined for one. That is a host, or `*.` and a name of at least two labels.
 *
 * @example
 * hostFault("*.acme.example"); // undefined
 */
export function hostFault(text: string): string | undefined {
  const name = text.startsWith(WILDCARD) ? text.slice(WILDCARD.length) : text;
  if (!isHost(name)) return "must be a host in lower case without a port, or *. and a name";
  const isName = !name.startsWith("[") && !IPV4.test(name);
  if (name !== text && !(isName && name.includes("."))) return "must have a name of two labels behind *.";
  return undefined;
}

/**
 * Whether an entry of `resource_hosts` covers a host. A `*` stands for one label, as in certificates: not for none and not
 * for several.
 */
export function coversHost(entry: string, host: string): boolean {
  if (!entry.startsWith(WILDCARD)) return entry === host;
  const dot = host.indexOf(".");
  return dot > 0 && host.slice(dot) === entry.slice(1);
}
