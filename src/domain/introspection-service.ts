import type { Caller } from "./caller.ts";
import type { Principal } from "./ports/principals.ts";

/** What a resource is told of a token (RFC 7662). Nothing at all of one that is not active there. */
export type Introspection =
  | { readonly active: false }
  | {
      readonly active: true;
      readonly tokenId: string;
      readonly principal: Principal;
      /** Unix milliseconds. */
      readonly issuedAt: number;
      /** Unix milliseconds: the earliest `time <` of the token and its discharges. */
      readonly expiresAt: number;
      /** Names that holders claim. */
      readonly agents: readonly string[];
      /** From the root to the presented link. */
      readonly revocationIds: readonly string[];
      /** The resource that asks, if the token names its resources. */
      readonly resource: string | undefined;
      /** What every `scope` caveat allows; undefined if there is none. */
      readonly scopes: readonly string[] | undefined;
      /** The client that it was issued to; undefined for none that was proven. */
      readonly client: string | undefined;
    };

/** Introspection, for resources that only know OAuth. */
export interface Introspecting {
  /**
   * For a platform's credential, as the resource that it was issued for. Active is a token that verify would allow there for every
   * call within the scopes that the answer names: with anything on it that the answer could not carry it is not.
   *
   * Rejects with `unavailable` where it cannot be known.
   */
  introspect(caller: Caller, token: string): Promise<Introspection>;
}
