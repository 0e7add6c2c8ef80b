import { forgetOldest } from "../parts/forget-oldest.ts";
import { createLookUp } from "../parts/look-up.ts";
import type { Clock } from "../ports/clock.ts";
import type { Store } from "../ports/store.ts";

/** A resource that asks, as this replica knows it. */
export interface AskingResource {
  /** Canonical. */
  readonly uri: string;
  /** Whether it takes tokens that were issued without an `aud` that names it. */
  readonly acceptUnbound: boolean;
}

/** The resources of platforms, from memory wherever they asked a moment ago. */
export interface KnownResources {
  /**
   * Rejects with `unavailable` if the store could not answer.
   *
   * @returns undefined for a URI that the platform has not registered, another's like one that nobody has
   */
  find(platform: string, uri: string): Promise<AskingResource | undefined>;
  /** Takes note that a resource was changed here. */
  forget(platform: string, uri: string): void;
}

interface Known {
  readonly resource: AskingResource;
  /** The beginning of the read, by the monotonic clock, milliseconds. */
  readonly at: number;
}

/** Resources kept in memory, some hundred bytes each. */
const REMEMBERED = 20_000;

/** Look-ups a second of one platform: of each of its resources one in half the bound, and of URIs that are none. */
const LOOK_UPS = 500;

/**
 * Makes them. What is known is as old as the bound of the revocation log at most: read anew behind the answers from half of it on,
 * and before one beyond it. So a resource that is removed, or that takes unbound tokens no more, is noticed as fast as a revocation.
 */
export function createKnownResources(options: {
  readonly store: Pick<Store, "resources">;
  readonly clock: Clock;
  readonly stalenessMilliseconds: number;
}): KnownResources {
  const { store, clock, stalenessMilliseconds } = options;
  const known = new Map<string, Known>();
  let changes = 0;

  const lookUp = createLookUp<AskingResource>({
    async load(key) {
      const [at, before] = [clock.monotonic(), changes];
      const { platform, uri } = partsOf(key);
      const found = await store.resources.findByUri(uri);
      known.delete(key);
      if (found === undefined || found.platform !== platform) return undefined;
      const resource = { uri, acceptUnbound: found.acceptUnbound };
      if (before === changes) known.set(key, { resource, at });
      forgetOldest(known, REMEMBERED);
      return resource;
    },
    clock,
    perSecond: LOOK_UPS,
    missMilliseconds: 1_000,
  });

  return {
    async find(platform, uri) {
      const key = keyOf(platform, uri);
      const held = known.get(key);
      const age = held === undefined ? Number.POSITIVE_INFINITY : clock.monotonic() - held.at;
      if (held === undefined || age >= stalenessMilliseconds) return lookUp.find(key, platform);
      // If it fails, the next one asks again, and beyond the bound somebody waits for it.
      if (age >= stalenessMilliseconds / 2) lookUp.find(key, platform).catch(() => undefined);
      return held.resource;
    },
    forget(platform, uri) {
      changes++;
      known.delete(keyOf(platform, uri));
    },
  };
}

/** No name of a platform has a line break. */
function keyOf(platform: string, uri: string): string {
  return `${platform}\n${uri}`;
}

function partsOf(key: string): { readonly platform: string; readonly uri: string } {
  const end = key.indexOf("\n");
  return { platform: key.slice(0, end), uri: key.slice(end + 1) };
}
