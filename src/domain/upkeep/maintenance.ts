import { auditEvent } from "../audit.ts";
import type { DischargeKeys } from "../keys/discharge-keys.ts";
import { rotateKey } from "../keys/key-rotation.ts";
import { ROOT_KEY_PURPOSE, type RootKeys } from "../keys/root-keys.ts";
import { type Sealing, SealingError } from "../keys/sealing.ts";
import {
  APPROVAL_RECORD_LIFE,
  MAX_DISCHARGE_LIFE,
  MAX_TOKEN_LIFE,
  RECORD_LIFE,
  REVOCATION_MARGIN,
  ROOT_KEY_AGE,
} from "../parts/lifetimes.ts";
import type { Randomness } from "../ports/randomness.ts";
import type { Store } from "../ports/store.ts";
import type { RevocationKnowledge } from "../replica/revocation-knowledge.ts";

const SERVICE = { kind: "service" } as const;
const PAGE = 500;

/**
 * The work that has no caller: replacing old root keys, destroying expired ones, sealing anew what an
 * earlier master key sealed, and dropping what has outlived its use. Every replica does all of it;
 * doing it twice, or at the same time, does no harm.
 */
export function createMaintenance(options: {
  readonly store: Store;
  readonly rootKeys: RootKeys;
  readonly dischargeKeys: Pick<DischargeKeys, "maintain">;
  readonly sealing: Sealing;
  readonly knowledge: Pick<RevocationKnowledge, "sweep">;
  readonly randomness: Randomness;
  /** Told which task failed; the others go on. */
  readonly onProblem: (task: string, error: unknown) => void;
}) {
  const { store, sealing, randomness } = options;

  async function rotateAged(): Promise<void> {
    let after: string | undefined;
    do {
      const { items, next } = await store.platforms.list({ limit: PAGE, after });
      for (const { name } of items) {
        await rotateKey(
          options,
          name,
          SERVICE,
          (newest, now) => newest === undefined || newest.createdAt + ROOT_KEY_AGE <= now,
        );
      }
      after = next;
    } while (after !== undefined);
  }

  async function destroyExpiredKeys(): Promise<void> {
    await store.transaction("destroy expired root keys", async (repositories) => {
      const now = await repositories.now();
      const ids = await repositories.rootKeys.destroyExpired(now);
      const events = ids.map((id) =>
        auditEvent(randomness, now, {
          action: "key.destroyed",
          actor: SERVICE,
          platform: null,
          details: { key_id: id },
        }),
      );
      if (events.length > 0) await repositories.audit.append(events);
    });
  }

  async function resealKeys(): Promise<void> {
    let problem: SealingError | undefined;
    for (const { id, platform, sealed } of await store.rootKeys.usable(await store.now())) {
      if (sealing.isCurrent(sealed)) continue;
      try {
        const plain = sealing.open(sealed, ROOT_KEY_PURPOSE, id, platform);
        await store.rootKeys.reseal(id, sealing.seal(plain, ROOT_KEY_PURPOSE, id, platform));
      } catch (error) {
        if (!(error instanceof SealingError)) throw error;
        problem = error;
      }
    }
    // Said last, so that all that do open are sealed anew: whoever drops the previous master key must hear of it.
    if (problem !== undefined) throw problem;
  }

  const tasks: Readonly<Record<string, () => Promise<unknown>>> = {
    "replace aged root keys": rotateAged,
    "destroy expired root keys": destroyExpiredKeys,
    "seal root keys under the current master key": resealKeys,
    "maintain discharge keys": () => options.dischargeKeys.maintain(),
    "drop old requests for discharges": async () => {
      const now = await store.now();
      await store.dischargeRequests.clean(now - MAX_DISCHARGE_LIFE, now - APPROVAL_RECORD_LIFE);
    },
    "drop expired sessions": async () => store.sessions.dropExpired(await store.now()),
    "drop expired idempotency keys": () => store.idempotency.dropExpired(),
    "drop spent revocations": async () =>
      store.revocations.dropBefore((await store.now()) - REVOCATION_MARGIN),
    "maintain partitions": async () =>
      store.maintainPartitions((await store.now()) - MAX_TOKEN_LIFE - RECORD_LIFE),
    "sweep revocations": async () => options.knowledge.sweep(await store.now()),
  };

  return {
    /** Does all of it once; what fails is reported and does not stop the rest. */
    async run(): Promise<void> {
      for (const [task, work] of Object.entries(tasks)) {
        try {
          await work();
        } catch (error) {
          options.onProblem(task, error);
        }
      }
    },
  };
}
