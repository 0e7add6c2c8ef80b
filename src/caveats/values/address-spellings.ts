import { type Address, formatAddress, parseAddress } from "./address.ts";

/** The longest text that is looked at: an IPv6 address with brackets, a zone and a port is shorter. */
const LONGEST = 128;

/** The start of all spellings, up to the first character that only an address has; or one whole number. */
const MAYBE = /^(?:\[|[0-9a-fx]*[.:]|0x[0-9a-f]+$|\d{8,}$)/i;
const BRACKETED = /^\[([^\]]*)\](?::\d{1,5})?$/;
const PORT = /^([^:]*\.[^:]*):\d{1,5}$/;
const ROOTED = /^([^:]*[^.:])\.$/;
const WHOLE_PREFIX = /^(?:([^:]*)\/32|(.*:.*)\/128)$/;
// Leading zeros change no value, and `0x` alone is zero.
const PART = /^(?:0x0*[0-9a-f]{0,8}|0*\d{1,11})$/i;

/** Whether a text could be an address in some spelling: to find out for certain takes far longer. */
export function mayBeAddress(text: string): boolean {
  return text.length <= LONGEST && MAYBE.test(text);
}

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
  if (!mayBeAddress(text)) return [];
  const strict = parseAddress(text);
  if (strict !== undefined) return readingsOf(strict, text);
  const bare = withoutExtras(text);
  if (bare.includes(":")) return spellingsOfIpv6(bare, text);
  return ipv4Readings(bare).map((word) => formatAddress({ family: 4, words: [word] }));
}

/** Cuts brackets, a port, a prefix of the whole length, a zone, and a last dot. */
function withoutExtras(text: string): string {
  const inner = BRACKETED.exec(text)?.[1] ?? PORT.exec(text)?.[1] ?? text;
  const zone = inner.indexOf("%");
  const named = zone < 0 ? inner : inner.slice(0, zone);
  const prefix = WHOLE_PREFIX.exec(named);
  const address = prefix?.[1] ?? prefix?.[2] ?? named;
  // The root of the DNS at the end of a host.
  return ROOTED.exec(address)?.[1] ?? address;
}

/** @param whole the text before it was cut, which is no address in the spelling of the language */
function spellingsOfIpv6(text: string, whole: string): readonly string[] {
  const strict = text === whole ? undefined : parseAddress(text);
  if (strict !== undefined) return readingsOf(strict, text);
  const colon = text.lastIndexOf(":");
  const words = ipv4Readings(text.slice(colon + 1), true);
  if (words.length === 0) return [];
  // The last 32 bits, which are dotted, are read by themselves.
  const base = parseAddress(`${text.slice(0, colon + 1)}0:0`);
  if (base === undefined) return [];
  const found: string[] = [];
  for (const word of words) {
    const address: Address = { ...base, words: [...base.words.slice(0, -1), word] };
    found.push(...readingsOf(address, text));
  }
  return [...new Set(found)];
}

/** Some parsers take the deprecated dotted form of IPv6 for the IPv4 address at its end. */
function readingsOf(address: Address, text: string): readonly string[] {
  const last = address.words.at(-1) as number;
  const isDotted = text.includes(".") && isCompatible(address);
  return [formatAddress(address), ...(isDotted ? [formatAddress({ family: 4, words: [last] })] : [])];
}

function isCompatible({ family, words }: Address): boolean {
  return family === 6 && words[0] === 0 && words[1] === 0 && words[2] === 0;
}

/**
 * The addresses that `inet_aton` reads, and those that readers of decimal parts read, each once, in 32 bits.
 *
 * @param dotted whether a text without a dot is none
 */
function ipv4Readings(text: string, dotted = false): readonly number[] {
  const parts = text.split(".", 5);
  if (parts.length > 4 || (dotted && parts.length === 1)) return [];
  const decimal = ipv4Of(parts, false);
  const octal = ipv4Of(parts, true);
  return [decimal, octal].filter(
    (word, at) => word !== undefined && (at === 0 || word !== decimal),
  ) as readonly number[];
}

/**
 * Reads IPv4 as `inet_aton` does.
 *
 * @param octal whether a part with a leading zero is octal, as in C, or decimal, as elsewhere
 */
function ipv4Of(parts: readonly string[], octal: boolean): number | undefined {
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
  return parts.length === 1 && address < 0x1000000 ? undefined : address;
}

function partOf(part: string, octal: boolean): number | undefined {
  if (!PART.test(part)) return undefined;
  if (/^0x/i.test(part)) return Number.parseInt(`0${part.slice(2)}`, 16);
  if (!octal || !part.startsWith("0")) return Number(part);
  return /^[0-7]+$/.test(part) ? Number.parseInt(part, 8) : undefined;
}
