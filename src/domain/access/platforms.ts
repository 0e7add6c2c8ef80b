import { actorOf, auditEvent } from "../audit.ts";
import type { RootKeys } from "../keys/root-keys.ts";
import { DomainError } from "../parts/error.ts";
import { pageInParts } from "../parts/page-in-parts.ts";
import { requireAdministrator } from "../permission.ts";
import type { Clock } from "../ports/clock.ts";
import { SERVICE_PLATFORM } from "../ports/platforms.ts";
import { CLOSED_POLICY } from "../ports/policy.ts";
import type { Randomness } from "../ports/randomness.ts";
import type { Store } from "../ports/store.ts";
import type { Platforms } from "../service.ts";
import { requirePolicy } from "./policies.ts";
import type { ServiceCredentials } from "./service-credentials.ts";

const NAME = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/** Most platforms of a page, and of those that are read at once: a policy may have a megabyte. */
const PAGE = 50;
const READ_AT_ONCE = 8;

const unknown = () => new DomainError("not_found", "no such platform");

/** Platforms and their credentials: an administrator's business. */
export function createPlatforms(options: {
  readonly store: Store;
  readonly rootKeys: RootKeys;
  readonly credentials: ServiceCredentials;
  readonly clock: Pick<Clock, "monotonic">;
  readonly randomness: Randomness;
}): Platforms {
  const { store, rootKeys, credentials, clock, randomness } = options;
  return {
    async create(caller, name, policy = CLOSED_POLICY) {
      requireAdministrator(caller, "platforms", name);
      if (!NAME.test(name)) {
        const why = "must be 1 to 63 lower-case letters, digits and hyphens, with no hyphen at either end";
        throw new DomainError("invalid_request", why, "name");
      }
      await requirePolicy(policy, clock);
      const { platform, key } = await store.transaction("create platform", async (repositories) => {
        const now = await repositories.now();
        const made = { name, createdAt: now, policy, resourceHosts: [] };
        if (name === SERVICE_PLATFORM || !(await repositories.platforms.insert(made))) {
          throw new DomainError("conflict", "a platform of this name exists already", "name");
        }
        const first = await rootKeys.createFirst(repositories, name, now);
        const actor = actorOf(caller);
        await repositories.audit.append([
          auditEvent(randomness, now, { action: "platform.created", actor, platform: name, details: {} }),
          auditEvent(randomness, now, {
            action: "key.created",
            actor,
            platform: name,
            details: { key_id: first.id, active_from: first.activeFrom },
          }),
        ]);
        return { platform: made, key: first };
      });
      rootKeys.remember(key);
      return platform;
    },

    async list(caller, page) {
      requireAdministrator(caller, "platforms", undefined);
      const { items, next } = await pageInParts({ ...page, limit: Math.min(page.limit, PAGE) }, clock, {
        part: READ_AT_ONCE,
        read: (part) => store.platforms.list(part),
        work: (platform) => platform,
        key: ({ name }) => name,
      });
      return { items: items.filter(({ name }) => name !== SERVICE_PLATFORM), next };
    },

    async issueCredential(caller, name, request) {
      requireAdministrator(caller, "platforms", name);
      await rootKeys.prepare(SERVICE_PLATFORM);
      return store.transaction("issue credential", async (repositories) => {
        const platform = name === SERVICE_PLATFORM ? undefined : await repositories.platforms.find(name);
        if (platform === undefined) throw unknown();
        const { resource, caveats } = request;
        if (resource !== undefined && (await repositories.resources.findByUri(resource))?.platform !== name) {
          throw new DomainError("not_found", "no such resource of this platform", "resource");
        }
        return credentials.issueIn(
          repositories,
          caller,
          { role: "platform", platform: name },
          { ...request, caveats: resource === undefined ? caveats : [`resource = ${resource}`, ...caveats] },
        );
      });
    },
  };
}
