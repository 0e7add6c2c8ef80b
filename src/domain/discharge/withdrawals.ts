import { uuidv7Time } from "../../words/ids.ts";
import type { RequestState } from "../../words/states.ts";
import { auditEvent } from "../audit.ts";
import { uuidv7 } from "../parts/uuid.ts";
import type { Actor } from "../ports/audit.ts";
import type { DischargeRequest } from "../ports/discharge-requests.ts";
import type { Randomness } from "../ports/randomness.ts";
import type { RevocationScope } from "../ports/revocations.ts";
import type { Repositories, Store } from "../ports/store.ts";
import type { RevocationKnowledge } from "../replica/revocation-knowledge.ts";
import { approvalWithdrawn } from "./approval-notices.ts";
import { stateAt } from "./requests.ts";
import { hasLostItsYes } from "./standing-yes.ts";
import type { WaitingRoom } from "./waiting-room.ts";

/** Requests that are ended at once, each in a transaction of its own. */
const MOST_ENDED = 20;

/** Ends requests before their time. */
export interface Withdrawals {
  /** Withdraws a request that is pending or granted, in a transaction that holds it. @returns whether it was either */
  withdraw(
    repositories: Repositories,
    request: DischargeRequest,
    actor: Actor,
    now: number,
  ): Promise<boolean>;
  /** Notes that what people granted was revoked by the request's id, if the entry reaches the token that it is for. */
  noteRevoked(approvalId: string, scope: RevocationScope, actor: Actor): Promise<void>;
  /**
   * A request's state at an instant, with the revocations that this replica knows: one of an approval counts before anybody
   * has noted it, and so does one of the token that a waiting request is for, and one of the people who have granted it.
   */
  stateOf(request: DischargeRequest, now: number): RequestState;
  /** Frees the places of waiting requests with revoked tokens. */
  endRevoked(requests: readonly DischargeRequest[]): Promise<void>;
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
  readonly knowledge: Pick<RevocationKnowledge, "wideMatch" | "isRevoked" | "endsGrant">;
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
    // Of what was taken back before anybody was told there is nothing to tell.
    const isUntold = request.state === "pending" && (await repositories.webhookOutbox.takeBack(id, now));
    if (kind === "approval" && notifies && !isUntold) {
      const body = approvalWithdrawn(id, now);
      await repositories.webhookOutbox.insert({ id: uuidv7(now, randomness), body, dueAt: now });
    }
    return true;
  }

  /** Whether the approval itself was revoked. Entries by anything else are the token's business. */
  function isApprovalRevoked({ id, about }: DischargeRequest): boolean {
    const { platform = "", principal } = about ?? {};
    const { issuer = "", subject = "" } = principal ?? {};
    return (
      knowledge.wideMatch({
        platform,
        issuer,
        subject,
        principalId: "",
        keyId: "",
        tokenId: "",
        issuedAt: Number.MAX_VALUE,
        agents: [],
        approvals: [id],
        revocationIds: [],
      }) !== undefined
    );
  }

  function isTokenRevoked({ about, mortality }: DischargeRequest): boolean {
    if (about === null) return false;
    const { platform, tokenId, revocationId, principal } = about;
    // A row of an older version says less of its token.
    const { keyId, issuedAt, agents, links } = mortality ?? {
      keyId: "",
      issuedAt: uuidv7Time(tokenId),
      agents: about.agents,
      links: [revocationId],
    };
    return knowledge.isRevoked({
      platform,
      issuer: principal.issuer,
      subject: principal.subject,
      principalId: principal.id,
      keyId,
      tokenId,
      issuedAt,
      agents,
      approvals: [],
      revocationIds: links.map((link) => new Uint8Array(Buffer.from(link, "base64url"))),
    });
  }

  function stateOf(request: DischargeRequest, now: number): RequestState {
    const state = stateAt(request, now);
    // One that was withdrawn because its token was revoked says why.
    const isUnanswered = state === "pending" || (state === "withdrawn" && request.state === "dropped");
    if (isUnanswered && isTokenRevoked(request)) return "revoked";
    return isApprovalRevoked(request) || hasLostItsYes(request, knowledge) ? "withdrawn" : state;
  }

  return {
    withdraw,
    stateOf,

    async endRevoked(requests) {
      for (const { id } of requests.slice(0, MOST_ENDED)) {
        const ended = await store.transaction("end revoked request", async (repositories) => {
          const request = await repositories.dischargeRequests.lock(id);
          if (request?.state !== "pending" || !isTokenRevoked(request)) return false;
          return withdraw(repositories, request, { kind: "service" }, await repositories.now());
        });
        if (ended) room.wake(id);
      }
    },

    async noteRevoked(approvalId, scope, actor) {
      const noted = await store.transaction("note withdrawal", async (repositories) => {
        const request = await repositories.dischargeRequests.lock(approvalId);
        if (request === undefined || !reaches(scope, request)) return false;
        return withdraw(repositories, request, actor, await repositories.now());
      });
      if (noted) room.wake(approvalId);
    },
  };
}
