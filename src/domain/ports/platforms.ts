import type { Page, PageRequest } from "./parts/page.ts";
import type { Policy } from "./policy.ts";

/** The platform whose tokens are the credentials of this service's own API. */
export const SERVICE_PLATFORM = "bakehouse";

/** An application that owns tokens. */
export interface Platform {
  readonly name: string;
  /** Unix milliseconds. */
  readonly createdAt: number;
  readonly policy: Policy;
  /** Hosts under which it may register resources: each a host, or `*.` and a name. */
  readonly resourceHosts: readonly string[];
}

/** Platforms by name. Every method rejects only when the store could not answer. */
export interface PlatformStore {
  /** @returns false if a platform of that name exists already; nothing is changed then */
  insert(platform: Platform): Promise<boolean>;
  /** @returns undefined for a name that no platform has */
  find(name: string): Promise<Platform | undefined>;
  /** As `find`, holding the platform's row until the transaction ends: serialises rotations and policy changes. */
  lock(name: string): Promise<Platform | undefined>;
  /** @returns false if there is no such platform */
  setPolicy(name: string, policy: Policy): Promise<boolean>;
  /** @returns false if there is no such platform */
  setResourceHosts(name: string, hosts: readonly string[]): Promise<boolean>;
  /** By name, ascending; the page key is the name. The reserved platform is among them. */
  list(page: PageRequest): Promise<Page<Platform>>;
}
