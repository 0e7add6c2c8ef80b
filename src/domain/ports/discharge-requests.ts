import type { Allowance } from "../../caveats/together/allowance.ts";
import type { SummaryPart } from "../../caveats/together/summary-parts.ts";
import type { RequestState } from "../../words/states.ts";
import type { Page, PageRequest } from "./parts/page.ts";
import type { AssertedBy } from "./principals.ts";
import type { SessionOwner } from "./sessions.ts";

/** How a request was made: over this service's API, or in macaroon-bakery's protocol. */
export type DischargeProtocol = "native" | "bakery";

/** `identity`: someone has to log in and confirm. `approval`: the people in the ticket are asked. */
export type DischargeKind = "identity" | "approval";

/** States as they are stored. A request expires by time alone, ends with its token by the log, and says when it was withdrawn. */
export type DischargeState = Exclude<RequestState, "expired" | "withdrawn" | "revoked">;

/** The verified facts about the token that the asker showed. */
export interface DischargeSubject {
  readonly platform: string;
  readonly tokenId: string;
  /** Of the very link that was shown; 22 characters. */
  readonly revocationId: string;
  readonly principal: {
    readonly id: string;
    readonly issuer: string;
    readonly subject: string;
    readonly email: string | null;
    readonly assertedBy: AssertedBy;
  };
  /** Fit to be shown: escaped and cut. Holders wrote those behind the first `issuedCaveats`. */
  readonly caveats: readonly string[];
  readonly issuedCaveats: number;
  readonly summary: string;
  readonly summaryParts: readonly SummaryPart[];
  /** The names that holders claim. */
  readonly agents: readonly string[];
}

/** The names by which the shown link can be killed, beside its platform, its principal and its tree. */
export interface Mortality {
  readonly keyId: string;
  /** When the root macaroon was issued, unix milliseconds. */
  readonly issuedAt: number;
  /** The agents on its chain, by name and by `name#instance`. */
  readonly agents: readonly string[];
  /** The revocation ids from the root to the shown link; 22 characters each. */
  readonly links: readonly string[];
}

/** The decision of one person. */
export interface DischargeDecision {
  readonly issuer: string;
  readonly subject: string;
  readonly approved: boolean;
  readonly reason: string | null;
  /** Unix milliseconds. */
  readonly at: number;
  /** When the person had last spoken, unix milliseconds; null if an older version recorded it. */
  readonly spokeAt: number | null;
}

/** A search for the requests that one person has confirmed or approved. */
export interface ConfirmationsOf {
  readonly place: number;
  /** The person; null if they are named by their principal's id. */
  readonly issuer: string | null;
  readonly subject: string | null;
  /** An id of the person at some platform: it reaches the requests for that platform's tokens alone. */
  readonly principalId: string | null;
  /** Only those for this platform's tokens; null for all. */
  readonly platform: string | null;
  /** Only this person's word is meant, even if others are named; null for anybody's. */
  readonly own: { readonly issuer: string; readonly subject: string } | null;
  /** Only those said with a login from before this instant, unix milliseconds. */
  readonly spokeBefore: number;
}

/** A granted request with a discharge that may live. */
export interface Confirmed {
  /** Of the search that found it. */
  readonly place: number;
  readonly id: string;
  /** Null if no token was shown. */
  readonly platform: string | null;
}

/** A discharge that waits for people, or that they have decided about. */
export interface DischargeRequest {
  /** UUIDv7; of an approval also its approval id. */
  readonly id: string;
  readonly kind: DischargeKind;
  readonly protocol: DischargeProtocol;
  readonly state: DischargeState;
  /** The ticket's text. */
  readonly condition: string;
  /** A short text that the asker and the page both show. */
  readonly code: string;
  /** SHA-256 of the secret that collects; 32 bytes. */
  readonly secretHash: Uint8Array;
  /** SHA-256 of caveat id and ticket; 32 bytes. */
  readonly ticketHash: Uint8Array;
  /** SHA-256 of the asker; 32 bytes. */
  readonly callerHash: Uint8Array;
  /** Caveat id and caveat key, sealed under the master key; null once nothing can be collected any more. */
  readonly sealed: Uint8Array | null;
  /** The link that the discharge is tied to, 22 characters; null for one that has to be bound. */
  readonly ancestor: string | null;
  /** The caveats that the asker gave, in their canonical text: they are appended to the discharge. */
  readonly caveats: readonly string[];
  /** The limits of the discharge; null if an older version wrote the row. */
  readonly allowance: Allowance | null;
  /** Null if no token was shown. */
  readonly about: DischargeSubject | null;
  /** Null if no token was shown, or if an older version wrote the row. */
  readonly mortality: Mortality | null;
  /** The people and groups that it concerns, each as one text (see `approver-keys.ts`). */
  readonly approverKeys: readonly string[];
  /** Unix milliseconds, by the database's clock. */
  readonly askedAt: number;
  /** While it is pending: until when it can be decided. Unix milliseconds. */
  readonly expiresAt: number;
  /** Null while it is pending. */
  readonly decidedAt: number | null;
  /** Null unless it was withdrawn. */
  readonly withdrawnAt: number | null;
  /** In the order in which they were said. */
  readonly decisions: readonly DischargeDecision[];
}

/** A request's state, for the waiting asker. */
export interface DischargeStanding {
  readonly id: string;
  readonly state: DischargeState;
  readonly expiresAt: number;
}

/** The place of an asker among others: of a shown link in the tree of its root macaroon, or of an asker that shows none. */
export interface ShownPlace {
  /** How many links stand above it. */
  readonly depth: number;
  /**
   * Of a shown link the root's token id, then the links of its first hand-overs to named agents, by their revocation ids.
   * Else opaque names: of the links that narrowed the asker's credential, of the program, or of the networks around it.
   */
  readonly branch: readonly string[];
}

/** Counts of pending requests. */
interface OfAsker {
  readonly ofAsker: number;
  /** Those at or below each part of the newcomer's branch, in its order. */
  readonly ofBranch: readonly number[];
}

/**
 * Pending requests of one asker that showed no deeper link: the requests of descendants never count against the links
 * above them.
 */
export interface WaitingOfAsker extends OfAsker {
  /** Those that showed the same link. */
  readonly ofLink: number;
  /** Those that showed any link, deeper ones too. */
  readonly ofAll: number;
}

/** Pending approvals of one approver. */
export interface WaitingForApprover extends OfAsker {
  readonly all: number;
  /** Those for tokens of the newcomer's platform, and of these the ones for principals that the same has vouched for. */
  readonly ofPlatform: number;
  readonly ofWord: number;
}

/** Requests that people have said no to. */
export interface DeniedBefore {
  readonly all: number;
  /** Those with the very same caveats. */
  readonly same: number;
}

/** Requests for discharges. Every method rejects only when the store could not answer. */
export interface DischargeRequestStore {
  /** @param place of the shown link, or of an asker that shows none; null if neither has one */
  insert(
    request: Omit<DischargeRequest, "decisions" | "withdrawnAt">,
    place: ShownPlace | null,
  ): Promise<void>;
  find(id: string): Promise<DischargeRequest | undefined>;
  /** As `find`, holding the row until the transaction ends: decisions about one request take turns. */
  lock(id: string): Promise<DischargeRequest | undefined>;
  /**
   * Records one person's decision.
   *
   * @param again whether it takes the place of a yes of theirs, which has ended
   * @returns false if that person has decided already; nothing is changed then
   */
  decide(id: string, decision: DischargeDecision, again?: boolean): Promise<boolean>;
  /** @param endsAt the end of its discharge, unix milliseconds; null for none */
  settle(id: string, state: DischargeState, decidedAt: number, endsAt: number | null): Promise<void>;
  /** Withdraws a request that is pending or granted. @returns false for any other; nothing is changed then */
  withdraw(id: string, at: number): Promise<boolean>;
  standings(ids: readonly string[]): Promise<readonly DischargeStanding[]>;
  /** The requests with living discharges that people have confirmed or approved. @param now unix milliseconds */
  confirmedBy(people: readonly ConfirmationsOf[], now: number): Promise<readonly Confirmed[]>;
  /** The number of those of one person, counted up to `most`. */
  countConfirmed(person: SessionOwner, now: number, most: number): Promise<number>;
  /** Those of one person that are no approvals, the newest first. */
  confirmations(person: SessionOwner, now: number, most: number): Promise<readonly DischargeRequest[]>;
  /** @param now unix milliseconds; expired requests do not count */
  waitingOf(
    asker: ShownPlace & { readonly callerHash: Uint8Array; readonly link: string | null },
    now: number,
  ): Promise<WaitingOfAsker>;
  /** Of each of these approvers, the pending approvals that were asked for by one protocol. */
  waitingFor(
    approverKeys: readonly string[],
    asker: Pick<ShownPlace, "branch"> & {
      readonly callerHash: Uint8Array;
      readonly protocol: DischargeProtocol;
      /** Of the shown token; null if none was shown. */
      readonly platform: string | null;
      readonly assertedBy: AssertedBy | null;
    },
    now: number,
  ): Promise<readonly WaitingForApprover[]>;
  /**
   * Of a ticket, the requests by the same branch, or by one above it, that were denied. The links of one branch are one agent's,
   * so that it does not matter from which of them it asks.
   *
   * @param since unix milliseconds
   */
  denied(
    asked: Pick<ShownPlace, "branch"> & {
      readonly ticketHash: Uint8Array;
      readonly caveats: readonly string[];
    },
    since: number,
  ): Promise<DeniedBefore>;
  /** Approvals that concern any of these, newest first; the page key is the id. */
  list(
    approverKeys: readonly string[],
    filter: { readonly pendingAt: number | undefined },
    page: PageRequest,
  ): Promise<Page<DischargeRequest>>;
  /**
   * Pending approvals that concern any of these, the newest first of those that have turns: platforms, their askers, an asker's
   * tokens and those that these were handed on to. So nobody fills a list alone by asking without end.
   *
   * @param now unix milliseconds
   */
  pendingInTurns(
    approverKeys: readonly string[],
    now: number,
    most: number,
  ): Promise<readonly DischargeRequest[]>;
  /** How many approvals are waited for at `now` (unix milliseconds), of everybody; counts no further than `most`. */
  countPending(now: number, most: number): Promise<number>;
  /** Forgets the sealed keys of requests that expired before `instant`, and drops requests asked before `dropBefore`. */
  clean(instant: number, dropBefore: number): Promise<void>;
}

/**
 * The places of tickets that say `once`, each taken by one request at a time and then by its discharge, and of logins to
 * this API, each taken by the request that was confirmed. Every method rejects only when the store could not answer.
 */
export interface LiveDischargeStore {
  /**
   * Takes a place that is free or has ended. Of several callers at once one gets it.
   *
   * @param place 32 bytes, which name a ticket and the link that asks, or a login's ticket
   * @param livesUntil unix milliseconds
   * @param now unix milliseconds, by the database's clock
   * @returns false if the place is taken
   */
  take(
    turn: { readonly place: Uint8Array; readonly requestId: string; readonly livesUntil: number },
    now: number,
  ): Promise<boolean>;
  /** Moves the end of a request's place. @returns false if the request has no place, or has it no more */
  moveEnd(requestId: string, livesUntil: number): Promise<boolean>;
  /** Drops places that ended before an instant. */
  dropBefore(instant: number): Promise<void>;
}
