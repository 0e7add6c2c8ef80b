import { parseTerms } from "../../conditions/parse.ts";
import type { Terms } from "../../conditions/terms.ts";
import type { UnverifiedMacaroon } from "../../macaroon/index.ts";
import { APPROVALS_PATH } from "../../words/http.ts";
import { actorOf, auditEvent } from "../audit.ts";
import type { Caller } from "../caller.ts";
import type { DischargeKeys } from "../keys/discharge-keys.ts";
import type { Sealing } from "../keys/sealing.ts";
import { DomainError } from "../parts/error.ts";
import { APPROVAL_WAIT, LOGIN_LIFE } from "../parts/lifetimes.ts";
import { uuidv7 } from "../parts/uuid.ts";
import type { Actor } from "../ports/audit.ts";
import type { DischargeProtocol, DischargeRequest } from "../ports/discharge-requests.ts";
import type { Randomness } from "../ports/randomness.ts";
import type { Store } from "../ports/store.ts";
import { approvalAsked } from "./approval-notices.ts";
import { approverKeys } from "./approver-keys.ts";
import { allowanceAsked } from "./asked-caveats.ts";
import { type Asker, askerOf, type DischargeLimits } from "./limits.ts";
import { takePlace } from "./live.ts";
import { mintDischarge, newDischargeId } from "./minting.ts";
import {
  lifeOf,
  loginEndOf,
  newCode,
  newSecret,
  requestSealing,
  secretHash,
  termsOf,
  ticketHash,
} from "./requests.ts";
import type { ShownToken } from "./shown-token.ts";

/** A ticket, opened and read. */
export interface ReadTicket {
  readonly caveatId: Uint8Array;
  /** A secret. */
  readonly caveatKey: Uint8Array;
  readonly text: string;
  readonly terms: Terms;
  readonly hash: Uint8Array;
  /** Whether it is the ticket of a login to this API: this service itself wrote it, to itself. */
  readonly login: boolean;
}

/** A request that now waits for people. */
export interface Waiting {
  readonly id: string;
  /** Collects the discharge. */
  readonly secret: string;
  readonly code: string;
  /** The page on which a person acts. */
  readonly path: string;
  readonly expiresAt: number;
}

/** The parts of asking that all protocols have in common. */
export interface DischargeDesk {
  /** @throws DomainError `ticket_invalid`, `condition_unknown` */
  read(caveatId: Uint8Array, payload: Uint8Array | undefined): Promise<ReadTicket>;
  /** Lets a request wait for people. @throws DomainError `rate_limited` */
  enqueue(request: {
    readonly ticket: ReadTicket;
    readonly protocol: DischargeProtocol;
    readonly caller: Caller | undefined;
    readonly asker: Asker;
    readonly shown: ShownToken | undefined;
    readonly ancestor: string | null;
    /** The asker's caveats, as {@link askedCaveats} reads them. */
    readonly caveats: readonly string[];
  }): Promise<Waiting>;
  /** Mints what a person's confirmation or approval has granted. @throws DomainError `gone` for a discharge that has expired */
  redeem(request: DischargeRequest, now: number): UnverifiedMacaroon;
}

/** @param ownIssuer the issuer of the subjects and groups in tickets */
export function createDischargeDesk(options: {
  readonly store: Store;
  readonly sealing: Sealing;
  readonly randomness: Randomness;
  readonly keys: DischargeKeys;
  readonly limits: DischargeLimits;
  readonly publicUrl: string;
  readonly ownIssuer: string;
  /** Whether notifications are sent; they are recorded only then. */
  readonly notifies: boolean;
}): DischargeDesk {
  const { store, randomness, keys, limits, ownIssuer } = options;
  const sealed = requestSealing(options.sealing);

  return {
    async read(caveatId, payload) {
      const bytes = payload ?? caveatId;
      const { ticket, own } = await keys.open(bytes);
      // A payload stands beside an id that is none itself: beside a ticket, another one would be answered in its place.
      if (!Buffer.from(bytes).equals(caveatId) && (await keys.opens(caveatId))) {
        throw new DomainError(
          "ticket_invalid",
          "the caveat id is a ticket, and another one stands beside it",
        );
      }
      const reading = parseTerms(ticket.condition);
      if (!reading.ok) throw new DomainError("condition_unknown", `the ticket's text: ${reading.detail}`);
      const { condition: text, caveatKey } = ticket;
      return { caveatId, caveatKey, text, terms: reading.terms, hash: ticketHash(bytes), login: own };
    },

    async enqueue({ ticket, protocol, caller, asker, shown, ancestor, caveats }) {
      const { condition } = ticket.terms;
      const isApproval = condition.kind === "approved-by";
      const callerHash = shown === undefined ? asker.hash : askerOf(shown.subject);
      const secret = newSecret(randomness);
      const code = newCode(randomness);
      const actor: Actor =
        caller !== undefined
          ? actorOf(caller)
          : shown === undefined
            ? { kind: "service" }
            : { kind: "holder", tokenId: shown.subject.tokenId };
      // Read before, and not while a transaction is held.
      const allowance = await allowanceAsked(shown, caveats);
      return store.transaction("ask for discharge", async (repositories) => {
        const now = await repositories.now();
        const id = uuidv7(now, randomness);
        const latest = now + (isApproval ? APPROVAL_WAIT : LOGIN_LIFE);
        const request = {
          id,
          kind: isApproval ? "approval" : "identity",
          protocol,
          state: "pending",
          condition: ticket.text,
          code,
          secretHash: secretHash(secret),
          ticketHash: ticket.hash,
          callerHash,
          sealed: sealed.seal(id, {
            ...ticket,
            caveats,
            dischargeId: newDischargeId(randomness),
            // A program's login ends as a session.
            named: !ticket.login,
          }),
          ancestor,
          caveats,
          allowance,
          about: shown?.subject ?? null,
          mortality: shown?.mortality ?? null,
          approverKeys: isApproval ? approverKeys(condition, ownIssuer) : [],
          askedAt: now,
          expiresAt: shown === undefined ? latest : Math.min(latest, shown.expiresAt),
          decidedAt: null,
          withdrawnAt: null,
          decisions: [],
        } satisfies DischargeRequest;
        const denied = { ticketHash: ticket.hash, place: shown?.place ?? null, caveats };
        await limits.requireUndenied(repositories, denied, now);
        const place = shown === undefined ? asker.place : shown.place;
        await repositories.dischargeRequests.insert(request, place);
        const crowd = {
          callerHash,
          link: shown?.subject.revocationId ?? null,
          place,
          approverKeys: request.approverKeys,
          protocol,
          platform: shown?.subject.platform ?? null,
          assertedBy: shown?.subject.principal.assertedBy ?? null,
        };
        await limits.requireRoom(repositories, crowd, now);
        const { revocationId: link } = shown?.subject ?? {};
        await takePlace(repositories, ticket, { link, requestId: id, livesUntil: request.expiresAt }, now);
        const event = {
          action: "discharge.asked",
          actor,
          platform: shown?.subject.platform ?? null,
          details: { request: id, kind: request.kind, protocol, condition: condition.kind, ancestor },
        } as const;
        await repositories.audit.append([auditEvent(randomness, now, event)]);
        if (isApproval && options.notifies) {
          const body = approvalAsked(request, condition, options.publicUrl);
          // By the request's own id, so that it is taken back with the request.
          await repositories.webhookOutbox.insert({ id, body, dueAt: now });
        }
        const path = `${isApproval ? APPROVALS_PATH : "/discharges"}/${id}`;
        return { id, secret, code, path, expiresAt: request.expiresAt };
      });
    },

    redeem(request, now) {
      const { state, decidedAt, kind, protocol, ancestor } = request;
      if (state !== "granted" || decidedAt === null)
        throw new Error("a request that nobody granted is not redeemed");
      const terms = termsOf(request);
      const { caveatId, caveatKey, login, dischargeId, caveats, named } = sealed.open(request);
      const expiresAt = login ? loginEndOf(request) : decidedAt + lifeOf(terms);
      if (expiresAt <= now) throw new DomainError("gone", "the discharge has expired: ask again");
      const who = request.decisions.find(({ approved }) => approved)?.subject ?? "";
      return mintDischarge({
        identifier: caveatId,
        caveatKey,
        expiresAt,
        ancestor,
        approval: kind === "approval" || named ? request.id : null,
        once: terms.options.once,
        caveats,
        id: dischargeId,
        ...(protocol === "bakery"
          ? {
              bakery: {
                declared: terms.declared.map((name) => [name, name === "username" ? who : ""] as const),
              },
            }
          : {}),
      });
    },
  };
}
