import { coversHost, hostFault, readResourceUri } from "../../words/resource-uri.ts";
import { actorOf, auditEvent } from "../audit.ts";
import { ANY_RESOURCE, type Caller } from "../caller.ts";
import { requireCaveats } from "../issue/minting.ts";
import { DomainError } from "../parts/error.ts";
import { pageInParts } from "../parts/page-in-parts.ts";
import { beginTimeSlice, type SliceClock } from "../parts/time-slice.ts";
import { uuidv7 } from "../parts/uuid.ts";
import { requireAdministrator, requireAdministratorOrPlatform } from "../permission.ts";
import type { AuditAction } from "../ports/audit.ts";
import { type Platform, SERVICE_PLATFORM } from "../ports/platforms.ts";
import type { Randomness } from "../ports/randomness.ts";
import type { Resource } from "../ports/resources.ts";
import type { Repositories, Store } from "../ports/store.ts";
import type { KnownResources } from "../replica/known-resources.ts";
import type { ResourceRequest, Resources } from "../resource-service.ts";

/** Most resources of one platform. */
const MOST_RESOURCES = 1_000;

/** Most resources of a page, and of those that are read at once: one may have a hundred kilobytes. */
const PAGE = 50;
const READ_AT_ONCE = 8;

const noPlatform = () => new DomainError("not_found", "no such platform");
const noResource = () => new DomainError("not_found", "no such resource");

function requireUri(text: string): { readonly uri: string; readonly host: string } {
  const read = readResourceUri(text);
  if (read.ok) return read;
  throw new DomainError("invalid_request", read.why, "resource");
}

/** The first resource that no host of a list covers. */
function uncovered(uris: readonly string[], hosts: readonly string[]): string | undefined {
  return uris.find((uri) => {
    const read = readResourceUri(uri);
    return !read.ok || !hosts.some((host) => coversHost(host, read.host));
  });
}

/**
 * Registers resources. Platform and hosts are held until the transaction ends, so that every resource stands under a host of
 * its platform; the database decides which caller is first with a URI.
 */
export function createResources(options: {
  readonly store: Store;
  readonly clock: SliceClock;
  readonly randomness: Randomness;
  readonly known: Pick<KnownResources, "forget">;
}): Resources {
  const { store, clock, randomness, known: replica } = options;

  /** @returns the platform's name */
  function permitted(caller: Caller, platform: string): string {
    const name = requireAdministratorOrPlatform(caller, "resources", platform, ANY_RESOURCE);
    if (name === undefined || name === SERVICE_PLATFORM) throw noPlatform();
    return name;
  }

  /** A credential that is bound to a resource changes no other. */
  function requireConcern(caller: Caller, platform: string, uri: string): void {
    const refusal = caller.kind === "service" ? caller.refuses("resources", platform, uri) : undefined;
    if (refusal !== undefined) throw new DomainError("forbidden", refusal);
  }

  async function held(repositories: Repositories, name: string): Promise<Platform> {
    const platform = name === SERVICE_PLATFORM ? undefined : await repositories.platforms.lock(name);
    if (platform === undefined) throw noPlatform();
    return platform;
  }

  async function note(
    repositories: Repositories,
    caller: Caller,
    action: AuditAction,
    resource: Resource,
  ): Promise<void> {
    const { id, platform, resource: uri, scopes, maxTtl, acceptUnbound } = resource;
    const details = {
      resource_id: id,
      resource: uri,
      scopes: scopes.map(({ scope }) => scope),
      max_ttl: maxTtl,
      accept_unbound: acceptUnbound,
    };
    const event = { action, actor: actorOf(caller), platform, details };
    await repositories.audit.append([auditEvent(randomness, await repositories.now(), event)]);
  }

  async function requireRequest({ scopes, caveats }: ResourceRequest): Promise<void> {
    const names = new Set<string>();
    for (const [index, { scope }] of scopes.entries()) {
      if (names.has(scope))
        throw new DomainError("invalid_request", "is there twice", `scopes[${index}].scope`);
      names.add(scope);
    }
    await requireCaveats(caveats, "caveats", beginTimeSlice(clock));
  }

  return {
    async list(caller, platform, page) {
      const name = permitted(caller, platform);
      if ((await store.platforms.find(name)) === undefined) throw noPlatform();
      return pageInParts({ ...page, limit: Math.min(page.limit, PAGE) }, clock, {
        part: READ_AT_ONCE,
        read: (part) => store.resources.list(name, part),
        work: (resource) => resource,
        key: ({ id }) => id,
      });
    },

    async register(caller, platform, request) {
      const name = permitted(caller, platform);
      const { uri, host } = requireUri(request.resource);
      requireConcern(caller, name, uri);
      await requireRequest(request);
      return store.transaction("register resource", async (repositories) => {
        const { resourceHosts } = await held(repositories, name);
        // Before anything is said of the URI: nobody learns which resources others have under hosts of theirs.
        if (!resourceHosts.some((entry) => coversHost(entry, host))) {
          const why = "is under a host that the platform was not given: an administrator sets resource_hosts";
          throw new DomainError("unprocessable", why, "resource");
        }
        if ((await repositories.resources.count(name)) >= MOST_RESOURCES) {
          throw new DomainError("unprocessable", `a platform has at most ${MOST_RESOURCES} resources`);
        }
        const createdAt = await repositories.now();
        const id = uuidv7(createdAt, randomness);
        const resource: Resource = { ...request, id, platform: name, resource: uri, createdAt };
        if (!(await repositories.resources.insert(resource))) {
          throw new DomainError("conflict", "a resource of this URI is registered already", "resource");
        }
        await note(repositories, caller, "resource.registered", resource);
        return resource;
      });
    },

    async change(caller, platform, id, request) {
      const name = permitted(caller, platform);
      const { uri } = requireUri(request.resource);
      await requireRequest(request);
      const changed = await store.transaction("change resource", async (repositories) => {
        await held(repositories, name);
        const known = await repositories.resources.find(name, id);
        if (known === undefined) throw noResource();
        if (known.resource !== uri) {
          throw new DomainError("unprocessable", "never changes: register another resource", "resource");
        }
        const { createdAt } = known;
        const resource: Resource = { ...request, id, platform: name, resource: uri, createdAt };
        if (!(await repositories.resources.replace(resource))) throw noResource();
        requireConcern(caller, name, uri);
        await note(repositories, caller, "resource.changed", resource);
        return resource;
      });
      replica.forget(name, uri);
      return changed;
    },

    async remove(caller, platform, id) {
      const name = permitted(caller, platform);
      const gone = await store.transaction("remove resource", async (repositories) => {
        const removed = await repositories.resources.remove(name, id);
        if (removed === undefined) throw noResource();
        requireConcern(caller, name, removed.resource);
        await note(repositories, caller, "resource.removed", removed);
        return removed.resource;
      });
      replica.forget(name, gone);
    },

    async setHosts(caller, platform, hosts) {
      requireAdministrator(caller, "platforms", platform);
      for (const [index, host] of hosts.entries()) {
        const why = hosts.indexOf(host) < index ? "is there twice" : hostFault(host);
        if (why !== undefined) throw new DomainError("invalid_request", why, `resource_hosts[${index}]`);
      }
      return store.transaction("set resource hosts", async (repositories) => {
        const known = await held(repositories, platform);
        const left = uncovered(await repositories.resources.uris(platform), hosts);
        if (left !== undefined) {
          const why = `the resource ${left} is registered under a host that would be taken away: remove it first`;
          throw new DomainError("conflict", why, "resource_hosts");
        }
        await repositories.platforms.setResourceHosts(platform, hosts);
        const details = { resource_hosts: hosts };
        const event = { action: "platform.changed", actor: actorOf(caller), platform, details } as const;
        await repositories.audit.append([auditEvent(randomness, await repositories.now(), event)]);
        return { ...known, resourceHosts: hosts };
      });
    },
  };
}
