import type { IncomingMessage } from "node:http";

import { isLoopbackHost } from "../issuer-url.ts";

// Headers that proxies add. One of them means that the peer's address says nothing of the human behind it.
const FORWARDING = [
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
];
const FORWARDING_PREFIX = "x-forwarded";

/**
 * Why a request may not reach the development identity provider, which lets everyone in as anyone:
 * it serves only the person at this machine.
 *
 * The `Host` header must name this machine too, or a web page could reach the provider under its own name
 * (DNS rebinding); and a forwarding header means that someone else is behind the peer.
 *
 * @returns undefined for a request that may
 */
export function refusalOf(request: IncomingMessage): string | undefined {
  if (!isLoopbackPeer(request.socket.remoteAddress)) return "the peer is not this machine";
  const forwarded = Object.keys(request.headers).some(
    (name) => FORWARDING.includes(name) || name.startsWith(FORWARDING_PREFIX),
  );
  if (forwarded) return "the request came through a proxy";
  if (!hasLoopbackHost(request)) return "the Host header does not name this machine";
  return undefined;
}

/** Whether a socket's peer is this machine: 127.0.0.0/8, ::1, and the former mapped into IPv6. */
function isLoopbackPeer(address: string | undefined): boolean {
  return address !== undefined && (address === "::1" || /^(::ffff:)?127\.\d+\.\d+\.\d+$/.test(address));
}

function hasLoopbackHost(request: IncomingMessage): boolean {
  const hosts = request.headersDistinct["host"] ?? [];
  const [host] = hosts;
  if (hosts.length !== 1 || host === undefined || !/^[\w.:[\]-]+$/.test(host)) return false;
  const url = URL.parse(`http://${host}`);
  // The parser forgives much (127.1, 0x7f000001); only a plain spelling counts.
  return url !== null && isLoopbackHost(url.hostname) && host.toLowerCase().startsWith(url.hostname);
}
