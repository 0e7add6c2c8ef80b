import { contains, parseAddress, parseBlock } from "../caveats/values/address.ts";
import { isLoopbackHost } from "../domain/access/this-machine.ts";

/** Proxies as the environment names them (`HTTPS_PROXY` and its like). */
export interface Proxies {
  /** For addresses with https. */
  readonly https: string | undefined;
  /** For addresses with http. */
  readonly http: string | undefined;
  /** Hosts that are reached directly, as `NO_PROXY` lists them. */
  readonly except: readonly string[];
}

/**
 * Says which proxy an address is reached through.
 *
 * There is no standard for `NO_PROXY`. An entry is `*`, a host name, which means its subdomains too, also written with
 * `.` or `*.` before it, an address or a CIDR block; each may have a port. This machine never needs a proxy.
 *
 * @returns undefined to go there directly
 */
export function createProxyChoice({ https, http, except }: Proxies): (url: URL) => string | undefined {
  return (url) => {
    const proxy = url.protocol === "https:" ? https : http;
    const host = url.hostname.replace(/^\[(.*)\]$/, "$1").toLowerCase();
    if (proxy === undefined || isLoopbackHost(host)) return undefined;
    const port = url.port || (url.protocol === "https:" ? "443" : "80");
    return except.some((entry) => covers(entry.toLowerCase(), host, port)) ? undefined : proxy;
  };
}

function covers(entry: string, host: string, port: string): boolean {
  if (entry === "*") return true;
  const address = parseAddress(host);
  const block = parseBlock(entry);
  if (block !== undefined) return address !== undefined && contains(block, address);
  const [, bracketed, plain, only] = /^(?:\[([^\]]+)\]|(?:\*?\.)?([^:]+))(?::(\d{1,5}))?$/.exec(entry) ?? [];
  const name = bracketed ?? plain;
  if (name === undefined || (only !== undefined && only !== port)) return false;
  const one = parseBlock(name);
  if (one !== undefined) return address !== undefined && contains(one, address);
  return host === name || (address === undefined && host.endsWith(`.${name}`));
}
