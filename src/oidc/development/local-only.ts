import type { IncomingMessage } from "node:http";

import { notOfThisMachine } from "../../domain/access/this-machine.ts";

/**
 * Why a request may not reach the development identity provider, which lets everyone in as anyone:
 * it serves only the person at this machine.
 *
 * @returns undefined for a request that may
 */
export function refusalOf(request: IncomingMessage): string | undefined {
  const [host, ...others] = request.headersDistinct["host"] ?? [];
  return notOfThisMachine({
    peer: request.socket.remoteAddress,
    headers: Object.keys(request.headers),
    host: others.length === 0 ? host : undefined,
  });
}
