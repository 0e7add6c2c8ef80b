import { actorOf, auditEvent } from "../audit.ts";
import type { Caller } from "../caller.ts";
import type { Consents } from "../oauth-service.ts";
import { DomainError } from "../parts/error.ts";
import { requireAdministrator, requirePerson } from "../permission.ts";
import type { ConsentOwner } from "../ports/oauth.ts";
import type { Randomness } from "../ports/randomness.ts";
import type { Store } from "../ports/store.ts";

/** A person's own; undefined, for everybody's, for an administrator's credential. */
function ownerOf(caller: Caller): ConsentOwner | undefined {
  if (caller.kind === "human") {
    const { issuer, subject } = requirePerson(caller).identity;
    return { issuer, subject };
  }
  requireAdministrator(caller, "platforms", undefined);
  return undefined;
}

/** Consents that are remembered. A platform's credential sees none: they are between people and clients. */
export function createConsents(options: {
  readonly store: Store;
  readonly randomness: Randomness;
}): Consents {
  const { store, randomness } = options;
  return {
    async list(caller, page) {
      const owner = ownerOf(caller);
      return store.oauth.listConsents(owner, await store.now(), page);
    },

    async delete(caller, id) {
      const owner = ownerOf(caller);
      await store.transaction("delete consent", async (repositories) => {
        const consent = await repositories.oauth.deleteConsent(owner, id);
        if (consent === undefined) throw new DomainError("not_found", "no such consent");
        const { clientId, platform, resource } = consent;
        const details = { consent: id, client_id: clientId, resource };
        const event = { action: "consent.withdrawn", actor: actorOf(caller), platform, details } as const;
        await repositories.audit.append([auditEvent(randomness, await repositories.now(), event)]);
      });
    },
  };
}
