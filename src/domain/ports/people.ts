import type { Identity } from "./sessions.ts";

/** A person whom an issuer has vouched for here. */
export interface KnownPerson {
  readonly issuer: string;
  readonly subject: string;
  /** The last one that the issuer said was verified; null if it never did. */
  readonly email: string | null;
  /** The last one that the issuer gave, for display only. */
  readonly name: string | null;
}

/** The people who have been seen here. Every method rejects only when the store could not answer. */
export interface PeopleStore {
  /** Notes that a person was here. What the issuer did not say this time stays as it was. @param at unix milliseconds */
  saw(person: Pick<Identity, "issuer" | "subject" | "email" | "name">, at: number): Promise<void>;
  /** Those of an issuer with one of these texts as subject, or as verified e-mail in any case. */
  known(issuer: string, names: readonly string[]): Promise<readonly KnownPerson[]>;
  /** Drops those who were last seen before an instant. */
  dropBefore(instant: number): Promise<void>;
}
