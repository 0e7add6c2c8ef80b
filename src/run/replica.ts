import type { Clock } from "../domain/ports/clock.ts";
import type { Meter } from "../domain/ports/meter.ts";
import type { Randomness } from "../domain/ports/randomness.ts";
import type { PositionFile } from "../domain/ports/revocations.ts";
import type { Store } from "../domain/ports/store.ts";
import { createLogCustody } from "../domain/replica/log-custody.ts";
import { BY_HAND, type FailoverSettings } from "../domain/replica/log-problem.ts";
import { createRevocationFeed } from "../domain/replica/revocation-feed.ts";
import { createRevocationKnowledge } from "../domain/replica/revocation-knowledge.ts";
import { adoptPromoted } from "../domain/revoke/move-log.ts";
import { fenceLost } from "../domain/revoke/restore-fence.ts";

/** The parts that following the revocation log needs. */
export interface ReplicaParts {
  readonly store: Store;
  readonly clock: Clock;
  readonly randomness: Randomness;
  /** Counts for the operator; nobody does unless said. */
  readonly meter?: Meter | undefined;
  /** Milliseconds. */
  readonly stalenessMilliseconds: number;
  /** Keeps how far the revocation log was read; undefined if there is no place for it. */
  readonly positionFile?: PositionFile | undefined;
  /** The way a failover or a restore ends; an operator's command alone if it is absent. */
  readonly failover?: FailoverSettings | undefined;
  /** How far this process's clock and the database's may be apart, milliseconds, if a drill moves one of them. */
  readonly clockTolerance?: number;
  /** How the revocation log is followed, here and by streams, if a drill wants one way alone or a faster one. */
  readonly follow?: {
    readonly listens?: boolean;
    readonly pollMilliseconds?: number;
    readonly heartbeatMilliseconds?: number;
  };
  readonly report: {
    /** Following the revocation log has failed (the problem), or works again (undefined). */
    readonly feed: (problem: string | undefined) => void;
    /** This process's clock and the database's disagree (the problem), or agree again (undefined). */
    readonly clocks: (problem: string | undefined) => void;
    /** The log was fenced by this replica, everything that was issued before an instant is revoked (unix milliseconds). */
    readonly fenced: (issuedBefore: number) => void;
    readonly maintenance: (task: string, error: unknown) => void;
    /** A request for a discharge was refused because so many wait: of a link, of an asker or for an approver. */
    readonly full: (limit: string, most: number) => void;
  };
}

/** How often the revocation log is read, as a part of the staleness bound: several reads may fail before it is reached. */
const POLLS_PER_BOUND = 20;

/** Milliseconds between two reads of the revocation log. @param stalenessMilliseconds the bound */
function pollOf(stalenessMilliseconds: number): number {
  return Math.min(1_000, stalenessMilliseconds / POLLS_PER_BOUND);
}

/** Makes this replica's knowledge of the revocation log, and the loop that feeds it once it is started. */
export function openReplica(parts: ReplicaParts) {
  const { store, stalenessMilliseconds, failover = BY_HAND, report } = parts;
  const knowledge = createRevocationKnowledge({
    ...parts,
    failover,
    maxAgeMilliseconds: stalenessMilliseconds,
  });
  const custody = createLogCustody({
    revocations: store.revocations,
    failover,
    adopt: (epoch) => adoptPromoted(parts, epoch),
    async fence(epoch) {
      const fenced = await fenceLost(parts, epoch);
      if (fenced !== undefined) report.fenced(fenced.issuedBefore);
    },
    onFailure: report.maintenance,
  });
  const feed = createRevocationFeed({
    ...parts,
    knowledge,
    custody,
    positionFile: parts.positionFile,
    pollMilliseconds: parts.follow?.pollMilliseconds ?? pollOf(stalenessMilliseconds),
    changes: parts.follow?.listens === false ? undefined : store.changes,
    onProblem: report.feed,
    onClockProblem: report.clocks,
  });
  return { knowledge, feed };
}
