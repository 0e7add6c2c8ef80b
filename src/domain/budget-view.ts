/** A budget on the chain, or on one of its discharges, and its rest. */
export interface BudgetView {
  readonly caveat: string;
  /** Of the link under which it is counted. */
  readonly revocationId: string;
  /** The nearest agent before it; null before the first. */
  readonly agent: string | null;
  /** Its limit: a decimal, or of a rate `N/WINDOW`. */
  readonly limit: string;
  /** A decimal. */
  readonly remaining: string;
  /** The place of the discharge that it stands in; undefined in the root macaroon. */
  readonly discharge: number | undefined;
}
