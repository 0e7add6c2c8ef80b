const LOOPBACK = new Set(["127.0.0.1", "::1", "localhost"]);

// Headers that proxies add. One of them means that the peer's address says nothing of the human behind it.
const FORWARDING = new Set([
  "forwarded",
  "via",
  "x-real-ip",
  "x-client-ip",
  "x-cluster-client-ip",
  "true-client-ip",
  "cf-connecting-ip",
  "fly-client-ip",
  "fastly-client-ip",
  "x-original-host",
  "x-original-forwarded-for",
  "x-envoy-external-address",
]);
const FORWARDING_PREFIX = "x-forwarded";

/** Whether a host name, in any case and without port, can only mean this machine. IPv6 is in brackets or not. */
export function isLoopbackHost(hostname: string): boolean {
  return LOOPBACK.has(hostname.replace(/^\[(.*)\]$/, "$1").toLowerCase());
}

/** A request, as far as it tells where it comes from. */
export interface Origin {
  /** The socket's peer. */
  readonly peer: string | undefined;
  /** The names of its headers, in lower case. */
  readonly headers: Iterable<string>;
  /** The `Host` header; undefined if there is none, or more than one. */
  readonly host: string | undefined;
}

/**
 * Why a request is not one of a program at this machine, for what serves nobody else.
 *
 * The `Host` header must name this machine too, or a web page could ask under its own name (DNS rebinding); and a
 * forwarding header means that someone else is behind the peer.
 *
 * @returns undefined for one that is
 */
export function notOfThisMachine({ peer, headers, host }: Origin): string | undefined {
  if (!isLoopbackPeer(peer)) return "the peer is not this machine";
  for (const name of headers) {
    if (FORWARDING.has(name) || name.startsWith(FORWARDING_PREFIX)) return "the request came through a proxy";
  }
  return hasLoopbackName(host) ? undefined : "the Host header does not name this machine";
}

/** Whether a socket's peer is this machine: 127.0.0.0/8, ::1, and the former mapped into IPv6. */
function isLoopbackPeer(address: string | undefined): boolean {
  return address !== undefined && (address === "::1" || /^(::ffff:)?127\.\d+\.\d+\.\d+$/.test(address));
}

function hasLoopbackName(host: string | undefined): boolean {
  if (host === undefined || !/^[\w.:[\]-]+$/.test(host)) return false;
  const url = URL.parse(`http://${host}`);
  // The parser forgives much (127.1, 0x7f000001); only a plain spelling counts.
  return url !== null && isLoopbackHost(url.hostname) && host.toLowerCase().startsWith(url.hostname);
}
