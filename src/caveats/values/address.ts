import { areDigits, CODE, isDigit } from "./characters.ts";

/** An IPv4 or IPv6 address. An IPv4-mapped IPv6 address is the IPv4 address in it. */
export interface Address {
  readonly family: 4 | 6;
  /** The address in unsigned 32-bit words, most significant first: one for IPv4, four for IPv6. */
  readonly words: readonly number[];
}

/** A CIDR block. Bits beyond the prefix are zero. */
export interface Block extends Address {
  /** Leading bits that count: 0–32 or 0–128. */
  readonly prefix: number;
}

/**
 * Reads an address: dotted decimal of four parts, or RFC 4291 §2.2 text.
 *
 * Strict, because one text must not be two addresses to two readers: no leading zeros (octal to some), no
 * shortened IPv4, no zone, no brackets, no port, and not the deprecated `::1.2.3.4`, which to some is IPv4.
 */
export function parseAddress(text: string): Address | undefined {
  if (!text.includes(":")) {
    const word = parseIpv4(text);
    return word === undefined ? undefined : { family: 4, words: [word] };
  }
  const words = parseIpv6(text);
  if (words === undefined) return undefined;
  return isMapped(words) ? { family: 4, words: [words[3] as number] } : { family: 6, words };
}

/**
 * Reads a CIDR block (RFC 4632 §3.1, RFC 4291 §2.3), or one address as the block of itself.
 *
 * Bits beyond the prefix are cleared. An IPv4-mapped block of 96 bits or more is the IPv4 block in it.
 */
export function parseBlock(text: string): Block | undefined {
  const slash = text.indexOf("/");
  const base = slash < 0 ? text : text.slice(0, slash);
  const isIpv6 = base.includes(":");
  const word = isIpv6 ? undefined : parseIpv4(base);
  const words = isIpv6 ? parseIpv6(base) : word === undefined ? undefined : [word];
  if (words === undefined) return undefined;
  const bits = words.length * 32;
  const prefix = slash < 0 ? bits : parsePrefix(text.slice(slash + 1), bits);
  if (prefix === undefined) return undefined;
  if (isIpv6 && isMapped(words) && prefix >= 96) return masked([words[3] as number], prefix - 96);
  return masked(words, prefix);
}

/** Whether an address lies in a block. Families never mix: `::/0` holds no IPv4 address. */
export function contains(block: Block, address: Address): boolean {
  if (block.family !== address.family) return false;
  for (let at = 0, left = block.prefix; left > 0; at++, left -= 32) {
    const differs = (block.words[at] as number) ^ (address.words[at] as number);
    if ((differs & maskOf(left)) !== 0) return false;
  }
  return true;
}

/** Whether two blocks share an address; of two such blocks one lies in the other. */
export function overlap(a: Block, b: Block): boolean {
  return a.prefix <= b.prefix ? contains(a, b) : contains(b, a);
}

/** Canonical text: dotted decimal, or RFC 5952 §4. */
export function formatAddress({ family, words }: Address): string {
  const first = words[0] as number;
  if (family === 4) return `${first >>> 24}.${(first >>> 16) & 0xff}.${(first >>> 8) & 0xff}.${first & 0xff}`;
  const groups: number[] = [];
  for (const word of words) groups.push(word >>> 16, word & 0xffff);
  const { from, to } = longestZeros(groups);
  let text = "";
  for (let at = 0; at < groups.length; at++) {
    if (at === from) {
      text += "::";
      at = to - 1;
      continue;
    }
    if (at > 0 && at !== to) text += ":";
    text += (groups[at] as number).toString(16);
  }
  return text;
}

/** Canonical text of a block, always with its prefix. */
export function formatBlock(block: Block): string {
  return `${formatAddress(block)}/${block.prefix}`;
}

function maskOf(bits: number): number {
  if (bits <= 0) return 0;
  return bits >= 32 ? -1 : -1 << (32 - bits);
}

function masked(words: readonly number[], prefix: number): Block {
  return {
    family: words.length === 1 ? 4 : 6,
    words: words.map((word, at) => (word & maskOf(prefix - at * 32)) >>> 0),
    prefix,
  };
}

/** RFC 4291 §2.5.5.2. */
function isMapped(words: readonly number[]): boolean {
  return words[0] === 0 && words[1] === 0 && words[2] === 0xffff;
}

function parsePrefix(text: string, most: number): number | undefined {
  if (text.length > 3 || !areDigits(text)) return undefined;
  if (text.length > 1 && text.charCodeAt(0) === CODE.zero) return undefined;
  return Number(text) <= most ? Number(text) : undefined;
}

function parseIpv4(text: string): number | undefined {
  if (text.length < 7 || text.length > 15) return undefined;
  let word = 0;
  let parts = 0;
  let at = 0;
  while (true) {
    const from = at;
    let part = 0;
    for (; isDigit(text.charCodeAt(at)); at++) part = part * 10 + text.charCodeAt(at) - CODE.zero;
    const digits = at - from;
    if (digits === 0 || part > 255 || (digits > 1 && text.charCodeAt(from) === CODE.zero)) return undefined;
    word = word * 256 + part;
    parts++;
    if (at === text.length) return parts === 4 ? word : undefined;
    if (text.charCodeAt(at) !== CODE.dot || parts === 4) return undefined;
    at++;
  }
}

function parseIpv6(text: string): readonly number[] | undefined {
  if (text.length < 2 || text.length > 45) return undefined;
  const groups: number[] = [];
  // Groups before `::`, or -1 if there is none.
  let gap = -1;
  let at = 0;
  if (text.startsWith("::")) {
    gap = 0;
    at = 2;
  }
  while (at < text.length) {
    const end = hexEnd(text, at);
    if (end === at || end - at > 4) return undefined;
    if (text.charCodeAt(end) === CODE.dot) {
      const word = groups.length === 0 && gap === 0 ? undefined : parseIpv4(text.slice(at));
      if (word === undefined) return undefined;
      groups.push(word >>> 16, word & 0xffff);
      break;
    }
    groups.push(Number.parseInt(text.slice(at, end), 16));
    at = end;
    if (at === text.length) break;
    if (text.charCodeAt(at) !== CODE.colon || ++at === text.length) return undefined;
    if (text.charCodeAt(at) === CODE.colon) {
      if (gap >= 0) return undefined;
      gap = groups.length;
      at++;
    }
  }
  const missing = 8 - groups.length;
  if (gap < 0 ? missing !== 0 : missing < 1) return undefined;
  if (gap >= 0) groups.splice(gap, 0, ...new Array<number>(missing).fill(0));
  return toWords(groups);
}

/** The end of the hexadecimal digits that begin at a position, five at most. */
function hexEnd(text: string, from: number): number {
  let at = from;
  while (at < from + 5 && isHex(text.charCodeAt(at))) at++;
  return at;
}

function isHex(code: number): boolean {
  const lower = code | 0x20;
  return isDigit(code) || (lower >= 0x61 && lower <= 0x66);
}

function toWords(groups: readonly number[]): readonly number[] {
  const word = (at: number): number => (groups[at] as number) * 65_536 + (groups[at + 1] as number);
  return [word(0), word(2), word(4), word(6)];
}

/** The first of the longest runs of two zeros or more: -1 to -1 if there is none. */
function longestZeros(groups: readonly number[]): { readonly from: number; readonly to: number } {
  let [from, to] = [-1, -1];
  for (let start = 0; start < groups.length; start++) {
    let end = start;
    while (groups[end] === 0) end++;
    if (end - start > Math.max(1, to - from)) [from, to] = [start, end];
    // A run within a run is a shorter one.
    if (end > start) start = end;
  }
  return { from, to };
}
