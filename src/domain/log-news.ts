import type { SeenRevocation } from "./ports/revocations.ts";

/** An entry of the log with its position in the wire's form. */
export interface RevocationView {
  readonly revocation: SeenRevocation;
  readonly sequence: string;
}

/** The news of a stream of the revocation log. */
export type LogNews =
  | { readonly kind: "entries"; readonly items: readonly RevocationView[] }
  /** The key of hashed agents, 32 bytes: the first news of a platform's stream. */
  | { readonly kind: "hash_key"; readonly hashKey: Uint8Array }
  /** Nothing new up to `sequence`, as far as this replica knows. */
  | {
      readonly kind: "heartbeat";
      readonly sequence: string;
      /** How old the knowledge is that has been sent, milliseconds; infinite before all of the log was. */
      readonly ageMilliseconds: number;
      /** How long the stream has been open, milliseconds: a reader that knows the time of its request learns the time of this news. */
      readonly openMilliseconds: number;
    };

/** A stream of the revocation log. It reads on only when it is asked, and holds one page at most. */
export interface LogStream {
  /** @returns undefined for a stream that is over: reconnect from the last sequence */
  next(): Promise<LogNews | undefined>;
  close(): void;
}
