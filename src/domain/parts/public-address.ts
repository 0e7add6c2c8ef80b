import { contains, parseAddress, parseBlock } from "../../caveats/values/address.ts";

function blocks(...texts: readonly string[]) {
  return texts.map((text) => {
    const block = parseBlock(text);
    if (block === undefined) throw new Error(`no block of addresses: ${text}`);
    return block;
  });
}

/**
 * IPv4 that is not the public internet's (IANA's special-purpose registry): this host, private, shared, loopback, link-local
 * with the clouds' metadata, protocol assignments, documentation, 6to4 relays, benchmarks, multicast, reserved and broadcast.
 */
const NOT_PUBLIC_4 = blocks(
  "0.0.0.0/8",
  "10.0.0.0/8",
  "100.64.0.0/10",
  "127.0.0.0/8",
  "169.254.0.0/16",
  "172.16.0.0/12",
  "192.0.0.0/24",
  "192.0.2.0/24",
  "192.31.196.0/24",
  "192.52.193.0/24",
  "192.88.99.0/24",
  "192.168.0.0/16",
  "192.175.48.0/24",
  "198.18.0.0/15",
  "198.51.100.0/24",
  "203.0.113.0/24",
  "224.0.0.0/3",
  // Azure's metadata and host agent, a public address that every machine there reaches as its own host.
  "168.63.129.16/32",
);

/** The only IPv6 that is given to the public internet. Loopback, unique-local, link-local, mapped and NAT64 lie outside. */
const [GLOBAL_6] = blocks("2000::/3");

/** Of it: protocol assignments with Teredo, documentation twice, and 6to4, which holds any IPv4 address. */
const NOT_PUBLIC_6 = blocks("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20");

/**
 * Whether an address is one of the public internet's.
 *
 * @param text as DNS or a URL gives it, without brackets; an IPv4-mapped address is the IPv4 address in it
 * @returns false for a text that is no address
 */
export function isPublicAddress(text: string): boolean {
  const address = parseAddress(text);
  if (address === undefined || GLOBAL_6 === undefined) return false;
  const refused = address.family === 4 ? NOT_PUBLIC_4 : NOT_PUBLIC_6;
  if (address.family === 6 && !contains(GLOBAL_6, address)) return false;
  return !refused.some((block) => contains(block, address));
}

/** Whether an address is this very machine's. @param text as {@link isPublicAddress} takes it */
export function isLoopbackAddress(text: string): boolean {
  const address = parseAddress(text);
  return address !== undefined && LOOPBACK.some((block) => contains(block, address));
}

const LOOPBACK = blocks("127.0.0.0/8", "::1/128");
