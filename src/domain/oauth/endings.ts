import { auditEvent } from "../audit.ts";
import type { Actor } from "../ports/audit.ts";
import type { Family, FamilyToken } from "../ports/oauth.ts";
import type { Randomness } from "../ports/randomness.ts";
import type { RevocationScope } from "../ports/revocations.ts";
import type { Store } from "../ports/store.ts";
import type { RevocationFeed } from "../replica/revocation-feed.ts";
import type { RevocationDraft, RevocationWriter } from "../revoke/append.ts";

const SERVICE: Actor = { kind: "service" };

/** Ends grants with all that they gave. */
export interface Endings {
  /** Ends a family and revokes its tokens. @param reason for the log and the audit trail */
  endFamily(family: Family, reason: string): Promise<void>;
  /** Revokes tokens of families that are gone already. */
  revokeTokens(tokens: readonly FamilyToken[], reason: string, scope?: RevocationScope): Promise<void>;
}

/**
 * Makes the endings. The order of durable effects: (1) the family's refresh token is good no more, so that the tokens of its row are
 * all that it will ever have given; a retry goes on from here; (2) their entries in the revocation log; (3) this replica's own
 * knowledge of them; (4) the family's row, with its audit event.
 *
 * @param write writes to the revocation log
 */
export function createEndings(options: {
  readonly store: Store;
  readonly randomness: Randomness;
  readonly write: RevocationWriter;
  readonly feed: Pick<RevocationFeed, "learn">;
}): Endings {
  const { store, randomness, write, feed } = options;

  async function revokeTokens(
    tokens: readonly FamilyToken[],
    reason: string,
    scope: RevocationScope = { kind: "all" },
  ): Promise<void> {
    if (tokens.length === 0) return;
    const drafts = tokens.map(
      ({ id }): RevocationDraft => ({
        scope,
        target: () => ({ kind: "token_id", id }),
        author: "service",
        actor: SERVICE,
        member: "token",
      }),
    );
    const { epoch, entries } = await write(drafts, { reason });
    await feed.learn(epoch, entries);
  }

  return {
    revokeTokens,
    async endFamily(family, reason) {
      // A refresh may have given another token since the family was read.
      const { tokens, platform } = (await store.oauth.stopFamily(family.id)) ?? family;
      await revokeTokens(tokens, reason, { kind: "platform", platform });
      await store.transaction("end family", async (repositories) => {
        if ((await repositories.oauth.endFamily(family.id)) === undefined) return;
        const details = { family: family.id, client_id: family.clientId, reason };
        const event = { action: "grant.ended", actor: SERVICE, platform: family.platform, details } as const;
        await repositories.audit.append([auditEvent(randomness, await repositories.now(), event)]);
      });
    },
  };
}
