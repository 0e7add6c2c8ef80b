import type { Sealing } from "../keys/sealing.ts";
import type { Clock } from "../ports/clock.ts";
import type { Meter } from "../ports/meter.ts";
import type { Randomness } from "../ports/randomness.ts";
import type { Steps } from "../ports/steps.ts";
import type { Store } from "../ports/store.ts";
import type { RevocationKnowledge } from "../replica/revocation-knowledge.ts";
import { createAuditKey } from "./audit-key.ts";
import { createDecisionLog, type RecordedDecisions } from "./decision-log.ts";
import { createIntegration } from "./integration.ts";
import { createAudit } from "./reading.ts";

/** The parts that the audit log needs. */
interface AuditParts {
  readonly store: Store;
  readonly sealing: Sealing;
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly steps: Steps;
  readonly publicUrl: string;
  readonly knowledge: Pick<RevocationKnowledge, "requireFresh">;
  readonly audit?: AuditSettings | undefined;
  readonly meter?: Meter | undefined;
  readonly report: { readonly maintenance: (task: string, error: unknown) => void };
}

/** The settings of the audit log, and a drill's. */
export interface AuditSettings {
  /** `refused` unless said. */
  readonly decisions?: RecordedDecisions;
  /** Whether checkpoints and hash tiles are for everyone. */
  readonly isPublic?: boolean;
  /** Whether this replica gives events their places by itself; true unless a drill does it step by step. */
  readonly integrates?: boolean;
}

/** Puts the audit log together. Nothing runs until `start`. */
export function openAudit(parts: AuditParts) {
  const { report, knowledge } = parts;
  const { decisions = "refused", isPublic = false, integrates = true } = parts.audit ?? {};
  const key = createAuditKey(parts);
  const integration = createIntegration({
    ...parts,
    auditKey: key,
    requireTrust: knowledge.requireFresh,
    onProblem: (error) => report.maintenance("integrate audit events", error),
  });
  const decisionLog = createDecisionLog({
    ...parts,
    recorded: decisions,
    onGap: (count) =>
      report.maintenance(`record decisions: ${count} are missing in the audit log`, undefined),
    onProblem: (error) => report.maintenance("record decisions", error),
  });
  return {
    key,
    integration,
    decisionLog,
    reading: createAudit({ ...parts, auditKey: key, isPublic }),
    /** @returns stops it, after the last decisions were written */
    start(): () => Promise<void> {
      const stopLog = decisionLog.start();
      const stopIntegration = integrates ? integration.start() : async () => {};
      return async () => {
        await stopLog();
        await stopIntegration();
      };
    },
  };
}
