import {
  decodeBase64,
  decodeBinary,
  encode,
  encodeBase64Url,
  LIMITS,
  MacaroonError,
  type UnverifiedCaveat,
  type UnverifiedMacaroon,
} from "../../macaroon/index.ts";

/** A link that its descendants are recognised by: their text begins as its own does. */
export interface Link {
  /** Base64url of whole groups of the header and all caveats, as every descendant's v2 text begins with. */
  readonly prefix: string;
  /** The bytes that come after those and do not fill a group. */
  readonly rest: Uint8Array;
  /** The key by which links of one root macaroon are found. */
  readonly header: string;
  /** How many caveats the link has. */
  readonly length: number;
  /** The tail that the service was shown, and found to be right. */
  readonly signature: Uint8Array;
}

/** The part of a descendant behind its known link: parsed, and not verified. */
export interface Tail {
  readonly caveats: readonly UnverifiedCaveat[];
  readonly signature: Uint8Array;
}

/** An empty section, a field's type, its length, a signature: the end of every v2 macaroon. */
const END_BYTES = 35;
/** A v2 macaroon up to its caveats, with the identifier "x": it stands in for the header that is known. */
const STAND_IN = Uint8Array.of(2, 2, 1, 0x78, 0);
const LOCATION = 1;
const IDENTIFIER = 2;

/** The facts that a macaroon's descendants are recognised by. */
export function linkOf(macaroon: UnverifiedMacaroon): Link {
  const bytes = decodeBase64(encode(macaroon));
  const known = bytes.subarray(0, bytes.length - END_BYTES);
  const whole = known.length - (known.length % 3);
  const prefix = encodeBase64Url(known.subarray(0, whole));
  return {
    prefix,
    rest: known.slice(whole),
    header: headerOf(prefix) ?? "",
    length: macaroon.unverifiedCaveats.length,
    signature: macaroon.signature,
  };
}

/** The key of the links of one root macaroon: its text up to the caveats; undefined for other formats than v2. */
function headerOf(text: string): string | undefined {
  if (!text.startsWith("Ag")) return undefined;
  let end = 1;
  let field = fieldAt(text, end);
  if (field.type === LOCATION) {
    end = field.end;
    field = fieldAt(text, end);
  }
  if (field.type !== IDENTIFIER) return undefined;
  // One more for the byte that ends the section.
  const whole = Math.floor((field.end + 1) / 3);
  return text.slice(0, whole * 4);
}

/** The field that begins at a byte of a text's bytes. @throws MacaroonError for a text that is not base64 */
function fieldAt(text: string, at: number): { readonly type: number; readonly end: number } {
  const group = Math.floor(at / 3);
  const bytes = decodeBase64(text.slice(4 * group, 4 * group + 8));
  const [type = -1, low = 0, high = 0] = bytes.subarray(at - 3 * group);
  // A field of the header has at most 4,096 bytes, and their number has one byte or two.
  return low < 0x80
    ? { type, end: at + 2 + low }
    : { type, end: at + 3 + (low & 0x7f) + ((high & 0x7f) << 7) };
}

/**
 * The part of a text behind a link's; undefined if it is no descendant of it.
 *
 * Only the new part is decoded: a text that begins as the link's does says the same up to there, byte for byte.
 *
 * @throws MacaroonError if it is no base64
 */
function tailBehind(text: string, link: Link): Tail | undefined {
  if (!text.startsWith(link.prefix)) return undefined;
  const behind = text.slice(link.prefix.length);
  // Another alphabet behind than before, or padding, is no token for the service.
  if (/[^A-Za-z0-9_-]/.test(behind)) return undefined;
  const bytes = decodeBase64(behind);
  const { rest } = link;
  for (let index = 0; index < rest.length; index++) if (bytes[index] !== rest[index]) return undefined;
  const macaroon = new Uint8Array(STAND_IN.length + bytes.length - rest.length);
  macaroon.set(STAND_IN);
  macaroon.set(bytes.subarray(rest.length), STAND_IN.length);
  const decoded = decodeBinary(macaroon);
  if (!decoded.ok || decoded.macaroons.length > 1) return undefined;
  const [{ unverifiedCaveats: caveats, signature }] = decoded.macaroons;
  return link.length + caveats.length > LIMITS.caveats ? undefined : { caveats, signature };
}

/** Links below one root macaroon. */
const MOST_OF_ONE = 64;

/** Links by their root macaroons. */
export interface Links<L extends Link> {
  add(link: L): void;
  remove(link: L): void;
  /** The longest known link that a token in v2 descends from, and the token's part behind it. */
  find(text: string): { readonly link: L; readonly tail: Tail } | undefined;
  clear(): void;
}

/** Makes an index that is empty. */
export function createLinks<L extends Link>(): Links<L> {
  const byHeader = new Map<string, readonly L[]>();

  function remove(link: L): void {
    const left = byHeader.get(link.header)?.filter((other) => other !== link);
    if (left === undefined) return;
    if (left.length === 0) byHeader.delete(link.header);
    else byHeader.set(link.header, left);
  }

  return {
    add(link) {
      // The longest first: the fewest steps are left from there. Of as long ones the latest comes last.
      const known = [...(byHeader.get(link.header) ?? []), link].sort((a, b) => b.length - a.length);
      // The shortest have the most below them, so a long one has to go.
      byHeader.set(link.header, known.slice(-MOST_OF_ONE));
    },

    remove,

    find(text) {
      if (byHeader.size === 0 || text.length > LIMITS.bundleBytes) return undefined;
      try {
        const header = headerOf(text);
        for (const link of (header === undefined ? undefined : byHeader.get(header)) ?? []) {
          const tail = tailBehind(text, link);
          if (tail !== undefined) return { link, tail };
        }
      } catch (error) {
        if (!(error instanceof MacaroonError)) throw error;
      }
      return undefined;
    },

    clear: () => byHeader.clear(),
  };
}
