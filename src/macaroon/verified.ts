import type { RevocationId } from "./hash/revocation-id.ts";
import type { CaveatPlace, DischargeFault } from "./match-discharges.ts";

/** A caveat under a right signature. Its id is still nothing but bytes: nobody has parsed it. */
export interface VerifiedCaveat {
  readonly kind: "first" | "third";
  /** The predicate, or the ticket. */
  readonly id: Uint8Array;
  readonly location?: string;
  /** The good discharge that proves it, by its place among the discharges. */
  readonly discharge?: number;
}

/** A macaroon's links under a right signature. */
export interface VerifiedChain {
  readonly identifier: Uint8Array;
  /** A hint only: no signature covers it. */
  readonly location?: string;
  readonly caveats: readonly VerifiedCaveat[];
  /** Names the last link. */
  readonly revocationId: RevocationId;
  /** One for each link: the first is the one before any caveat, then each caveat makes one. */
  readonly revocationIds: readonly RevocationId[];
}

/** A discharge that proves its caveat, as far as signatures go. Its own caveats are not cleared. */
export interface GoodDischarge extends VerifiedChain {
  readonly state: "good";
  /** Whether it is tied to this root macaroon. An unbound one may be accepted only if a caveat ties it instead. */
  readonly binding: "bound" | "unbound";
  readonly forCaveat: CaveatPlace;
}

/** A discharge that proves nothing, and that makes its bundle invalid. */
export interface InvalidDischarge {
  readonly state: "invalid";
  readonly reason: DischargeFault;
}

/** The outcome for one discharge. */
export type DischargeState = GoodDischarge | InvalidDischarge;

/** A third-party caveat without a good discharge. */
export interface Undischarged {
  readonly ticket: Uint8Array;
  readonly location?: string;
  readonly at: CaveatPlace;
}

/** The facts of a {@link VerifiedMacaroon}, without its brand. */
export interface VerifiedFacts extends VerifiedChain {
  /** One for each discharge, in the order in which they were given. */
  readonly discharges: readonly DischargeState[];
  /** Of the root macaroon and of its good discharges. */
  readonly undischarged: readonly Undischarged[];
}

declare const verified: unique symbol;

/**
 * A macaroon with a right signature. Only `verify.ts` makes one.
 *
 * It says that nobody took a caveat away; it does not say that any caveat holds. It holds no tail and no key.
 */
export interface VerifiedMacaroon extends VerifiedFacts {
  readonly [verified]: true;
}
