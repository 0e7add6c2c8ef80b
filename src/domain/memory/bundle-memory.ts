import { createCaveatReader } from "../../caveats/memo.ts";
import type { ChainHash } from "../../macaroon/index.ts";
import type { RootKeys } from "../keys/root-keys.ts";
import type { Meter } from "../ports/meter.ts";
import { nodeChain } from "../verify/node-hash.ts";
import { type BundleVerifier, createBundleVerifier, createFindKey } from "../verify/verify-bundle.ts";
import { createBundleCache } from "./bundle-cache.ts";
import { createLinkMemory } from "./link-memory.ts";
import { rememberBundles } from "./remembered-bundles.ts";
import { rememberLinks } from "./remembered-links.ts";
import { createSightings } from "./sightings.ts";

/** Memory for bundles that are presented again and again. */
const BUNDLE_BYTES = 32 * 1024 * 1024;

/** Memory for links that several tokens descend from: some nine hundred of ten caveats. */
const LINK_BYTES = 8 * 1024 * 1024;

/**
 * Opens the verifier of bundles with its two memories: first that of whole bundles, then that of links.
 *
 * @param remembersLinks whether it has the second; true unless said, and false for tests that compare
 * @returns the verifier, and a way to say that this replica holds a root key no more
 */
export function openBundleVerifier(options: {
  readonly rootKeys: Pick<RootKeys, "find" | "held" | "spendAsUnknown">;
  readonly meter?: Pick<Meter, "lookedUp">;
  readonly chain?: ChainHash;
  readonly remembersLinks?: boolean | undefined;
}): BundleVerifier & { forgetKey(keyId: string): void } {
  const { rootKeys, meter, chain = nodeChain, remembersLinks = true } = options;
  const findKey = createFindKey(rootKeys);
  const readCaveat = createCaveatReader();
  const memory = createLinkMemory(LINK_BYTES);
  const whole = createBundleVerifier(findKey, rootKeys.spendAsUnknown, chain, readCaveat);
  const remembering = { memory, sightings: createSightings(), readCaveat, chain };
  const { verify } = rememberBundles(
    remembersLinks ? rememberLinks(whole, findKey, remembering) : whole,
    findKey,
    { sightings: createSightings(), cache: createBundleCache(BUNDLE_BYTES), ...(meter && { meter }) },
  );
  return { verify, forgetKey: memory.forgetKey };
}
