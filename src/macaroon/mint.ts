import { defaultHmac } from "./hash/hmac.ts";
import type { Hmac } from "./hash/types.ts";
import { deriveKey, requireKey } from "./key.ts";
import { copyOf, toBytes } from "./parts/bytes.ts";
import { checkMacaroon, LIMITS } from "./parts/limits.ts";
import type { UnverifiedMacaroon } from "./parts/macaroon.ts";

/** The parts of a new macaroon. */
export interface MintOptions {
  /** The secret that verifies it: a root key, or for a discharge the caveat key. Never empty. */
  readonly rootKey: Uint8Array;
  readonly identifier: string | Uint8Array;
  readonly location?: string;
}

/**
 * Makes a macaroon without caveats.
 *
 * @throws MacaroonError for an empty key and for an identifier or location over the limits
 */
export function mint(options: MintOptions, hmac: Hmac = defaultHmac): UnverifiedMacaroon {
  const { rootKey, location } = options;
  requireKey(rootKey);
  if (location !== undefined) toBytes(location);
  const identifier = copyOf(toBytes(options.identifier));
  const signature = hmac(deriveKey(rootKey, hmac), identifier);
  const macaroon = { identifier, unverifiedCaveats: [], signature };
  const minted: UnverifiedMacaroon = location === undefined ? macaroon : { location, ...macaroon };
  checkMacaroon(minted, LIMITS);
  return minted;
}
