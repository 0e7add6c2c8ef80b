import type { AuditKey } from "../audit/audit-key.ts";
import { announceDrop } from "../audit/retention.ts";
import type { DischargeKeys } from "../keys/discharge-keys.ts";
import { rotateKey } from "../keys/key-rotation.ts";
import type { RootKeys } from "../keys/root-keys.ts";
import type { VerdictKeys } from "../keys/verdict-keys.ts";
import {
  APPROVAL_RECORD_LIFE,
  DEVICE_MARGIN,
  MAX_DISCHARGE_LIFE,
  RETENTION,
  REVOCATION_MARGIN,
  ROOT_KEY_AGE,
} from "../parts/lifetimes.ts";
import { CLOCK_SKEW } from "../parts/token-claims.ts";
import type { Randomness } from "../ports/randomness.ts";
import type { Store } from "../ports/store.ts";
import type { RevocationKnowledge } from "../replica/revocation-knowledge.ts";

const SERVICE = { kind: "service" } as const;
const PAGE = 500;

/**
 * The work that no caller asks for: old keys are replaced, expired keys destroyed, keys under an earlier master key
 * sealed anew, and rows that nothing needs any more dropped. Every replica does all of it; doing it twice, or at the
 * same time, does no harm.
 */
export function createMaintenance(options: {
  readonly store: Store;
  readonly rootKeys: RootKeys;
  readonly dischargeKeys: Pick<DischargeKeys, "maintain">;
  readonly verdictKeys: Pick<VerdictKeys, "maintain">;
  readonly knowledge: Pick<RevocationKnowledge, "sweep">;
  readonly auditKey: Pick<AuditKey, "maintain">;
  readonly randomness: Randomness;
  /** How long records of tokens and audit events are kept, milliseconds. */
  readonly retentionMilliseconds?: number | undefined;
  /** Told of a task that failed. The other tasks go on. */
  readonly onProblem: (task: string, error: unknown) => void;
}) {
  const { store } = options;

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

  const tasks: Readonly<Record<string, () => Promise<unknown>>> = {
    "replace aged root keys": rotateAged,
    "destroy expired root keys": () => options.rootKeys.destroyExpired(),
    "seal root keys under the current master key": () => options.rootKeys.reseal(),
    "maintain discharge keys": () => options.dischargeKeys.maintain(),
    "maintain keys of signed verdicts": () => options.verdictKeys.maintain(),
    "drop old requests for discharges": async () => {
      const now = await store.now();
      await store.dischargeRequests.clean(now - MAX_DISCHARGE_LIFE, now - APPROVAL_RECORD_LIFE);
      await store.liveDischarges.dropBefore(now);
    },
    "drop expired sessions": async () => store.sessions.dropExpired(await store.now()),
    "drop ended grants of OAuth clients": async () => store.oauth.dropExpired(await store.now()),
    "drop people who were not seen for long": async () =>
      store.people.dropBefore((await store.now()) - (options.retentionMilliseconds ?? RETENTION)),
    "drop lines of tokens that are over": async () => {
      const now = await store.now();
      await store.lines.drop(now, now - (options.retentionMilliseconds ?? RETENTION));
    },
    "drop requests of devices": async () => store.devices.dropExpired((await store.now()) - DEVICE_MARGIN),
    // A replica takes assertions by its own clock, which may be behind the database's.
    "drop used assertions": async () => store.usedAssertions.dropExpired((await store.now()) - CLOCK_SKEW),
    "drop expired idempotency keys": () => store.idempotency.dropExpired(),
    "drop ended budgets": () => store.budgets.dropEnded(),
    "drop spent revocations": async () =>
      store.revocations.dropBefore((await store.now()) - REVOCATION_MARGIN),
    "seal the audit key under the current master key": () => options.auditKey.maintain(),
    "maintain partitions": async () => {
      const before = (await store.now()) - (options.retentionMilliseconds ?? RETENTION);
      await announceDrop(options, before);
      await store.maintainPartitions(before);
      await store.auditTrees.dropLeaves(before);
    },
    "sweep revocations": async () => options.knowledge.sweep(await store.now()),
  };

  return {
    /** Does every task once. A task that fails is reported and does not stop the others. */
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
