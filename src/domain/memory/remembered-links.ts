import type { CaveatReader } from "../../caveats/memo.ts";
import {
  type Behind,
  type ChainHash,
  type RevocationId,
  verifiedLink,
  verifyFrom,
} from "../../macaroon/index.ts";
import type { RootKey } from "../keys/root-keys.ts";
import { nodeChain } from "../verify/node-hash.ts";
import { conditionOf, readBundle, type VerifiedBundle } from "../verify/verified-bundle.ts";
import { type BundleVerifier, type FindKey, UNKNOWN_KEY } from "../verify/verify-bundle.ts";
import { type LinkMemory, linkWeight, type RememberedLink } from "./link-memory.ts";
import type { Sightings } from "./sightings.ts";

/** The longest token, in characters, that links are looked up for. Longer ones are rare, and verified in turns. */
const LONGEST = 8_192;

/** The most caveats behind a link: a wrong signature costs the hashes of so many beside those that it always costs. */
const MOST_BEHIND = 32;

/** The heaviest link, bytes: 64 of them, which one root macaroon can have, are a quarter of the memory. */
const HEAVIEST = 32 * 1024;

/** The parts of {@link rememberLinks}. */
export interface LinkRemembering {
  readonly memory: LinkMemory;
  /** Tells links that several tokens descend from. Another one than that of bundles, which notes tokens. */
  readonly sightings: Sightings;
  readonly readCaveat: CaveatReader;
  readonly chain?: ChainHash;
}

/**
 * Wraps a verifier in a memory of links: of a token that descends from a link which was verified before, only what was
 * appended is hashed, named and read.
 *
 * - *Nothing wrong enters.* A link is taken from a token whose signature was just found right, and its tail is computed from
 *   the root key once more.
 * - *Nothing wrong is found.* A token is recognised by its identifier and caveats, byte for byte, and what was appended is
 *   hashed on from the link's tail: without that tail nobody can sign it. The signature is compared in constant time.
 * - *Memory says yes and never no.* A signature that memory finds wrong is checked from the root key, as if there was none.
 * - *It outlives nothing.* The root key is asked for on every call and must be the same object. Principals, revocations,
 *   time and the context are asked for by the callers, on every call, as of any other token.
 * - *A holder without a credential is not served,* who must not learn by the time it takes which keys and tokens exist.
 *
 * A link enters when a second token is seen below it. A token that nothing descends from enters nothing, and the tokens of
 * a flood, each presented once, leave four bytes a link.
 */
export function rememberLinks(
  verifier: BundleVerifier,
  findKey: FindKey,
  { memory, sightings, readCaveat, chain = nodeChain }: LinkRemembering,
): BundleVerifier {
  function continued(known: RememberedLink, behind: Behind): VerifiedBundle | undefined {
    const macaroon = verifyFrom(known, behind, chain);
    if (macaroon === undefined) return undefined;
    const appended = macaroon.caveats.slice(known.conditions.length);
    const conditions = known.conditions.concat(appended.map((caveat) => conditionOf(caveat, readCaveat)));
    return readBundle(known.identifier, macaroon, () => conditions);
  }

  /** Keeps the longest link of a verified token that another token descends from, unless it is known. */
  function note(text: string, bundle: VerifiedBundle, rootKey: RootKey, known: number): void {
    const { macaroon, conditions, identifier } = bundle;
    const length = longestShared(sightings, macaroon.revocationIds, known);
    if (length === undefined || !memory.takes(rootKey.platform, text, length)) return;
    const above = conditions.slice(0, length);
    const bytes = linkWeight(above, text.length);
    if (bytes > HEAVIEST) return;
    const verified = verifiedLink(macaroon, length, rootKey.key.reveal(), chain);
    if (verified === undefined) return;
    const { platform, key: underKey } = rootKey;
    memory.keep({ ...verified, identifier, conditions: above, underKey, platform }, bytes);
  }

  return {
    async verify(presented) {
      const { text, discharges, platform } = presented;
      if (platform === undefined || discharges.length > 0 || text.length > LONGEST)
        return verifier.verify(presented);

      const found = memory.find(platform, text);
      if (found !== undefined && found.behind.caveats.length <= MOST_BEHIND) {
        const { known, behind } = found;
        const finding = findKey(known.identifier.keyId, platform);
        const rootKey = finding instanceof Promise ? await finding : finding;
        if (rootKey === undefined) return UNKNOWN_KEY;
        const isUnder = rootKey.key === known.underKey;
        // It came in while its key left, which is there again: nothing else would make room for another.
        if (!isUnder) memory.forgetKey(known.identifier.keyId);
        const bundle = isUnder ? continued(known, behind) : undefined;
        if (bundle !== undefined) {
          memory.use(known);
          note(text, bundle, rootKey, known.link.length);
          return { ok: true, bundle, rootKey };
        }
      }

      const verification = await verifier.verify(presented);
      if (verification.ok && verification.bundle.macaroon.discharges.length === 0) {
        note(text, verification.bundle, verification.rootKey, 0);
      }
      return verification;
    },
  };
}

/**
 * Notes the links of a token that was verified.
 *
 * @param known how many caveats the longest link has that is known already
 * @returns how many the longest one has that was noted of another token before; undefined if there is none, and for a token
 *   that is presented again
 */
function longestShared(
  sightings: Sightings,
  links: readonly RevocationId[],
  known: number,
): number | undefined {
  let longest: number | undefined;
  for (let length = known + 1; length < links.length; length++) {
    if (!sightings.again((links[length] as RevocationId).bytes)) continue;
    longest = length === links.length - 1 ? undefined : length;
  }
  return longest;
}
