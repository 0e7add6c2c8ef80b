import type { RootKey } from "../keys/root-keys.ts";
import type { Secret } from "../keys/secret.ts";
import { currentSpan } from "../parts/turn.ts";
import { type Meter, NO_METER } from "../ports/meter.ts";
import { bundleWeight } from "../verify/bundle-weight.ts";
import type { VerifiedBundle } from "../verify/verified-bundle.ts";
import {
  type BundleVerification,
  type BundleVerifier,
  type FindKey,
  type Presented,
  UNKNOWN_KEY,
} from "../verify/verify-bundle.ts";
import { type BundleCache, bundleKey, isKeepable } from "./bundle-cache.ts";
import type { Sightings } from "./sightings.ts";

/** A bundle that was verified before, and the key under which its signatures were right. */
export interface RememberedBundle {
  readonly bundle: VerifiedBundle;
  readonly underKey: Secret;
}

/** The memory of a verifier: the bundles that are kept, and the marks of those that were presented once. */
export interface BundleMemory {
  readonly sightings: Sightings;
  readonly cache: Pick<BundleCache<RememberedBundle>, "find" | "keep">;
  /** Counts what is found, and what is not. */
  readonly meter?: Pick<Meter, "lookedUp">;
}

/**
 * Wraps a verifier in memory: a bundle that is presented again is spared the decoding, the signatures and the reading
 * of its caveats.
 *
 * The root key is asked for each time, and the bundle is remembered under that very key object. A key that was read
 * anew, or another key under the same id, verifies the bundle anew. Principals, revocations, time and the context are
 * not this wrapper's business: its callers ask for them on every call, remembered or not.
 *
 * @param memory only bundles with right signatures enter it
 */
export function rememberBundles(
  verifier: BundleVerifier,
  findKey: FindKey,
  { sightings, cache, meter = NO_METER }: BundleMemory,
): BundleVerifier {
  async function verifyAnew(presented: Presented, key: string | undefined): Promise<BundleVerification> {
    const verification = await verifier.verify(presented);
    if (!verification.ok || key === undefined) return verification;
    const { bundle, rootKey } = verification;
    if (
      sightings.again(bundle.macaroon.revocationId.bytes) &&
      isKeepable(presented.text, presented.discharges)
    ) {
      cache.keep(key, { bundle, underKey: rootKey.key }, key.length + bundleWeight(bundle));
    }
    return verification;
  }

  return {
    verify(presented) {
      const { text, discharges, platform } = presented;
      const key = bundleKey(text, discharges, platform);
      const before = key === undefined ? undefined : cache.find(key);
      meter.lookedUp(before !== undefined);
      currentSpan()?.note("found", before !== undefined);
      if (before === undefined) return verifyAnew(presented, key);
      const { bundle, underKey } = before;
      const go = (rootKey: RootKey | undefined) => {
        if (rootKey === undefined) return UNKNOWN_KEY;
        return rootKey.key === underKey
          ? ({ ok: true, bundle, rootKey } as const)
          : verifyAnew(presented, key);
      };
      const finding = findKey(bundle.identifier.keyId, platform);
      return finding instanceof Promise ? finding.then(go) : go(finding);
    },
  };
}
