/** The points of issuing and revoking between which the process may die. */
export type Step =
  | "issue:begun"
  | "issue:principal recorded"
  | "issue:token recorded"
  | "issue:audited"
  | "issue:committed"
  | "revoke:begun"
  | "revoke:recorded"
  | "revoke:audited"
  | "revoke:committed"
  | "revoke:applied";

/**
 * Told of every step of issue and revoke as it is passed.
 *
 * Nothing listens in production. The crash drill kills the process here, which shows for each pair of
 * steps that what was acknowledged before the crash is true after it.
 */
export interface Steps {
  passed(step: Step): void | Promise<void>;
}
