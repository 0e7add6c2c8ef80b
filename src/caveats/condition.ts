import type { Caveat } from "./caveat.ts";
import { decodeCaveat, parseCaveat } from "./parse.ts";
import { type Prepared, prepare } from "./prepared.ts";
import { printable } from "./values/quote.ts";

/** Characters of a caveat that a failure repeats before it cuts. */
const SHOWN_CAVEAT = 256;

/** Characters of the longest caveat. */
const LONGEST_CAVEAT = 4_096;

/** One caveat of a chain, read once: it can be kept and cleared any number of times. */
export type Condition =
  | {
      readonly state: "known";
      readonly text: string;
      readonly caveat: Caveat;
      /** Facts that clearing would else find out each time. */
      readonly prepared: Prepared | undefined;
      /** Of a budget: the rest of it, if that is known. */
      readonly left?: string;
    }
  /** A first-party caveat that is not of the language. It forbids every request. */
  | { readonly state: "unknown"; readonly text: string }
  /** A third-party caveat: a discharge proves it, clearing passes it over. */
  | { readonly state: "third_party"; readonly location: string };

/**
 * Reads a first-party caveat from its text, or from its bytes as they stand in a macaroon. Never throws: a text that
 * is no caveat, or not UTF-8, is an unknown condition.
 */
export function compileCaveat(source: string | Uint8Array): Condition {
  const text = typeof source === "string" ? source : decodeCaveat(source);
  if (text === undefined) return { state: "unknown", text: hexEscaped(source as Uint8Array) };
  const caveat = parseCaveat(text);
  if (caveat === undefined) return { state: "unknown", text };
  return { state: "known", text, caveat, prepared: prepare(caveat) };
}

/** A third-party caveat, which keeps its place in the chain. */
export function thirdParty(location: string): Condition {
  return { state: "third_party", location };
}

/** The form in which answers list a third-party caveat. It is no caveat, so nothing can mistake it for one. */
export function thirdPartyText(location: string): string {
  return `third-party ${location}`;
}

/** A caveat's text as it may be shown: unsafe characters escaped, cut at a sane length. */
export function shownCaveat(text: string): string {
  return printable(text, SHOWN_CAVEAT);
}

/** The same of a caveat that a person decides about: all of it, however long a macaroon lets it be. */
export function wholeCaveat(text: string): string {
  return printable(text, LONGEST_CAVEAT);
}

/** Bytes that are not UTF-8, with everything but printable ASCII as `\xNN`. */
function hexEscaped(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes.subarray(0, SHOWN_CAVEAT + 1)) {
    const printableAscii = byte >= 0x20 && byte < 0x7f;
    text += printableAscii ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, "0")}`;
  }
  return text;
}
