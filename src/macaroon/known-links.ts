import { computeTails, hmacBy } from "./chain.ts";
import { encodeV2, readV2Behind, type V2Behind } from "./codec/v2.ts";
import { defaultChain } from "./hash/chain-hash.ts";
import type { ChainHash } from "./hash/types.ts";
import { deriveKey, requireKey } from "./key.ts";
import { byteAt, decodeBase64, encodeBase64Url } from "./parts/base64.ts";
import { constantTimeEqual, copyOf } from "./parts/bytes.ts";
import { MacaroonError } from "./parts/error.ts";
import { LIMITS } from "./parts/limits.ts";
import type { UnverifiedMacaroon } from "./parts/macaroon.ts";
import type { VerifiedCaveat, VerifiedChain, VerifiedMacaroon } from "./verified.ts";

/** The part of a descendant behind its known link: parsed, and not verified. It has no third-party caveat. */
export type Behind = V2Behind;

/** An empty section, a field's type, its length, a signature: the end of every v2 macaroon. */
const END_BYTES = 35;
const LOCATION = 1;
const IDENTIFIER = 2;

/**
 * A link that is known to be right: its descendants are recognised by their text, and verified from there on.
 *
 * It is recognised by what is no secret: a descendant's text begins with the link's identifier and caveats, character
 * for character, and base64 that is read strictly has one spelling. What the link's tail would sign is signed by
 * whoever holds the tail, so nothing gives it out: it is hashed on from, and only the signature that comes out is
 * compared, in constant time.
 */
export class Link {
  /** Base64url of the header and all caveats: the beginning of every descendant's v2 text. */
  readonly prefix: string;
  /** The key by which links of one root macaroon are found. */
  readonly header: string;
  /** How many caveats the link has. */
  readonly length: number;
  readonly #bytes: number;
  readonly #tail: Uint8Array;

  /** @param macaroon one with a right signature and no third-party caveat */
  constructor(macaroon: UnverifiedMacaroon) {
    const bytes = encodeV2(macaroon);
    this.#bytes = bytes.length - END_BYTES;
    this.prefix = encodeBase64Url(bytes.subarray(0, this.#bytes));
    this.header = headerOf(this.prefix) ?? "";
    this.length = macaroon.unverifiedCaveats.length;
    this.#tail = copyOf(macaroon.signature);
  }

  /** Whether a text is that of a descendant, up to the link. To compare a part takes a third of the time of `startsWith`. */
  begins(text: string): boolean {
    return text.slice(0, this.prefix.length) === this.prefix;
  }

  /**
   * The part of a text behind this link; undefined if it is no descendant, or has a third-party caveat, which needs
   * its discharge and the key in it.
   *
   * Only the new part is decoded: a text that begins as the link's does says the same up to there, byte for byte.
   *
   * @throws MacaroonError if it cannot be read
   */
  behind(text: string): Behind | undefined {
    // A prefix that ends within a character says of its next bits that they are zero, as those of all types of fields are.
    if (!this.begins(text)) return undefined;
    const rest = this.#bytes % 3;
    const behind = text.slice(((this.#bytes - rest) / 3) * 4);
    // Another alphabet behind than before, or padding, is no spelling of a token.
    if (!/^[\w-]*$/.test(behind)) return undefined;
    const reader = { bytes: decodeBase64(behind), offset: rest };
    const read = readV2Behind(reader, this.length, LIMITS);
    if (reader.offset < reader.bytes.length) return undefined;
    return read.caveats.some(({ verificationId }) => verificationId !== undefined) ? undefined : read;
  }

  /** Walks on from this link. @returns the names of the links behind, 16 bytes each; undefined for a wrong signature */
  namesBehind({ caveats, signature }: Behind, chain: ChainHash = defaultChain): Uint8Array[] | undefined {
    const tails: Uint8Array[] = [];
    let tail = this.#tail;
    chain.begin(tail);
    for (const { id } of caveats) {
      tail = chain.step(id);
      tails.push(tail);
    }
    if (!constantTimeEqual(tail, signature)) return undefined;
    return tails.map((one) => chain.name(one));
  }
}

declare const verified: unique symbol;

/** A link of a macaroon that was verified, with all that was verified up to there. Only {@link verifiedLink} makes one. */
export interface VerifiedLink {
  readonly link: Link;
  readonly above: VerifiedChain;
  readonly [verified]: true;
}

/**
 * A link of a verified macaroon, to verify its descendants from.
 *
 * Its tail is computed from the root key once more, and must have the name that verifying found: so nothing that a
 * sender wrote can enter here, and nothing that is verified has to carry tails.
 *
 * @param length how many of its caveats the link has
 * @returns undefined for a macaroon with third-party caveats, and under another key
 */
export function verifiedLink(
  macaroon: VerifiedMacaroon,
  length: number,
  rootKey: Uint8Array,
  chain: ChainHash = defaultChain,
): VerifiedLink | undefined {
  requireKey(rootKey);
  if (macaroon.caveats.some(({ kind }) => kind === "third")) return undefined;
  // Copies, since what was read is a view of the whole token.
  const caveats = macaroon.caveats
    .slice(0, length)
    .map((caveat): VerifiedCaveat => ({ ...caveat, id: copyOf(caveat.id) }));
  const revocationIds = macaroon.revocationIds.slice(0, length + 1);
  const { location } = macaroon;
  const header = { identifier: copyOf(macaroon.identifier), ...(location !== undefined && { location }) };
  const unsigned = { ...header, unverifiedCaveats: caveats, signature: new Uint8Array() };
  const tail = computeTails(deriveKey(rootKey, hmacBy(chain)), unsigned, chain).at(-1);
  const revocationId = revocationIds.at(-1);
  if (tail === undefined || revocationId === undefined) return undefined;
  if (!constantTimeEqual(chain.name(tail), revocationId.bytes)) return undefined;
  const link = new Link({ ...unsigned, signature: tail });
  const made: Omit<VerifiedLink, typeof verified> = {
    link,
    above: { ...header, caveats, revocationId, revocationIds },
  };
  return made as VerifiedLink;
}

/** The key of the links of one root macaroon: its text up to the caveats; undefined for other formats than v2. */
function headerOf(text: string): string | undefined {
  if (!text.startsWith("Ag")) return undefined;
  let at = 1;
  if (byteAt(text, at) === LOCATION) at = fieldEnd(text, at);
  if (byteAt(text, at) !== IDENTIFIER) return undefined;
  // One more for the byte that ends the section. A text that is no token gets a key that no link has.
  const whole = Math.floor((fieldEnd(text, at) + 1) / 3);
  return text.slice(0, whole * 4);
}

/** The place behind the field that begins at a byte of a text's bytes. */
function fieldEnd(text: string, at: number): number {
  const low = byteAt(text, at + 1);
  // A field of the header has at most 4,096 bytes, and their number has one byte or two.
  return low < 0x80 ? at + 2 + low : at + 3 + (low & 0x7f) + ((byteAt(text, at + 2) & 0x7f) << 7);
}

/** Links below one root macaroon: its holders share them, and a look-up tries all of them at worst. */
const MOST_OF_ONE = 64;

/** Links with what belongs to them, by their root macaroons. */
export interface Links<L extends { readonly link: Link }> {
  /** @returns the one that had to go for it, which may be itself */
  add(known: L): L | undefined;
  remove(known: L): void;
  /** Whether the link of so many caveats above this token is new, and would stay if it was added. */
  takes(text: string, length: number): boolean;
  /** The longest known link that a token in v2 descends from, and the token's part behind it. */
  find(text: string): { readonly known: L; readonly behind: Behind } | undefined;
  clear(): void;
  /** How many root macaroons have any. */
  readonly size: number;
}

/** Makes an index that is empty. */
export function createLinks<L extends { readonly link: Link }>(): Links<L> {
  const byHeader = new Map<string, readonly L[]>();

  return {
    add(known) {
      const { header } = known.link;
      // The longest first: the fewest steps are left from there. Of as long ones the latest comes last.
      const all = [...(byHeader.get(header) ?? []), known].sort((a, b) => b.link.length - a.link.length);
      // The shortest have the most below them, so a long one has to go.
      byHeader.set(header, all.slice(-MOST_OF_ONE));
      return all.length > MOST_OF_ONE ? all[0] : undefined;
    },

    remove(known) {
      const { header } = known.link;
      const left = byHeader.get(header)?.filter((other) => other !== known);
      if (left === undefined) return;
      if (left.length === 0) byHeader.delete(header);
      else byHeader.set(header, left);
    },

    takes(text, length) {
      const header = headerOf(text);
      if (header === undefined) return false;
      const known = byHeader.get(header) ?? [];
      if (known.some(({ link }) => link.length === length && link.begins(text))) return false;
      return known.length < MOST_OF_ONE || length < (known[0]?.link.length ?? 0);
    },

    find(text) {
      if (byHeader.size === 0 || text.length > LIMITS.bundleBytes) return undefined;
      const header = headerOf(text);
      const all = header === undefined ? undefined : byHeader.get(header);
      if (all === undefined) return undefined;
      try {
        // The longest decides: a part behind it that cannot be read lies behind all shorter ones, too.
        const known = all.find(({ link }) => link.begins(text));
        const behind = known?.link.behind(text);
        if (known !== undefined && behind !== undefined) return { known, behind };
      } catch (error) {
        if (!(error instanceof MacaroonError)) throw error;
      }
      return undefined;
    },

    clear: () => byHeader.clear(),

    get size() {
      return byHeader.size;
    },
  };
}
