import type { RefusalCode } from "../words/refusal-codes.ts";

/** What is known of a token that was decided about: its signatures are right. */
export interface Decided {
  readonly platform: string;
  readonly tokenId: string;
  readonly principalId: string;
  /** The revocation id of the presented link. */
  readonly link: { readonly text: string };
  /** The agents on the chain, by name. Read when the decision is written, and not before. */
  agents(): readonly string[];
}

/** What is on record of a verdict. */
export type DecidedVerdict =
  | { readonly allowed: true }
  | { readonly allowed: false; readonly code: RefusalCode };
