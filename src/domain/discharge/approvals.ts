import type { ApprovalCondition, Terms } from "../../conditions/terms.ts";
import type { RequestState } from "../../words/states.ts";
import { actorOf, auditEvent } from "../audit.ts";
import type { HumanCaller } from "../caller.ts";
import type { Approvals, ApprovalView } from "../discharge-service.ts";
import { grantOf, LOGIN_REVOKED, requireStandingGrant } from "../grant.ts";
import { DomainError } from "../parts/error.ts";
import { RECENT_LOGIN } from "../parts/lifetimes.ts";
import { pageInParts } from "../parts/page-in-parts.ts";
import { mapInTurns } from "../parts/time-slice.ts";
import { uuidv7 } from "../parts/uuid.ts";
import { requirePerson } from "../permission.ts";
import type { Clock } from "../ports/clock.ts";
import type { DischargeDecision, DischargeRequest } from "../ports/discharge-requests.ts";
import type { KnownPerson } from "../ports/principals.ts";
import type { Randomness } from "../ports/randomness.ts";
import type { Repositories, Store } from "../ports/store.ts";
import type { RevocationKnowledge } from "../replica/revocation-knowledge.ts";
import type { Revocations } from "../service.ts";
import { approvalDecided } from "./approval-notices.ts";
import { keysOf, mayApprove } from "./approver-keys.ts";
import { effectOf } from "./effect.ts";
import { loginProblem } from "./identity-proof.ts";
import { movePlace } from "./live.ts";
import { endOf, lifeOf, TOKEN_REVOKED, termsOf } from "./requests.ts";
import { grantBehind, hasSaidYes, isBy, requireFewLive, standingYes } from "./standing-yes.ts";
import type { WaitingRoom } from "./waiting-room.ts";
import type { Withdrawals } from "./withdrawals.ts";

/** Requests of a page that are read at once: one may show sixty kilobytes of caveats. */
const READ_TOGETHER = 5;

interface Read {
  readonly terms: Terms;
  readonly condition: ApprovalCondition;
}

function read(request: DischargeRequest): Read {
  const terms = termsOf(request);
  if (terms.condition.kind !== "approved-by") throw new Error("an approval with another condition");
  return { terms, condition: terms.condition };
}

function concerns(request: DischargeRequest, caller: HumanCaller): boolean {
  const keys = new Set(keysOf(caller.identity));
  return request.approverKeys.some((key) => keys.has(key));
}

/** A yes of before, which this replica did not know to have ended, and which was about to be counted. */
class EndedYes extends Error {
  override readonly name = "EndedYes";
  readonly said: DischargeDecision;

  constructor(said: DischargeDecision) {
    super("a yes has ended");
    this.said = said;
  }
}

function isSame(one: DischargeDecision): (other: DischargeDecision) => boolean {
  return ({ issuer, subject, at }) => issuer === one.issuer && subject === one.subject && at === one.at;
}

/** The platform of the token that an approval is for; null if nothing is known of it. */
function platformOf({ about }: DischargeRequest): string | null {
  return about?.platform ?? null;
}

/** Whether a subject is one of a request's people. */
function isIn({ about, decisions }: DischargeRequest, subject: string): boolean {
  return about?.principal.subject === subject || decisions.some((said) => said.subject === subject);
}

/** Whether a yes can still have an effect. @param endsAt as {@link endOf} says */
function isLive(endsAt: number | null, state: RequestState, now: number): boolean {
  return state === "pending" || (state === "granted" && endsAt !== null && now < endsAt);
}

function noSuchApproval(): DomainError {
  return new DomainError("not_found", "no such approval");
}

/**
 * What people are asked to approve, and what they say.
 *
 * The order of durable effects of a decision, all in one transaction that holds the request's row: (1) what the
 * person said, (2) the request's new state, (3) the audit event, (4) the notification; then (5) whoever waits is
 * woken. A yes is the last thing for which the person's login is held against the revocation log.
 *
 * @param ownIssuer whose subjects and groups tickets name
 */
export function createApprovals(options: {
  readonly store: Store;
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly room: WaitingRoom;
  readonly withdrawals: Pick<Withdrawals, "stateOf" | "endRevoked">;
  readonly knowledge: Pick<RevocationKnowledge, "endsGrant">;
  /** Revokes for a caller, as the API does. */
  readonly revoke: Revocations["revoke"];
  readonly ownIssuer: string;
  readonly notifies: boolean;
}): Approvals {
  const { store, clock, randomness, room, knowledge, ownIssuer } = options;
  const { stateOf, endRevoked } = options.withdrawals;

  function obstacle(
    request: DischargeRequest,
    { terms, condition }: Read,
    caller: HumanCaller,
    now: number,
  ): ApprovalView["obstacle"] {
    const { identity, sessionBegunAt } = caller;
    if (sessionBegunAt === undefined) {
      return { login: true, detail: "only a person with a browser session decides" };
    }
    const counts = mayApprove(condition, identity, {
      issuer: ownIssuer,
      principal: request.about?.principal,
      principalCounts: terms.options.principalCounts,
    });
    if (!counts) {
      return { login: false, detail: "the token's own principal does not count as a member of the group" };
    }
    if (knowledge.endsGrant(grantOf(caller, platformOf(request)))) {
      return { login: true, detail: LOGIN_REVOKED };
    }
    // A session may have begun with a login that the issuer remembered from before.
    if (now - (identity.authenticatedAt ?? sessionBegunAt) > RECENT_LOGIN) {
      return { login: true, detail: `this needs a login of the last ${RECENT_LOGIN / 60_000} minutes` };
    }
    const problem = loginProblem(terms.options, identity, now);
    return problem === undefined ? undefined : { login: true, detail: problem };
  }

  function knownApprovers({ subjects }: ApprovalCondition, caller: HumanCaller): readonly string[] {
    if (caller.administrator) return subjects;
    const { issuer, subject } = caller.identity;
    return subjects.filter((one) => issuer === ownIssuer && one === subject);
  }

  /** The people in these requests, as far as they have been seen here, for their names. */
  async function peopleIn(requests: readonly DischargeRequest[]): Promise<readonly KnownPerson[]> {
    const people = requests.flatMap(({ about, decisions }) => [
      ...decisions,
      // A platform may name anybody as its principal: the e-mail that their issuer verified is not for its approvers.
      ...(about?.principal.assertedBy === "issuer" ? [about.principal] : []),
    ]);
    const own = people.filter(({ issuer }) => issuer === ownIssuer).map(({ subject }) => subject);
    return own.length === 0 ? [] : store.people.known(ownIssuer, [...new Set(own)]);
  }

  function viewOf(
    request: DischargeRequest,
    caller: HumanCaller,
    people: readonly KnownPerson[],
  ): ApprovalView {
    const now = clock.now();
    const parts = read(request);
    const mine = standingYes(request, knowledge).some(isBy(caller));
    const subjects = knownApprovers(parts.condition, caller);
    const state = stateOf(request, now);
    const endsAt = endOf(request);
    const { id, code, protocol, askedAt, expiresAt, decidedAt, about, caveats, decisions } = request;
    return {
      id,
      state,
      condition: parts.condition,
      subjects,
      others: parts.condition.subjects.length - subjects.length,
      options: parts.terms.options,
      code,
      protocol,
      askedAt,
      expiresAt,
      decidedAt,
      withdrawnAt: request.withdrawnAt,
      endsAt,
      isMine: mine,
      mayWithdraw: mine && isLive(endsAt, state, now),
      life: lifeOf(parts.terms) / 1000,
      about,
      allows: effectOf(request),
      caveats,
      decisions,
      people: people.filter(({ subject }) => isIn(request, subject)),
      obstacle: obstacle(request, parts, caller, now),
    };
  }

  async function record(
    repositories: Repositories,
    request: DischargeRequest,
    caller: HumanCaller,
    { approved, reason = null }: { readonly approved: boolean; readonly reason: string | null },
    ended: readonly DischargeDecision[],
  ): Promise<void> {
    const { id } = request;
    const now = await repositories.now();
    const state = stateOf(request, now);
    const { issuer, subject } = caller.identity;
    const standing = standingYes(request, knowledge).filter((said) => !ended.some(isSame(said)));
    const said = request.decisions.find(isBy(caller));
    // A yes that has ended is none, and the person may answer anew.
    const before = said?.approved === true && !standing.includes(said) ? undefined : said;
    if (state === "revoked") throw new DomainError("gone", TOKEN_REVOKED);
    if (state === "withdrawn") throw new DomainError("gone", "this request was withdrawn");
    // A repeat of what was said, as after an answer that was lost.
    if (before?.approved === approved) return;
    if (state === "expired") throw new DomainError("gone", "nobody answered in time");
    if (state !== "pending") throw new DomainError("conflict", `this approval is decided: it is ${state}`);
    if (before !== undefined) throw new DomainError("conflict", "this person has answered already");

    const parts = read(request);
    const problem = obstacle(request, parts, caller, now);
    // Saying no is always safe; only that it was a person matters.
    const stands = approved ? problem !== undefined : caller.sessionBegunAt === undefined;
    if (problem !== undefined && stands) throw new DomainError("forbidden", problem.detail);

    if (approved) await requireFewLive(repositories, caller, now);
    const decision = { issuer, subject, approved, reason, at: now, spokeAt: caller.spokeAt };
    if (!(await repositories.dischargeRequests.decide(id, decision, said !== undefined))) {
      throw new Error("a decision that the lock did not keep out");
    }
    const settled = !approved || standing.length + 1 >= parts.condition.needed;
    const after = approved ? "granted" : "denied";
    if (settled) {
      const end = endOf({ ...request, state: after, decidedAt: now });
      await repositories.dischargeRequests.settle(id, after, now, end);
      await movePlace(repositories, parts.terms, id, end, now);
    }
    const event = {
      action: !approved ? "discharge.denied" : settled ? "discharge.granted" : "discharge.approved",
      actor: actorOf(caller),
      platform: platformOf(request),
      details: { request: id, reason, ancestor: request.ancestor, needed: parts.condition.needed },
    } as const;
    await repositories.audit.append([auditEvent(randomness, now, event)]);
    if (settled && options.notifies) {
      const body = approvalDecided(request, after, now);
      await repositories.webhookOutbox.insert({ id: uuidv7(now, randomness), body, dueAt: now });
    }
    if (approved) {
      const refusal = () => new DomainError("forbidden", LOGIN_REVOKED);
      await requireStandingGrant(repositories, grantOf(caller, platformOf(request)), refusal);
      for (const other of settled ? standing : []) {
        const grant = grantBehind(request, other);
        await requireStandingGrant(repositories, grant, () => new EndedYes(other));
      }
    }
  }

  /** Records a decision, without the yes's of others that turn out to have ended while it is recorded. */
  async function decide(
    id: string,
    caller: HumanCaller,
    decision: { readonly approved: boolean; readonly reason: string | null },
    ended: readonly DischargeDecision[] = [],
  ): Promise<DischargeRequest | undefined> {
    try {
      return await store.transaction("decide approval", async (repositories) => {
        const request = await repositories.dischargeRequests.lock(id);
        if (request?.kind !== "approval" || !concerns(request, caller)) throw noSuchApproval();
        await record(repositories, request, caller, decision, ended);
        return repositories.dischargeRequests.find(id);
      });
    } catch (error) {
      if (!(error instanceof EndedYes)) throw error;
      return decide(id, caller, decision, [...ended, error.said]);
    }
  }

  return {
    async list(caller, pendingOnly, page) {
      const human = requirePerson(caller);
      const filter = { pendingAt: pendingOnly ? clock.now() : undefined };
      const keys = keysOf(human.identity);
      return pageInParts(page, clock, {
        part: READ_TOGETHER,
        read: async (part) => {
          const { items: all, next } = await store.dischargeRequests.list(keys, filter, part);
          const now = clock.now();
          const dead = all.filter((request) => stateOf(request, now) === "revoked");
          // Requests that nobody can answer any more free their places.
          await endRevoked(dead.filter(({ state }) => state === "pending")).catch(() => undefined);
          const items = pendingOnly ? all.filter((request) => !dead.includes(request)) : all;
          const people = await peopleIn(items);
          return { items: items.map((request) => ({ request, people })), next };
        },
        work: ({ request, people }) => viewOf(request, human, people),
        key: ({ request }) => request.id,
      });
    },

    async waiting(caller, most) {
      const human = requirePerson(caller);
      const now = clock.now();
      const keys = keysOf(human.identity);
      const found = await store.dischargeRequests.pendingInTurns(keys, now, most + 1);
      const shown = found.slice(0, most).toSorted((a, b) => (a.id < b.id ? 1 : -1));
      const people = await peopleIn(shown);
      const items = await mapInTurns(shown, 1, (request) => viewOf(request, human, people));
      return { items, more: found.length > most };
    },

    async get(caller, id) {
      const human = requirePerson(caller);
      const request = await store.dischargeRequests.find(id);
      if (request?.kind !== "approval" || !concerns(request, human)) throw noSuchApproval();
      return viewOf(request, human, await peopleIn([request]));
    },

    async decide(caller, id, { approved, reason }) {
      const human = requirePerson(caller);
      const after = await decide(id, human, { approved, reason: reason ?? null });
      room.wake(id);
      if (after === undefined) throw noSuchApproval();
      return viewOf(after, human, []);
    },

    async withdraw(caller, id) {
      const human = requirePerson(caller);
      const request = await store.dischargeRequests.find(id);
      if (request?.kind !== "approval" || !concerns(request, human)) throw noSuchApproval();
      if (!hasSaidYes(request, human) && !human.administrator) {
        throw new DomainError("forbidden", "a yes is withdrawn by the person who said it");
      }
      const now = clock.now();
      if (!isLive(endOf(request), stateOf(request, now), now)) {
        throw new DomainError("gone", "this is over: there is nothing to withdraw");
      }
      await options.revoke(human, {
        targets: [{ kind: "approval_id", approvalId: id }],
        reason: "withdrawn on the page",
      });
    },
  };
}
