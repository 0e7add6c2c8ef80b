import { actorOf, auditEvent } from "../audit.ts";
import type { HumanCaller } from "../caller.ts";
import type { Discharges } from "../discharge-service.ts";
import { grantOf, LOGIN_REVOKED, requireStandingGrant } from "../grant.ts";
import type { Sealing } from "../keys/sealing.ts";
import { DomainError } from "../parts/error.ts";
import { PROGRAM_LOGIN_AGE } from "../parts/lifetimes.ts";
import { uuidv7 } from "../parts/uuid.ts";
import { requirePerson } from "../permission.ts";
import type { Clock } from "../ports/clock.ts";
import type { DischargeRequest } from "../ports/discharge-requests.ts";
import type { Randomness } from "../ports/randomness.ts";
import type { Repositories, Store } from "../ports/store.ts";
import type { RevocationKnowledge } from "../replica/revocation-knowledge.ts";
import type { Revocations } from "../service.ts";
import { bakerySessionId } from "./bakery-session.ts";
import { effectOf } from "./effect.ts";
import { type Proof, proofOf } from "./identity-proof.ts";
import { movePlace, takeLogin } from "./live.ts";
import {
  endOf,
  loginEndOf,
  noSuchRequest,
  requestSealing,
  stateAt,
  TOKEN_REVOKED,
  termsOf,
} from "./requests.ts";
import { hasSaidYes, isBy, requireFewLive } from "./standing-yes.ts";
import type { WaitingRoom } from "./waiting-room.ts";
import type { Withdrawals } from "./withdrawals.ts";

/** Confirmations that a person is shown to take back: of more, the newest. */
const MOST_SHOWN = 20;

/**
 * Begins the session of a program's login to this API, for a client of macaroon-bakery. The session names the
 * person; the macaroon does not. So the ticket is good for one person's yes: by another one the program would act as
 * somebody else from then on.
 *
 * @throws DomainError `conflict` for a ticket that was confirmed before, whatever became of its session
 */
async function beginProgramLogin(
  repositories: Repositories,
  request: DischargeRequest,
  { identity, sessionId }: HumanCaller,
  now: number,
  randomness: Randomness,
): Promise<string> {
  // Signing out ends the programs that it finds: one that is let in meanwhile would outlive the session that let it in.
  if (sessionId === undefined || !(await repositories.sessions.hold(identity, sessionId))) {
    throw new DomainError("unauthenticated", "the session has ended");
  }
  const idHash = bakerySessionId(request.ticketHash);
  const id = uuidv7(now, randomness);
  await takeLogin(repositories, request, now);
  const expiresAt = loginEndOf(request);
  await repositories.sessions.insert({ idHash, id, kind: "program", identity, createdAt: now, expiresAt });
  return id;
}

/**
 * Requests that one person satisfies by confirming their identity: the page's view of a request, and its answer.
 *
 * @param ownIssuer the issuer of the groups in tickets
 */
export function createConfirmations(options: {
  readonly store: Store;
  readonly sealing: Sealing;
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly room: WaitingRoom;
  readonly knowledge: Pick<RevocationKnowledge, "endsGrant">;
  readonly withdrawals: Pick<Withdrawals, "stateOf">;
  /** Revokes for a caller, as the API does. */
  readonly revoke: Revocations["revoke"];
  readonly ownIssuer: string;
}): Pick<Discharges, "view" | "confirm" | "confirmed" | "takeBack"> {
  const { store, clock, randomness, room, ownIssuer } = options;
  const { stateOf } = options.withdrawals;
  const sealing = requestSealing(options.sealing);

  function proof(request: DischargeRequest, caller: HumanCaller): Proof {
    const principal = request.about?.principal;
    const now = clock.now();
    const proved = proofOf(termsOf(request), caller.identity, { principal, ownIssuer, now });
    if (proved.outcome !== "proven") return proved;
    if (options.knowledge.endsGrant(grantOf(caller, request.about?.platform ?? null))) {
      return { outcome: "login", detail: LOGIN_REVOKED };
    }
    if (!isLogin(request)) return proved;
    const { authenticatedAt } = caller.identity;
    const loggedInAt = authenticatedAt ?? caller.sessionBegunAt;
    if (loggedInAt !== undefined && now - loggedInAt <= PROGRAM_LOGIN_AGE) return proved;
    return {
      outcome: "login",
      detail: `this needs a login of the last ${PROGRAM_LOGIN_AGE / 60_000} minutes`,
    };
  }

  function isLogin(request: DischargeRequest): boolean {
    return stateAt(request, clock.now()) === "pending" && sealing.open(request).login;
  }

  /** The request and the proof of it by a person whom it concerns. Others learn nothing of it. */
  function confirmable(request: DischargeRequest | undefined, caller: HumanCaller) {
    requirePerson(caller);
    if (request?.kind !== "identity") throw noSuchRequest();
    const proved = proof(request, caller);
    // A person that has answered sees the outcome, and need not be able to answer so again.
    if (proved.outcome === "refused" && !request.decisions.some(isBy(caller))) throw noSuchRequest();
    return { request, proved };
  }

  /** Whether a confirmation of the person's own can be taken back. A program's login ends as a session. */
  function mayTakeBack(request: DischargeRequest, caller: HumanCaller, now: number): boolean {
    const end = endOf(request);
    if (!hasSaidYes(request, caller) || end === null || end <= now || stateOf(request, now) !== "granted")
      return false;
    return request.sealed === null || !sealing.open(request).login;
  }

  return {
    async view(caller, id) {
      const { request, proved } = confirmable(await store.dischargeRequests.find(id), caller);
      const { condition, code, protocol, expiresAt, about, caveats } = request;
      const now = clock.now();
      return {
        id,
        state: stateOf(request, now),
        condition,
        code,
        protocol,
        expiresAt,
        about,
        allows: effectOf(request),
        caveats,
        loginUntil: isLogin(request) ? loginEndOf(request) : undefined,
        isMine: request.decisions.some(isBy(caller)),
        mayTakeBack: mayTakeBack(request, caller, now),
        proof: proved.outcome === "proven" ? "proven" : "login",
        detail: proved.outcome === "proven" ? undefined : proved.detail,
        options: termsOf(request).options,
      };
    },

    async confirm(caller, id, accepted) {
      await store.transaction("confirm discharge", async (repositories) => {
        const { request, proved } = confirmable(await repositories.dischargeRequests.lock(id), caller);
        const now = await repositories.now();
        const state = stateOf(request, now);
        if (state === "revoked") throw new DomainError("gone", TOKEN_REVOKED);
        if (state === "withdrawn" || state === "expired") {
          throw new DomainError("gone", `this request is over: it is ${state}`);
        }
        if (state !== "pending") throw new DomainError("conflict", `this request is over: it is ${state}`);
        if (accepted && proved.outcome !== "proven") throw new DomainError("forbidden", proved.detail);

        const { issuer, subject } = caller.identity;
        if (accepted) await requireFewLive(repositories, caller, now);
        const decision = {
          issuer,
          subject,
          approved: accepted,
          reason: null,
          at: now,
          spokeAt: caller.spokeAt,
        };
        await repositories.dischargeRequests.decide(id, decision);
        const after = accepted ? "granted" : "denied";
        const end = endOf({ ...request, state: after, decidedAt: now });
        await repositories.dischargeRequests.settle(id, after, now, end);
        await movePlace(repositories, termsOf(request), id, end, now);
        const login = accepted && sealing.open(request).login;
        const session = login
          ? await beginProgramLogin(repositories, request, caller, now, randomness)
          : null;
        const event = {
          action: accepted ? "discharge.granted" : "discharge.denied",
          actor: actorOf(caller),
          platform: request.about?.platform ?? null,
          details: { request: id, condition: termsOf(request).condition.kind, ancestor: request.ancestor },
        } as const;
        const begun = { action: "session.begun", actor: event.actor, platform: null } as const;
        const details = { session, kind: "program" };
        await repositories.audit.append([
          auditEvent(randomness, now, event),
          ...(session === null ? [] : [auditEvent(randomness, now, { ...begun, details })]),
        ]);
        if (accepted) {
          const refusal = () => new DomainError("forbidden", LOGIN_REVOKED);
          await requireStandingGrant(repositories, grantOf(caller, event.platform), refusal);
        }
      });
      room.wake(id);
    },

    async confirmed(caller) {
      requirePerson(caller);
      const now = clock.now();
      const found = await store.dischargeRequests.confirmations(caller.identity, now, MOST_SHOWN);
      return found
        .filter((request) => mayTakeBack(request, caller, now))
        .map((request) => ({
          id: request.id,
          allows: effectOf(request),
          decidedAt: request.decidedAt ?? request.askedAt,
        }));
    },

    async takeBack(caller, id) {
      const { request } = confirmable(await store.dischargeRequests.find(id), caller);
      if (!hasSaidYes(request, caller)) {
        throw new DomainError("forbidden", "a confirmation is taken back by the person who gave it");
      }
      if (!mayTakeBack(request, caller, clock.now())) {
        throw new DomainError("gone", "this is over: there is nothing to take back");
      }
      const targets = [{ kind: "approval_id", approvalId: id }] as const;
      await options.revoke(caller, { targets, reason: "taken back on the page" });
    },
  };
}
