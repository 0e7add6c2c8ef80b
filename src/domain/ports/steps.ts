/** The points of issuing, revoking, charging, the first start and the audit tree between which the process may die. */
export type Step =
  | "issue:begun"
  | "issue:minted"
  | "issue:committed"
  | "revoke:begun"
  | "revoke:dated"
  | "revoke:committed"
  | "revoke:applied"
  /** A group of charges of one platform. */
  | "charge:begun"
  | "charge:committed"
  | "settle:begun"
  | "settle:committed"
  | "bootstrap:begun"
  | "bootstrap:staged"
  | "bootstrap:committed"
  /** One of the credentials is in place; passed once for each. */
  | "bootstrap:published"
  /** Events get their places in the tree, in one transaction. */
  | "audit:held"
  | "audit:placed"
  | "audit:tiled"
  | "audit:signed"
  | "audit:committed";

/**
 * Told of every step of issue, revoke, charges, bootstrap and the audit tree as it is passed.
 *
 * Nothing listens in production. The crash drill kills the process here, which shows for each pair of
 * steps that what was acknowledged before the crash is true after it.
 */
export interface Steps {
  passed(step: Step): void | Promise<void>;
}
