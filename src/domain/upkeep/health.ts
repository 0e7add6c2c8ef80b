import { DomainError } from "../parts/error.ts";
import type { Store } from "../ports/store.ts";
import type { RevocationKnowledge } from "../replica/revocation-knowledge.ts";
import type { Health } from "../service.ts";

/** Whether this replica can answer everything that it is asked. */
export function createHealth(options: {
  readonly store: Store;
  readonly knowledge: Pick<RevocationKnowledge, "requireFresh">;
  /** Whether this replica has been told to stop: balancers must send no more requests here. */
  readonly isStopping: () => boolean;
}): Health {
  const { store, knowledge, isStopping } = options;
  let underway: Promise<void> | undefined;

  /** One question at a time, whatever number of callers want to know. */
  function ping(): Promise<void> {
    underway ??= store.ping().finally(() => {
      underway = undefined;
    });
    return underway;
  }

  return {
    async problems() {
      if (isStopping()) return ["this replica is stopping"];
      const problems: string[] = [];
      await ping().catch(() => problems.push("the database does not answer"));
      try {
        knowledge.requireFresh();
      } catch (error) {
        problems.push(error instanceof DomainError ? error.message : "revocations are not known");
      }
      return problems;
    },
  };
}
