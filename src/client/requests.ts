import type { Policy } from "./answers.ts";

/** A request's facts, against which a token's caveats are cleared. */
export type Context = Readonly<Record<string, unknown>>;

/** The root macaroon that is asked for. */
export interface IssueRequest {
  readonly platform: string;
  /** Seconds; an hour unless said. More than policy allows is refused, never shortened. */
  readonly ttl?: number;
  readonly caveats?: readonly string[];
  readonly third_party_caveats?: readonly {
    readonly location: string;
    readonly condition: string;
    readonly public_key?: string;
  }[];
  readonly label?: string;
  /** The person that a platform issues for. */
  readonly on_behalf_of?: { readonly issuer?: string; readonly subject: string };
}

/** May this token do this, now? */
export interface VerifyRequest {
  /** The token's text, discharges and all. */
  readonly token: string;
  readonly discharges?: readonly string[];
  readonly context: Context;
  /** The cost of the call, by unit, for `spend` budgets. A text keeps its digits, a number has those that it prints. */
  readonly cost?: Readonly<Record<string, number | string>>;
  /**
   * This platform's own name for the question, for a day: asked again it is not charged again, and the answer says
   * `repeated`. Never taken from a caller. Another question under it is a `charge_mismatch`.
   */
  readonly charge_id?: string;
  /** Seconds for which `cost` is charged as an upper bound; settle it with `reservations.settle`. */
  readonly reserve?: number;
  /** A DPoP proof as it came with the call, and the call's own method and URI: for tokens with a `holder`. */
  readonly proof?: {
    readonly dpop: string;
    readonly method: string;
    readonly uri: string;
    readonly content_digest?: string;
  };
  /** Endorsements as they came with the call, one text each. */
  readonly endorsements?: readonly string[];
  /** A sequence of an earlier answer: this one must know at least as much of the revocation log. */
  readonly min_sequence?: string;
  /** The URI of the resource as which this platform asks; else the one that its credential was issued for. */
  readonly resource?: string;
  readonly dry_run?: boolean;
}

/** The target of a revocation. Each kills the links that it names and everything below. */
export type RevocationTarget =
  /** The token itself: holding it suffices. */
  | { readonly token: string }
  | { readonly revocation_id: string }
  /** With `successors` the tokens that renewed it, and those that renewed them, too. */
  | { readonly token_id: string; readonly successors?: true }
  | {
      readonly principal:
        | { readonly issuer?: string; readonly subject: string; readonly kind?: "workload" }
        | { readonly id: string };
      readonly issued_before?: string;
    }
  | { readonly agent: string; readonly issued_before?: string; readonly token_id?: string }
  | { readonly key_id: string }
  | { readonly platform: string; readonly issued_before?: string }
  | { readonly approval_id: string };

/** Which page of a list. */
export interface PageRequest {
  readonly limit?: number;
  readonly cursor?: string;
}

/** A discharge that is asked for. */
export interface DischargeRequest {
  /** The ticket, base64url. */
  readonly caveat_id: string;
  /** Macaroon-bakery's payload, if the ticket is only its name. */
  readonly caveat?: string;
  /** The live token that carries the ticket: an approval is asked for with it. */
  readonly token?: string;
  /** A revocation id: the discharge then serves every macaroon that descends from that link. */
  readonly ancestor?: string;
  /** Caveats that are appended to the discharge: tests of the call, and `time <`. */
  readonly caveats?: readonly string[];
}

/** A credential of a platform that is asked for. */
export interface CredentialRequest {
  /** Seconds; 90 days unless said, and at most. */
  readonly ttl?: number;
  readonly caveats?: readonly string[];
  readonly label?: string;
  /** A resource of the platform, which the credential asks as. */
  readonly resource?: string;
}

/** A principal who may never have been here. */
export interface PolicyTrial {
  /** Left out: the service's own. */
  readonly issuer?: string;
  /** The kind of issuer that speaks; `person` unless said. */
  readonly kind?: "person" | "workload" | "id-jag";
  readonly subject: string;
  readonly groups?: readonly string[];
  /** Of an assertion; somebody with an ID token or a session has none. */
  readonly claims?: Readonly<Record<string, unknown>>;
  readonly on_behalf_of?: boolean;
  /** Held against them in place of the one that stands. */
  readonly policy?: Policy;
}
