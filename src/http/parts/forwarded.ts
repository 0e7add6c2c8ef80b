import {
  type Address,
  type Block,
  contains,
  formatAddress,
  parseAddress,
} from "../../caveats/values/address.ts";

/** Characters of a header that are read. */
const MOST_CHARACTERS = 8_192;

/** Hops that are followed. */
const MOST_HOPS = 32;

/** The origin of a request, as far as it can be told. */
interface Origin {
  /** The address that limits and the log count for; undefined if the connection is gone. */
  readonly peer: string | undefined;
  /** The address that caveats on `ip` are cleared against; undefined if it cannot be told, and then each of them refuses. */
  readonly ip: string | undefined;
}

/**
 * Finds the asker of a request: the peer, or if that is a trusted proxy the last hop before the trusted ones, by
 * `Forwarded` (RFC 7239) or `X-Forwarded-For`.
 *
 * The entries to the left of that hop are its own word, and anybody can write them. Most proxies write one of the two
 * headers and pass on the other as it came, so a caller can make them disagree, or make a header that nobody can read. Then
 * the address is not known: a caveat on `ip` must not take the caller for the proxy, as credentials are often good in the
 * proxy's network. Limits and the log count such a request as the proxy's, which is one peer for all such requests.
 *
 * @param peer the address of the connection's other end, plain; undefined if it is not known
 * @param header a header's value; several of a name joined by commas
 * @param trusted the proxies, each of which must write the header itself
 */
export function originOf(
  peer: string | undefined,
  header: (name: "forwarded" | "x-forwarded-for") => string | null,
  trusted: readonly Block[],
): Origin {
  if (peer === undefined || trusted.length === 0) return { peer, ip: peer };
  const own = parseAddress(peer);
  const isTrusted = (address: Address) => trusted.some((block) => contains(block, address));
  if (own === undefined || !isTrusted(own)) return { peer, ip: peer };
  const forwarded = header("forwarded");
  const list = header("x-forwarded-for");
  if (forwarded === null && list === null) return { peer, ip: peer };
  const found = new Set([
    ...(forwarded === null ? [] : [lastHop(nodesOfForwarded(forwarded), isTrusted)]),
    ...(list === null ? [] : [lastHop(nodesOfList(list), isTrusted)]),
  ]);
  const [ip] = found.size === 1 ? found : [];
  return { peer: ip ?? peer, ip };
}

/** @param nodes the hops of the request, the farthest first; undefined if they cannot be told */
function lastHop(
  nodes: readonly string[] | undefined,
  isTrusted: (address: Address) => boolean,
): string | undefined {
  if (nodes === undefined) return undefined;
  for (let at = nodes.length - 1; at >= Math.max(0, nodes.length - MOST_HOPS); at--) {
    const address = parseNode(nodes[at] ?? "");
    if (address === undefined) return undefined;
    if (at === 0 || !isTrusted(address)) return formatAddress(address);
  }
  return undefined;
}

/** An address, in brackets or not, with a port or without. */
function parseNode(text: string): Address | undefined {
  const bracketed = /^\[([0-9a-fA-F:.]{2,45})\](?::[0-9]{1,5})?$/.exec(text)?.[1];
  if (bracketed !== undefined) return bracketed.includes(":") ? parseAddress(bracketed) : undefined;
  const withPort = /^([0-9.]{7,15}):[0-9]{1,5}$/.exec(text)?.[1];
  return parseAddress(withPort ?? text);
}

function nodesOfList(header: string): readonly string[] | undefined {
  if (header.length > MOST_CHARACTERS) return undefined;
  return header.split(",").map((item) => item.replace(/^[ \t]+|[ \t]+$/g, ""));
}

// One pair and its end. A value that is not quoted may have the characters of addresses besides those of a token.
const PAIR =
  /[ \t]*([!#$%&'*+.^_`|~0-9A-Za-z-]+)=(?:([!#$%&'*+.^_`|~0-9A-Za-z:[\]-]+)|"((?:[^"\\]|\\.)*)")[ \t]*(;|,|$)/y;

/**
 * Reads the `for` of each element. The whole header must be well formed: if a quote is left open, nobody knows which
 * commas a proxy wrote.
 */
function nodesOfForwarded(header: string): readonly string[] | undefined {
  if (header.length > MOST_CHARACTERS) return undefined;
  const nodes: string[] = [];
  let node: string | undefined;
  PAIR.lastIndex = 0;
  for (;;) {
    const [, name, token, quoted, end] = PAIR.exec(header) ?? [];
    if (name === undefined) return undefined;
    if (name.toLowerCase() === "for") {
      if (node !== undefined) return undefined;
      node = token ?? quoted?.replace(/\\(.)/g, "$1") ?? "";
    }
    if (end === ";") continue;
    if (node === undefined) return undefined;
    nodes.push(node);
    node = undefined;
    if (end !== ",") return nodes;
  }
}
