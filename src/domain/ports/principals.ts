/** Who vouched for a principal: the OIDC issuer by an ID token, or the platform by its own word. */
export type AssertedBy = "issuer" | "platform";

/** Whether a principal is a human, or a job or service that an issuer vouches for. */
export type PrincipalKind = "person" | "workload";

/** A human, or a workload, on one platform. */
export interface Principal {
  /** Random, 16 characters of base64url; another one on every platform. */
  readonly id: string;
  readonly platform: string;
  /** As `voucherOf` names it: the kind of the principal is a part of that. */
  readonly issuer: string;
  readonly subject: string;
  /** Present only where the issuer said it was verified. Never decides anything. */
  readonly email: string | null;
  readonly assertedBy: AssertedBy;
  /** Whether the development identity provider vouched; refused once a real issuer is set. */
  readonly development: boolean;
  /** Unix milliseconds. */
  readonly createdAt: number;
}

/** Principals by id and by who they are. Every method rejects only when the store could not answer. */
export interface PrincipalStore {
  /** @returns undefined for an id that no principal has */
  find(id: string): Promise<Principal | undefined>;
  /**
   * The principal with this platform, issuer, subject and `assertedBy`: the one that exists, with its
   * email brought up to date, or the given one, inserted. Decided by one statement, so that two callers
   * at once get the same principal.
   */
  ensure(principal: Principal): Promise<Principal>;
  /** The principals with an e-mail that was changed in the last so many milliseconds; of very many the newest. */
  changedWithin(milliseconds: number): Promise<readonly Pick<Principal, "id" | "email">[]>;
}

/** A person, as an issuer has vouched for them here. */
export interface KnownPerson {
  readonly issuer: string;
  readonly subject: string;
  /** The last one that the issuer said was verified; null if it never did. */
  readonly email: string | null;
  /** The last one that the issuer gave, for display only. */
  readonly name: string | null;
}

/** The people that have been seen here. Every method rejects only when the store could not answer. */
export interface PeopleStore {
  /**
   * Notes that a person was here. A name that the issuer left out this time stays as it was, and so does an e-mail. What the
   * issuer said before it said what is known changes nothing: an ID token is good for an hour, and its e-mail may have been taken away.
   *
   * @param at unix milliseconds
   */
  saw(
    person: KnownPerson,
    at: number,
    word: {
      /** When the issuer said this, unix milliseconds. */
      readonly saidAt: number;
      /** Whether the issuer was asked for all that it says of them: then one without an e-mail has none any more. */
      readonly isWhole: boolean;
    },
  ): Promise<void>;
  /** Those of an issuer with one of these texts as subject, or as verified e-mail in any case. */
  known(issuer: string, names: readonly string[]): Promise<readonly KnownPerson[]>;
  /** Drops people that were last seen before an instant. */
  dropBefore(instant: number): Promise<void>;
}
