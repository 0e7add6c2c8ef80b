import type { Condition } from "../../caveats/condition.ts";
import { type Behind, createLinks, type Links, type VerifiedLink } from "../../macaroon/index.ts";
import type { Identifier } from "../../words/identifier.ts";
import type { Secret } from "../keys/secret.ts";
import { conditionsWeight } from "../verify/bundle-weight.ts";
import { createBundleCache } from "./bundle-cache.ts";

/** A link that was verified before, and everything that follows from its bytes alone. */
export interface RememberedLink extends VerifiedLink {
  readonly identifier: Identifier;
  /** The caveats up to this link, read. */
  readonly conditions: readonly Condition[];
  /** The key under which it was verified, and the platform that the key belongs to. */
  readonly underKey: Secret;
  readonly platform: string;
}

/** Verified links, within a bound of bytes. */
export interface LinkMemory {
  /** The longest link, of those under keys of the platform that asks, that a token seems to descend from. */
  find(
    platform: string,
    text: string,
  ): { readonly known: RememberedLink; readonly behind: Behind } | undefined;
  /** Notes that a token with a right signature descends from it. */
  use(link: RememberedLink): void;
  /** Whether the link of so many caveats above a token would stay if it was kept. */
  takes(platform: string, text: string, length: number): boolean;
  keep(link: RememberedLink, bytes: number): void;
  /** Lets go of all links under a key that this replica holds no more. */
  forgetKey(keyId: string): void;
  readonly bytes: number;
  readonly size: number;
}

// Bytes, measured and rounded up.
const WEIGHT = 1_500;
const WEIGHT_OF_LINK = 750;

/** The memory that a link takes, roughly; bytes. @param length of the text of the token that it was found in, in characters */
export function linkWeight(conditions: readonly Condition[], length: number): number {
  return WEIGHT + 2 * length + WEIGHT_OF_LINK * (conditions.length + 1) + conditionsWeight(conditions);
}

/**
 * Makes a memory that is empty.
 *
 * Links are found by platform, so that nobody learns of another platform's tokens by the time that a look-up takes. Of one root
 * macaroon 64 links are kept at most, the shortest: whoever floods it with links of their own slows down holders of that
 * root macaroon and nobody else. Over all of them links leave as bundles do: one that was used stays before one that was not.
 *
 * @param maxBytes the bound, by the estimates that `keep` is given
 */
export function createLinkMemory(maxBytes: number): LinkMemory {
  const byPlatform = new Map<string, Links<RememberedLink>>();
  const byKey = new Map<string, Set<RememberedLink>>();
  const cache = createBundleCache<RememberedLink>(maxBytes, (known) => {
    const links = byPlatform.get(known.platform);
    links?.remove(known);
    if (links?.size === 0) byPlatform.delete(known.platform);
    const ofKey = byKey.get(known.identifier.keyId);
    ofKey?.delete(known);
    if (ofKey?.size === 0) byKey.delete(known.identifier.keyId);
  });

  return {
    find: (platform, text) => byPlatform.get(platform)?.find(text),

    use: ({ link }) => void cache.find(link.prefix),

    takes: (platform, text, length) => byPlatform.get(platform)?.takes(text, length) ?? true,

    keep(known, bytes) {
      const { platform, identifier, link } = known;
      if (!cache.keep(link.prefix, known, bytes)) return;
      const links = byPlatform.get(platform) ?? createLinks<RememberedLink>();
      byPlatform.set(platform, links);
      byKey.set(identifier.keyId, (byKey.get(identifier.keyId) ?? new Set()).add(known));
      const gone = links.add(known);
      if (gone !== undefined) cache.drop(gone.link.prefix);
    },

    forgetKey(keyId) {
      for (const { link } of byKey.get(keyId) ?? []) cache.drop(link.prefix);
    },

    get bytes() {
      return cache.bytes;
    },

    get size() {
      return cache.size;
    },
  };
}
