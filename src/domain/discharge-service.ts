import type { ApprovalCondition, TermOptions } from "../conditions/terms.ts";
import type { RequestState } from "../words/states.ts";
import type { Caller, HumanCaller } from "./caller.ts";
import type { DischargeDecision, DischargeProtocol, DischargeSubject } from "./ports/discharge-requests.ts";
import type { Page, PageRequest } from "./ports/parts/page.ts";
import type { KnownPerson } from "./ports/principals.ts";

/*
 * The use cases of discharges and approvals, as the adapters see them; a part of `service.ts`. All instants are
 * unix milliseconds.
 */

/** A request for a discharge. */
export interface AskRequest {
  /** The caveat's id; it becomes the discharge's identifier. */
  readonly caveatId: Uint8Array;
  /** The ticket, if the caveat's id is not the ticket itself. */
  readonly payload: Uint8Array | undefined;
  /** The live token that carries the caveat. */
  readonly token: string | undefined;
  /** The link that the discharge is to be tied to. */
  readonly ancestor: string | undefined;
  /** The caveats to be appended to the discharge. */
  readonly caveats: readonly string[];
}

/** The answer to a request for a discharge. */
export type Asked =
  | { readonly state: "granted" /** A secret for the root's holder. */; readonly discharge: string }
  | {
      readonly state: "pending";
      readonly id: string;
      /** Collects the discharge. Shown this once. */
      readonly secret: string;
      /** A person compares it with the code on the page before they trust the page. */
      readonly code: string;
      /** The page on which a person acts. */
      readonly path: string;
      readonly expiresAt: number;
    };

/** A page's view of a request that one person satisfies by confirming. */
export interface ConfirmationView {
  readonly id: string;
  readonly state: RequestState;
  readonly condition: string;
  readonly code: string;
  /** A stock client of macaroon-bakery may have no way to show the code. */
  readonly protocol: DischargeProtocol;
  readonly expiresAt: number;
  /** Null if nothing is known about the asker. */
  readonly about: DischargeSubject | null;
  /** The effect of a confirmation, in one sentence of enforced facts. */
  readonly allows: string;
  /** The asker's caveats. */
  readonly caveats: readonly string[];
  /** Of a program's login to this API: until when the program will act as the person. Undefined for all others. */
  readonly loginUntil: number | undefined;
  /** Whether this person has answered. */
  readonly isMine: boolean;
  /** Whether this person has a confirmation to take back. */
  readonly mayTakeBack: boolean;
  /** The outcome of a confirmation by this person. */
  readonly proof: "proven" | "login";
  /** The reason; undefined for `proven`. */
  readonly detail: string | undefined;
  readonly options: TermOptions;
}

/** An approval as its approvers see it. */
export interface ApprovalView {
  readonly id: string;
  readonly state: RequestState;
  readonly condition: Omit<ApprovalCondition, "subjects">;
  /**
   * Of the people who are asked by their subjects those that the caller may know: an administrator all, anybody else
   * themselves. The writer of the ticket may have named the others by their addresses alone.
   */
  readonly subjects: readonly string[];
  /** How many more people are asked by their subjects. */
  readonly others: number;
  readonly options: TermOptions;
  readonly code: string;
  readonly protocol: DischargeProtocol;
  readonly askedAt: number;
  readonly expiresAt: number;
  readonly decidedAt: number | null;
  readonly withdrawnAt: number | null;
  /** When the discharge ends; null unless it was granted. */
  readonly endsAt: number | null;
  /** Whether this person has said yes. */
  readonly isMine: boolean;
  /** Whether this person has a yes to take back. */
  readonly mayWithdraw: boolean;
  /** Seconds that the discharge lives once it is granted. */
  readonly life: number;
  /** Null for requests of stock bakery clients: nothing about the asker is known then. */
  readonly about: DischargeSubject | null;
  /** The effect of a yes, in one sentence of enforced facts. */
  readonly allows: string;
  /** The asker's caveats. */
  readonly caveats: readonly string[];
  readonly decisions: readonly DischargeDecision[];
  /** Its people, as far as they have been seen here: their names and e-mails are for display. */
  readonly people: readonly KnownPerson[];
  /** The reason for which this person cannot decide now; undefined if nothing is in the way. */
  readonly obstacle: { readonly login: boolean; readonly detail: string } | undefined;
}

export interface Discharges {
  /** The Curve25519 key that tickets for this service are sealed to. */
  publicKey(): Promise<Uint8Array>;
  /** @param from the asker's address */
  ask(caller: Caller | undefined, from: string, request: AskRequest): Promise<Asked>;
  /** Waits, within a bound, until there is an answer. Rejects with `denied` or `gone` if there will never be one. */
  collect(
    id: string,
    secret: string,
    from: string,
  ): Promise<
    | { readonly state: "pending"; readonly expiresAt: number }
    | { readonly state: "granted"; readonly discharge: string }
  >;
  /** Withdraws a request that waits, for its asker. Rejects with `conflict` once it is decided. */
  withdraw(id: string, secret: string, from: string): Promise<void>;
  /** Rejects with `not_found` for unknown ids and for requests that do not concern the caller alike. */
  view(caller: HumanCaller, id: string): Promise<ConfirmationView>;
  /** A person's answer to the page. Rejects as `view` does. */
  confirm(caller: HumanCaller, id: string, accepted: boolean): Promise<void>;
  /** What the person has confirmed and can take back, the newest first; twenty at most. */
  confirmed(caller: HumanCaller): Promise<readonly Confirmation[]>;
  /**
   * Takes back a confirmation, by revoking it as an approval is. Rejects as `view` does, with `forbidden` if the caller gave
   * none, and with `gone` if it is over.
   */
  takeBack(caller: HumanCaller, id: string): Promise<void>;
}

/** A confirmation that is good still. */
export interface Confirmation {
  /** Of its request. */
  readonly id: string;
  /** The effect, in one sentence of enforced facts. */
  readonly allows: string;
  readonly decidedAt: number;
}

export interface Approvals {
  list(caller: Caller, pendingOnly: boolean, page: PageRequest): Promise<Page<ApprovalView>>;
  /**
   * Those that wait for the caller, at most so many: askers have turns, so that none of them fills the list alone.
   *
   * @returns `more` if others wait besides
   */
  waiting(
    caller: Caller,
    most: number,
  ): Promise<{ readonly items: readonly ApprovalView[]; readonly more: boolean }>;
  /** Rejects with `not_found` for unknown ids and for approvals that do not concern the caller alike. */
  get(caller: Caller, id: string): Promise<ApprovalView>;
  decide(
    caller: Caller,
    id: string,
    decision: { readonly approved: boolean; readonly reason: string | undefined },
  ): Promise<ApprovalView>;
  /**
   * Takes back a yes, by revoking the approval. Rejects with `forbidden` if the caller gave none and may not revoke
   * it, and with `gone` if it is over.
   */
  withdraw(caller: Caller, id: string): Promise<void>;
}

/** The request of a stock client of macaroon-bakery: `POST /discharge`. */
export interface BakeryRequest {
  readonly caveatId: Uint8Array;
  readonly payload: Uint8Array | undefined;
  /** The answer of {@link Bakery.wait}. */
  readonly token: Uint8Array | undefined;
}

/** macaroon-bakery's protocol. */
export interface Bakery {
  discharge(
    from: string,
    request: BakeryRequest,
  ): Promise<
    | { readonly state: "granted" /** JSON of the macaroon. */; readonly macaroon: string }
    | {
        readonly state: "pending";
        readonly path: string;
        readonly code: string /** For {@link Bakery.wait}. A secret. */;
        readonly ticket: string;
      }
  >;
  /**
   * Waits until a person has decided.
   *
   * @param comesBack whether the client asks again if nobody has decided within a minute; else it waits on
   * @returns the token for the second request; undefined if the client has to ask again
   */
  wait(ticket: string, comesBack: boolean, from: string): Promise<Uint8Array | undefined>;
  /** JSON of a macaroon that a client gets discharged by a login, to call the API with. */
  challenge(): Promise<string>;
  /** @param bundle JSON array of that macaroon and its discharge */
  caller(bundle: string): Promise<HumanCaller>;
}
