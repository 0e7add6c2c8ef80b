import type { Health, HealthCheck } from "../health-service.ts";
import type { Store } from "../ports/store.ts";
import type { RevocationKnowledge } from "../replica/revocation-knowledge.ts";

/** Whether this replica can answer what it is asked. */
export function createHealth(options: {
  readonly store: Pick<Store, "refusesChanges">;
  readonly knowledge: Pick<RevocationKnowledge, "staleness" | "clockProblem">;
  /** Whether this replica has been told to stop: balancers must send no more requests here. */
  readonly isStopping: () => boolean;
}): Health {
  const { store, knowledge, isStopping } = options;
  let underway: Promise<string | undefined> | undefined;

  /** One question at a time, whatever number of callers want to know. */
  function refusal(): Promise<string | undefined> {
    underway ??= store.refusesChanges().finally(() => {
      underway = undefined;
    });
    return underway;
  }

  async function databaseChecks(): Promise<readonly HealthCheck[]> {
    try {
      return [check("database", undefined), check("changes", await refusal())];
    } catch {
      const detail = "the database does not answer";
      return [check("database", detail), check("changes", detail)];
    }
  }

  return {
    async checks(purpose) {
      // The database is none of them: as long as the bound, verify is answered from memory.
      const own = [
        check("serving", isStopping() ? "this replica is stopping" : undefined),
        check("revocations", knowledge.staleness()),
        check("clock", knowledge.clockProblem()),
      ];
      return purpose === "write" ? [...own, ...(await databaseChecks())] : own;
    },
  };
}

function check(name: HealthCheck["name"], problem: string | undefined): HealthCheck {
  return problem === undefined ? { name, ok: true } : { name, ok: false, detail: problem };
}
