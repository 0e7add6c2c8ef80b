import { createHash } from "node:crypto";
import { openKept, type Sealing } from "../keys/sealing.ts";
import { DomainError } from "../parts/error.ts";
import { IDEMPOTENCY_LEASE, IDEMPOTENCY_LIFE } from "../parts/lifetimes.ts";
import { nextTurn } from "../parts/turn.ts";
import type { KeptAnswer } from "../ports/idempotency.ts";
import type { Randomness } from "../ports/randomness.ts";
import type { Store } from "../ports/store.ts";
import type { IdempotencyRequest } from "../service.ts";

/** The purpose of answers that are kept for repeated requests. */
export const KEPT_ANSWER_PURPOSE = "idempotent answer";
/** Bytes of a kept answer that is opened without waiting for a turn. */
const OPENED_AT_ONCE = 8 * 1024;
const KEPT = "the first request under this Idempotency-Key was carried out, and its answer";

/** Seals the answer of a request, to be kept with the change that it reports; undefined if there is no key to keep it under. */
export type SealAnswer = (answer: unknown) => KeptAnswer | undefined;

/** The answer to an attempt, if its lease ran out and was taken over before its change was made. */
export function overtaken(): DomainError {
  return new DomainError("idempotency_in_flight", "another request took over this Idempotency-Key");
}

/** Gives a repeated request the answer of its first one. */
export interface Idempotency {
  /**
   * Runs `work` at most once for each key of a caller.
   *
   * @param callerId the scope of the key, besides the route
   * @param work must make its change durable together with the sealed answer, or not at all
   * @param read turns a kept answer (as JSON gives it back) into the answer
   */
  once<T>(
    callerId: string,
    request: IdempotencyRequest | undefined,
    work: (seal: SealAnswer) => Promise<T>,
    read: (kept: unknown) => T,
  ): Promise<T>;
}

function sha256(...parts: readonly (string | Uint8Array)[]): Uint8Array {
  const hash = createHash("sha256");
  for (const part of parts) {
    const bytes = typeof part === "string" ? Buffer.from(part, "utf8") : part;
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    hash.update(length).update(bytes);
  }
  return new Uint8Array(hash.digest());
}

export function createIdempotency(options: {
  readonly store: Store;
  readonly sealing: Sealing;
  readonly randomness: Randomness;
}): Idempotency {
  const { store, sealing, randomness } = options;
  return {
    async once(callerId, request, work, read) {
      if (request === undefined) return work(() => undefined);

      const key = {
        hash: sha256(callerId, request.route, request.key),
        bodyHash: sha256(request.body),
      };
      const name = Buffer.from(key.hash).toString("base64url");
      const lease = Buffer.from(randomness.bytes(16)).toString("base64url");
      const claim = await store.idempotency.claim(key, lease, IDEMPOTENCY_LEASE);
      switch (claim.state) {
        case "other_body":
          throw new DomainError("idempotency_mismatch", "this Idempotency-Key came with another body before");
        case "in_flight":
          throw new DomainError(
            "idempotency_in_flight",
            "the first request under this Idempotency-Key is still running",
          );
        case "answered":
          // Answers that come from the database together would be opened together.
          if (claim.sealed.length > OPENED_AT_ONCE) await nextTurn();
          return read(
            JSON.parse(
              new TextDecoder().decode(openKept(sealing, KEPT, claim.sealed, KEPT_ANSWER_PURPOSE, name)),
            ),
          );
        case "claimed":
          break;
        default:
          return claim satisfies never;
      }

      try {
        return await work((answer) => {
          const plain = new TextEncoder().encode(JSON.stringify(answer));
          const sealed = sealing.seal(plain, KEPT_ANSWER_PURPOSE, name);
          return { hash: key.hash, lease, sealed, life: IDEMPOTENCY_LIFE };
        });
      } catch (error) {
        // A refusal changed nothing, so the key is free again. After an outage it may be that the
        // transaction was committed all the same: then the answer is kept and release finds no claim.
        await store.idempotency.release(key, lease).catch(() => undefined);
        throw error;
      }
    },
  };
}
