import type { Caller } from "./caller.ts";
import type { Page, PageRequest } from "./ports/parts/page.ts";
import type { Platform } from "./ports/platforms.ts";
import type { Resource, ResourceScope } from "./ports/resources.ts";

/** A resource as it is registered, or as it is to be from now on. */
export interface ResourceRequest {
  /** Its URI, in any spelling of the canonical one. */
  readonly resource: string;
  readonly name: string;
  readonly scopes: readonly ResourceScope[];
  readonly caveats: readonly string[];
  /** Seconds; null if only policy limits it. */
  readonly maxTtl: number | null;
  readonly acceptUnbound: boolean;
}

/** The resources of platforms: for administrators, and for a platform its own. Another's platform is as unknown as one that never was. */
export interface Resources {
  list(caller: Caller, platform: string, page: PageRequest): Promise<Page<Resource>>;
  /**
   * Rejects with `unprocessable` for a URI under a host that the platform was not given, and with `conflict` for one that is
   * registered already.
   */
  register(caller: Caller, platform: string, request: ResourceRequest): Promise<Resource>;
  /** Replaces all but the URI. Rejects with `unprocessable` for another URI. */
  change(caller: Caller, platform: string, id: string, request: ResourceRequest): Promise<Resource>;
  remove(caller: Caller, platform: string, id: string): Promise<void>;
  /**
   * Says under which hosts a platform may register; for administrators. Rejects with `conflict` if a resource is registered
   * under a host that would be taken away.
   */
  setHosts(caller: Caller, platform: string, hosts: readonly string[]): Promise<Platform>;
}
