import { getConnInfo } from "@hono/node-server/conninfo";
import type { Context } from "hono";

const MAPPED = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i;

/** Writes an address as caveats name it: an IPv4-mapped one as IPv4, without a zone. */
export function plainAddress(address: string): string {
  const zone = address.indexOf("%");
  const bare = zone < 0 ? address : address.slice(0, zone);
  return MAPPED.exec(bare)?.[1] ?? bare;
}

/**
 * The address of whoever opened the connection. Forwarding headers are not read: anyone can write them.
 *
 * @returns undefined if the connection is gone or there is none
 */
export function socketPeer(c: Context): string | undefined {
  if (c.env === undefined || c.env === null || !("incoming" in c.env || "server" in c.env)) return undefined;
  const { address } = getConnInfo(c).remote;
  return address === undefined ? undefined : plainAddress(address);
}
