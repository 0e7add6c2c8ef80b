import type { Terms } from "../../conditions/terms.ts";
import { encodeBundle, parseRevocationId } from "../../macaroon/index.ts";
import { actorOf, auditEvent } from "../audit.ts";
import type { Caller, HumanCaller } from "../caller.ts";
import type { AskRequest, Discharges } from "../discharge-service.ts";
import type { DischargeKeys } from "../keys/discharge-keys.ts";
import type { Sealing } from "../keys/sealing.ts";
import { DomainError } from "../parts/error.ts";
import { BAKERY_LOGIN_LIFE, COLLECT_WAIT } from "../parts/lifetimes.ts";
import type { Clock } from "../ports/clock.ts";
import type { DischargeRequest } from "../ports/discharge-requests.ts";
import type { Randomness } from "../ports/randomness.ts";
import type { Store } from "../ports/store.ts";
import { bakerySessionId } from "./bakery-session.ts";
import type { DischargeDesk, ReadTicket } from "./desk.ts";
import { type Proof, proofOf } from "./identity-proof.ts";
import type { DischargeLimits } from "./limits.ts";
import { mintDischarge } from "./minting.ts";
import { isSecretOf, lifeOf, requestSealing, stateAt, termsOf } from "./requests.ts";
import type { ShownToken } from "./shown-token.ts";
import type { WaitingRoom } from "./waiting-room.ts";

function noSuchRequest(): DomainError {
  return new DomainError("not_found", "no such request");
}

/**
 * Discharges tickets: at once where the caller has proved what the ticket asks, else once a person has acted.
 *
 * @param ownIssuer the issuer whose groups tickets name
 */
export function createDischarges(options: {
  readonly store: Store;
  readonly sealing: Sealing;
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly keys: DischargeKeys;
  readonly desk: DischargeDesk;
  readonly limits: DischargeLimits;
  readonly room: WaitingRoom;
  readonly readToken: (text: string, caveatId: Uint8Array) => Promise<ShownToken>;
  readonly ownIssuer: string;
}): Discharges {
  const { store, clock, randomness, desk, limits, room, ownIssuer } = options;
  const sealing = requestSealing(options.sealing);

  function ancestorOf({ ancestor }: AskRequest, terms: Terms, shown: ShownToken | undefined): string | null {
    if (ancestor !== undefined && parseRevocationId(ancestor) === undefined) {
      throw new DomainError("invalid_request", "is not a revocation id", "ancestor");
    }
    if (ancestor !== undefined && shown !== undefined && !shown.revocationIds.includes(ancestor)) {
      throw new DomainError("unprocessable", "is not a link of the token", "ancestor");
    }
    if (terms.condition.kind !== "approved-by" || shown === undefined) return ancestor ?? null;
    // People approve what they are shown: no link above it, where more is allowed.
    const own = shown.subject.revocationId;
    if (ancestor === undefined || ancestor === own) return own;
    throw new DomainError("unprocessable", "an approval is for the very link that is shown", "ancestor");
  }

  function requireToken(terms: Terms, shown: ShownToken | undefined): void {
    const { kind } = terms.condition;
    if (shown !== undefined || (kind !== "is-principal" && kind !== "approved-by")) return;
    throw new DomainError("invalid_request", `${kind} needs the token that carries the caveat`, "token");
  }

  async function grantAtOnce(
    caller: HumanCaller,
    ticket: ReadTicket,
    ancestor: string | null,
    shown: ShownToken | undefined,
  ): Promise<string> {
    const expiresAt = await store.transaction("grant discharge", async (repositories) => {
      const now = await repositories.now();
      const event = {
        action: "discharge.granted",
        actor: actorOf(caller),
        platform: shown?.subject.platform ?? null,
        details: { request: null, condition: ticket.terms.condition.kind, ancestor },
      } as const;
      await repositories.audit.append([auditEvent(randomness, now, event)]);
      return now + lifeOf(ticket.terms);
    });
    const { caveatId: identifier, caveatKey } = ticket;
    return encodeBundle([mintDischarge({ identifier, caveatKey, expiresAt, ancestor, approval: null })]);
  }

  function proof(request: DischargeRequest, caller: HumanCaller): Proof {
    const principal = request.about?.principal;
    return proofOf(termsOf(request), caller.identity, { principal, ownIssuer, now: clock.now() });
  }

  async function confirmable(id: string): Promise<DischargeRequest> {
    const request = await store.dischargeRequests.find(id);
    if (request === undefined || request.kind !== "identity") throw noSuchRequest();
    return request;
  }

  return {
    publicKey: () => options.keys.publicKey(),

    async ask(caller: Caller | undefined, from, request) {
      const refusal = caller?.kind === "service" ? caller.refuses("discharge", caller.platform) : undefined;
      if (refusal !== undefined) throw new DomainError("forbidden", refusal);
      const callerHash = limits.admit(caller, from);
      const ticket = await desk.read(request.caveatId, request.payload);
      const { terms } = ticket;
      const { token, caveatId } = request;
      const shown = token === undefined ? undefined : await options.readToken(token, caveatId);
      requireToken(terms, shown);
      const ancestor = ancestorOf(request, terms, shown);
      if (caller?.kind === "human" && terms.condition.kind !== "approved-by") {
        const facts = { principal: shown?.subject.principal, ownIssuer, now: clock.now() };
        const proved = proofOf(terms, caller.identity, facts);
        if (proved.outcome === "refused") throw new DomainError("denied", proved.detail);
        if (proved.outcome === "proven") {
          return { state: "granted", discharge: await grantAtOnce(caller, ticket, ancestor, shown) };
        }
      }
      const waiting = await desk.enqueue({ ticket, protocol: "native", caller, callerHash, shown, ancestor });
      return { state: "pending", ...waiting };
    },

    async collect(id, secret) {
      let request = await store.dischargeRequests.find(id);
      if (request?.protocol !== "native" || !isSecretOf(request, secret)) throw noSuchRequest();
      if (stateAt(request, clock.now()) === "pending") {
        await room.wait(id, Math.min(COLLECT_WAIT, request.expiresAt - clock.now()));
        request = (await store.dischargeRequests.find(id)) ?? request;
      }
      const state = stateAt(request, clock.now());
      switch (state) {
        case "pending":
          return { state, expiresAt: request.expiresAt };
        case "granted":
          return { state, discharge: encodeBundle([desk.redeem(request, clock.now())]) };
        case "denied":
          throw new DomainError("denied", "the person who was asked said no");
        case "dropped":
          throw new DomainError("gone", "this request made room for newer ones");
        case "expired":
          throw new DomainError("gone", "nobody answered in time");
        default:
          return state satisfies never;
      }
    },

    async view(caller, id) {
      const request = await confirmable(id);
      const proved = proof(request, caller);
      const { condition, code, protocol, expiresAt, about } = request;
      return {
        id,
        state: stateAt(request, clock.now()),
        condition,
        code,
        protocol,
        expiresAt,
        about,
        proof: proved.outcome,
        detail: proved.outcome === "proven" ? undefined : proved.detail,
        options: termsOf(request).options,
      };
    },

    async confirm(caller, id, accepted) {
      await store.transaction("confirm discharge", async (repositories) => {
        const request = await repositories.dischargeRequests.lock(id);
        if (request === undefined || request.kind !== "identity") throw noSuchRequest();
        const now = await repositories.now();
        const state = stateAt(request, now);
        if (state !== "pending") throw new DomainError("conflict", `this request is over: it is ${state}`);
        const proved = proof(request, caller);
        if (accepted && proved.outcome !== "proven") throw new DomainError("forbidden", proved.detail);

        const { issuer, subject } = caller.identity;
        const decision = { issuer, subject, approved: accepted, reason: null, at: now };
        await repositories.dischargeRequests.decide(id, decision);
        await repositories.dischargeRequests.settle(id, accepted ? "granted" : "denied", now);
        if (accepted && sealing.open(request).login) {
          // This service's own login, for a client of macaroon-bakery: who it was is kept here and nowhere in the macaroon.
          const idHash = bakerySessionId(request.ticketHash);
          await repositories.sessions.end(idHash);
          const { identity } = caller;
          await repositories.sessions.insert({
            idHash,
            identity,
            createdAt: now,
            expiresAt: now + BAKERY_LOGIN_LIFE,
          });
        }
        const event = {
          action: accepted ? "discharge.granted" : "discharge.denied",
          actor: actorOf(caller),
          platform: request.about?.platform ?? null,
          details: { request: id, condition: termsOf(request).condition.kind, ancestor: request.ancestor },
        } as const;
        await repositories.audit.append([auditEvent(randomness, now, event)]);
      });
      room.wake(id);
    },
  };
}
