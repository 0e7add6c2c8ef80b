import { parseAddress } from "../../caveats/values/address.ts";
import { isLoopbackAddress, isPublicAddress } from "../parts/public-address.ts";

/** Longest redirect URI, characters. */
const LONGEST = 1_000;

/** Visible ASCII but `#`: a fragment would hide the answer from the client, and browsers read `\` as `/`. */
const VISIBLE = /^[!-"$-[\]-~]+$/;

const LOOPBACK = /^http:\/\/(127\.0\.0\.1|\[::1\]|localhost)(?::([0-9]{1,5}))?(\/.*)?$/;

/** A scheme of one app on a device: a domain name read backwards (RFC 8252 §7.1). So `javascript:` and `data:` are none. */
const APP_SCHEME = /^[a-z][a-z0-9-]*(?:\.[a-z0-9-]+)+:\/{0,2}[^/]/;

/** Parameters of the answer: a redirect URI with one of its own would let the client read another answer than was given. */
const ANSWERED: ReadonlySet<string> = new Set([
  "code",
  "state",
  "iss",
  "error",
  "error_description",
  "error_uri",
]);

/** The receiver of an answer: a web site, a program on the person's own machine, or an app on their device. */
export type RedirectKind = "web" | "loopback" | "app";

/** The kind of a redirect URI. @returns undefined for a text that is none */
export function redirectKind(text: string): RedirectKind | undefined {
  if (text.length > LONGEST || !VISIBLE.test(text)) return undefined;
  const url = URL.parse(text);
  if (url === null || url.username !== "" || url.password !== "" || /^[a-z]+:\/\/[^/?]*@/.test(text)) {
    return undefined;
  }
  // One text must not be two addresses to two readers: it is as a browser writes it, but for the slash of an empty path.
  if (url.href !== text && url.href !== `${text}/` && !isBareQuery(url, text)) return undefined;
  if ([...url.searchParams.keys()].some((name) => ANSWERED.has(name))) return undefined;
  if (url.protocol === "https:") return secureKind(url.hostname);
  if (LOOPBACK.test(text)) return "loopback";
  return APP_SCHEME.test(text) ? "app" : undefined;
}

/** The kind of a host behind TLS. A name of this very machine is nobody's, and an inner address is somebody else's in each network. */
function secureKind(hostname: string): RedirectKind | undefined {
  const host = hostname.replace(/^\[|\]$|\.$/g, "");
  if (host === "localhost" || host.endsWith(".localhost") || isLoopbackAddress(host)) return "loopback";
  const isAddress = parseAddress(host) !== undefined;
  return isAddress && !isPublicAddress(host) ? undefined : "web";
}

function isBareQuery(url: URL, text: string): boolean {
  return url.pathname === "/" && `${url.origin}${url.search}` === text;
}

/** A loopback URI without its port, which a program can't choose beforehand (RFC 8252 §7.3). */
function withoutPort(text: string): string | undefined {
  const [, host, port, rest = ""] = LOOPBACK.exec(text) ?? [];
  if (host === undefined || (port !== undefined && Number(port) > 65_535)) return undefined;
  return `${host}${rest}`;
}

/**
 * Whether a client that registered some redirect URIs may be answered at another text: at exactly one of them, and at loopback
 * addresses with any port.
 */
export function mayRedirect(registered: readonly string[], asked: string): boolean {
  if (redirectKind(asked) === undefined) return false;
  if (registered.includes(asked)) return true;
  const portless = withoutPort(asked);
  return portless !== undefined && registered.some((one) => withoutPort(one) === portless);
}

/** The place that an answer goes to, for people: a host with its port, or an app's scheme. */
export function redirectHost(uri: string): string {
  const url = new URL(uri);
  return redirectKind(uri) === "app" ? url.protocol : url.host;
}

/** A redirect URI with an answer's parameters behind its own. */
export function answerAt(uri: string, answer: Readonly<Record<string, string>>): string {
  const separator = !uri.includes("?") ? "?" : /[?&]$/.test(uri) ? "" : "&";
  return `${uri}${separator}${new URLSearchParams(answer)}`;
}
