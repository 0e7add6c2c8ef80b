import { auditEvent } from "../audit.ts";
import { uuidv7 } from "../parts/uuid.ts";
import type { Actor } from "../ports/audit.ts";
import type { DischargeRequest } from "../ports/discharge-requests.ts";
import type { Randomness } from "../ports/randomness.ts";
import type { RevocationScope } from "../ports/revocations.ts";
import type { Repositories, Store } from "../ports/store.ts";
import type { RevocationKnowledge } from "../replica/revocation-knowledge.ts";
import { approvalWithdrawn } from "./approval-notices.ts";
import type { WaitingRoom } from "./waiting-room.ts";

/** Ends requests before their time. */
export interface Withdrawals {
  /** Withdraws a request that is pending or granted, in a transaction that holds it. @returns whether it was either */
  withdraw(
    repositories: Repositories,
    request: DischargeRequest,
    actor: Actor,
    now: number,
  ): Promise<boolean>;
  /** Notes that an approval was revoked, if the entry reaches the token that it is for. */
  noteRevoked(approvalId: string, scope: RevocationScope, actor: Actor): Promise<void>;
  /** Whether this replica knows a revocation of an approval, which counts before anybody has noted it. */
  isRevoked(request: DischargeRequest): boolean;
}

function reaches(scope: RevocationScope, { about }: DischargeRequest): boolean {
  switch (scope.kind) {
    case "all":
      return true;
    case "platform":
      return about?.platform === scope.platform;
    case "principal":
      return about?.principal.issuer === scope.issuer && about.principal.subject === scope.subject;
    case "link":
      return false;
    default:
      return scope satisfies never;
  }
}

export function createWithdrawals(options: {
  readonly store: Store;
  readonly randomness: Randomness;
  readonly knowledge: Pick<RevocationKnowledge, "wideMatch">;
  readonly room: WaitingRoom;
  readonly notifies: boolean;
}): Withdrawals {
  const { store, randomness, knowledge, room, notifies } = options;

  async function withdraw(
    repositories: Repositories,
    request: DischargeRequest,
    actor: Actor,
    now: number,
  ): Promise<boolean> {
    const { id, ancestor, kind } = request;
    if (!(await repositories.dischargeRequests.withdraw(id, now))) return false;
    await repositories.liveDischarges.moveEnd(id, now);
    const platform = request.about?.platform ?? null;
    const details = { request: id, ancestor };
    await repositories.audit.append([
      auditEvent(randomness, now, { action: "discharge.withdrawn", actor, platform, details }),
    ]);
    if (kind === "approval" && notifies) {
      const body = approvalWithdrawn(id, now);
      await repositories.webhookOutbox.insert({ id: uuidv7(now, randomness), body, dueAt: now });
    }
    return true;
  }

  return {
    withdraw,

    async noteRevoked(approvalId, scope, actor) {
      const noted = await store.transaction("note withdrawal", async (repositories) => {
        const request = await repositories.dischargeRequests.lock(approvalId);
        if (request?.kind !== "approval" || !reaches(scope, request)) return false;
        return withdraw(repositories, request, actor, await repositories.now());
      });
      if (noted) room.wake(approvalId);
    },

    isRevoked({ id, about }) {
      return (
        knowledge.wideMatch({
          platform: about?.platform ?? "",
          issuer: about?.principal.issuer ?? "",
          subject: about?.principal.subject ?? "",
          // Entries by anything but the approval are the token's business.
          principalId: "",
          keyId: "",
          tokenId: "",
          issuedAt: Number.MAX_VALUE,
          agents: [],
          approvals: [id],
          revocationIds: [],
        }) !== undefined
      );
    },
  };
}
