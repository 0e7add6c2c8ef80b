import { actorOf, auditEvent } from "../audit.ts";
import type { Clients } from "../oauth-service.ts";
import { DomainError } from "../parts/error.ts";
import { forgetOldest } from "../parts/forget-oldest.ts";
import { createLookUp } from "../parts/look-up.ts";
import { networkOf } from "../parts/network.ts";
import { uuidv7 } from "../parts/uuid.ts";
import { requireAdministrator } from "../permission.ts";
import type { Clock } from "../ports/clock.ts";
import type { FamilyToken, RegisteredClient } from "../ports/oauth.ts";
import { admitsDocumentOf, type Policy } from "../ports/policy.ts";
import type { Randomness } from "../ports/randomness.ts";
import type { Store } from "../ports/store.ts";
import { type Client, readClientSettings, registeredClient } from "./client.ts";
import { clientUrl } from "./client-url.ts";
import type { ClientDocuments, DocumentReading } from "./documents.ts";
import type { OAuthSecrets } from "./secrets.ts";

/** Look-ups of ids that were never seen to be a client's, which one network may cause, a second. */
const LOOK_UPS = 20;
/** Milliseconds for which a client that is not there is not asked for again. */
const MISSED = 1_000;
/** Ids that are remembered as a client's. */
const REMEMBERED = 10_000;

/** Finds clients for the endpoints. */
export interface ClientFinder {
  /** The address of a client with a metadata document; undefined for any other id. */
  urlOf(id: string): URL | undefined;
  /** @param from the address that asks */
  registered(id: string, from: string): Promise<Client | undefined>;
  /**
   * Finds a client by its document, if the platform lets such clients in.
   *
   * @param asker the owner of the allowance that a fetch is taken from
   */
  byDocument(url: URL, policy: Policy, asker: string): Promise<DocumentReading>;
}

/** @param allowsLoopback whether documents on this very machine count: with the development identity provider alone */
export function createClientFinder(options: {
  readonly store: Pick<Store, "oauth">;
  readonly clock: Clock;
  readonly documents: ClientDocuments;
  readonly allowsLoopback: boolean;
}): ClientFinder {
  const { store, documents } = options;
  const seen = new Set<string>();
  const underWay = new Map<string, Promise<RegisteredClient | undefined>>();

  /** Reads a client anew each time, as it may have been deleted; requests that come meanwhile share the read. */
  function readAgain(id: string): Promise<RegisteredClient | undefined> {
    const joined = underWay.get(id);
    if (joined !== undefined) return joined;
    const reading = store.oauth.findClient(id).finally(() => underWay.delete(id));
    underWay.set(id, reading);
    return reading;
  }

  const strangers = createLookUp<RegisteredClient>({
    load: (id) => store.oauth.findClient(id),
    clock: options.clock,
    perSecond: LOOK_UPS,
    missMilliseconds: MISSED,
  });
  return {
    urlOf: (id) => clientUrl(id, options.allowsLoopback),
    async registered(id, from) {
      const found = await (seen.has(id) ? readAgain(id) : strangers.find(id, networkOf(from)));
      seen.delete(id);
      if (found !== undefined) seen.add(id);
      forgetOldest(seen, REMEMBERED);
      return found && registeredClient(found);
    },
    async byDocument(url, policy, asker) {
      if (!admitsDocumentOf(policy, url.hostname)) {
        return { ok: false, why: "the platform lets in no client by a document of this host" };
      }
      return documents.find(url, asker);
    },
  };
}

/**
 * Registered clients. They belong to the service: their grants belong to platforms.
 *
 * @param revokeTokens ends tokens that a client holds
 */
export function createClients(options: {
  readonly store: Store;
  readonly randomness: Randomness;
  readonly secrets: OAuthSecrets;
  readonly revokeTokens: (tokens: readonly FamilyToken[], reason: string) => Promise<void>;
}): Clients {
  const { store, randomness, secrets } = options;
  return {
    async create(caller, { name, redirectUris, authMethod, jwks }) {
      requireAdministrator(caller, "platforms", undefined);
      const reading = readClientSettings({ name, redirectUris, authMethod, jwks });
      if (!reading.ok) throw new DomainError("invalid_request", reading.why, reading.member);
      const hasSecret = authMethod === "client_secret_basic" || authMethod === "client_secret_post";
      const secret = hasSecret ? secrets.clientSecret() : undefined;
      return store.transaction("create client", async (repositories) => {
        const createdAt = await repositories.now();
        const id = uuidv7(createdAt, randomness);
        const client = { id, ...reading.settings, secretHash: secret?.hash ?? null, createdAt };
        await repositories.oauth.insertClient(client);
        const details = { client_id: id, name, method: authMethod };
        const event = { action: "client.created", actor: actorOf(caller), platform: null, details } as const;
        await repositories.audit.append([auditEvent(randomness, createdAt, event)]);
        return { client, secret: secret?.text };
      });
    },

    async list(caller, page) {
      requireAdministrator(caller, "platforms", undefined);
      return store.oauth.listClients(page);
    },

    async delete(caller, id) {
      requireAdministrator(caller, "platforms", undefined);
      const held = await store.transaction("delete client", async (repositories) => {
        const deleted = await repositories.oauth.deleteClient(id);
        if (deleted === undefined) throw new DomainError("not_found", "no such client");
        const details = { client_id: id };
        const event = { action: "client.deleted", actor: actorOf(caller), platform: null, details } as const;
        await repositories.audit.append([auditEvent(randomness, await repositories.now(), event)]);
        return deleted.tokens;
      });
      await options.revokeTokens(held, "the client was deleted");
    },
  };
}
