import { type Address, formatAddress, parseAddress } from "./address.ts";

/** The longest text that is looked at: an IPv6 address with brackets, a zone and a port is shorter. */
const LONGEST = 128;

/** The start of all spellings, up to the first character that only an address has; or one whole number. */
const MAYBE = /^(?:\[|[0-9a-fx]*[.:]|0x[0-9a-f]+$|\d{8,}$)/i;
const BRACKETED = /^\[([^\]]*)\](?::\d{1,5})?$/;
const PORT = /^([^:]*\.[^:]*):\d{1,5}$/;
const WHOLE_PREFIX = /^(?:([^:]*)\/32|(.*:.*)\/128)$/;
const PART = /^(?:0x[0-9a-f]{1,8}|\d{1,11})$/i;

/**
 * The addresses that one reader or another takes a text for, in canonical text; none if it is no address.
 *
 * The language itself knows one spelling (`parseAddress`). Other parsers also take a zone (RFC 4007 §11), brackets and
 * a port (RFC 3986 §3.2.2), the deprecated `::10.0.0.1` (RFC 4291 §2.5.5.1), and IPv4 as `inet_aton` reads it: one to
 * four parts, each decimal, octal or hexadecimal. `!=` and `not in` deny all of them, because a denied address in
 * another spelling is the denied address to the program that acts on it.
 *
 * @example addressSpellings("fe80::1%eth0"); // ["fe80::1"]
 */
export function addressSpellings(text: string): readonly string[] {
  if (text.length > LONGEST || !MAYBE.test(text)) return [];
  const strict = parseAddress(text);
  if (strict !== undefined) return [formatAddress(strict)];
  const bare = withoutExtras(text);
  if (bare.includes(":")) return spellingsOfIpv6(bare);
  return [...new Set([ipv4Of(bare, false), ipv4Of(bare, true)].filter((found) => found !== undefined))];
}

/** Cuts brackets, a port, a prefix of the whole length, and a zone. */
function withoutExtras(text: string): string {
  const inner = BRACKETED.exec(text)?.[1] ?? PORT.exec(text)?.[1] ?? text;
  const zone = inner.indexOf("%");
  const named = zone < 0 ? inner : inner.slice(0, zone);
  const prefix = WHOLE_PREFIX.exec(named);
  return prefix?.[1] ?? prefix?.[2] ?? named;
}

function spellingsOfIpv6(text: string): readonly string[] {
  const strict = parseAddress(text);
  if (strict !== undefined) return [formatAddress(strict)];
  const colon = text.lastIndexOf(":");
  const tail = text.slice(colon + 1);
  if (!tail.includes(".")) return [];
  const found: string[] = [];
  for (const octal of [false, true]) {
    const dotted = ipv4Of(tail, octal);
    const low = dotted === undefined ? undefined : parseAddress(dotted)?.words[0];
    if (dotted === undefined || low === undefined) continue;
    const groups = `${(low >>> 16).toString(16)}:${(low & 0xffff).toString(16)}`;
    const whole = parseAddress(`${text.slice(0, colon + 1)}${groups}`);
    if (whole === undefined) continue;
    found.push(formatAddress(whole));
    // Some parsers take the deprecated form for the IPv4 address at its end.
    if (whole.family === 6 && isCompatible(whole)) found.push(dotted);
  }
  return [...new Set(found)];
}

function isCompatible({ words }: Address): boolean {
  return words[0] === 0 && words[1] === 0 && words[2] === 0;
}

/**
 * Reads IPv4 as `inet_aton` does.
 *
 * @param octal whether a part with a leading zero is octal, as in C, or decimal, as elsewhere
 */
function ipv4Of(text: string, octal: boolean): string | undefined {
  const parts = text.split(".");
  if (parts.length > 4) return undefined;
  let address = 0;
  for (const [index, part] of parts.entries()) {
    const value = partOf(part, octal);
    const isLast = index === parts.length - 1;
    // The last part fills all bytes that are left.
    const bytes = isLast ? 4 - index : 1;
    if (value === undefined || value >= 256 ** bytes) return undefined;
    address += value * 256 ** (isLast ? 0 : 3 - index);
  }
  // A lone number below 1.0.0.0 is a number: no host has such an address.
  if (parts.length === 1 && address < 0x1000000) return undefined;
  return formatAddress({ family: 4, words: [address] });
}

function partOf(part: string, octal: boolean): number | undefined {
  if (!PART.test(part)) return undefined;
  if (/^0x/i.test(part)) return Number.parseInt(part.slice(2), 16);
  if (!octal || !part.startsWith("0")) return Number(part);
  return /^[0-7]+$/.test(part) ? Number.parseInt(part, 8) : undefined;
}
