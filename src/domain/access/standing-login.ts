import type { HumanCaller } from "../caller.ts";
import { loginRevoked } from "../grant.ts";
import { MAX_TOKEN_LIFE } from "../parts/lifetimes.ts";
import type { Clock } from "../ports/clock.ts";
import type { RevocationKnowledge } from "../replica/revocation-knowledge.ts";

/**
 * Makes the check that every login passes with every call: that no administrator has revoked all of that person's tokens since
 * they last spoke. It rests on this replica's knowledge. A login that is redeemed is held against the log itself.
 *
 * A login from before the longest life of a token ends too, since entries that would end it may be forgotten.
 *
 * @returns throws a DomainError `unauthenticated` for a login that has ended
 */
export function createLoginCheck(options: {
  readonly knowledge: Pick<RevocationKnowledge, "endsLogin">;
  readonly clock: Pick<Clock, "now">;
}): (caller: Pick<HumanCaller, "identity" | "spokeAt">) => void {
  const { knowledge, clock } = options;
  return ({ identity, spokeAt }) => {
    if (clock.now() - spokeAt > MAX_TOKEN_LIFE || knowledge.endsLogin({ ...identity, spokeAt })) {
      throw loginRevoked();
    }
  };
}
