import type { LogServer, ServerIdentity } from "../ports/log-server.ts";
import type { LogPosition, LogState } from "../ports/revocations.ts";

/** A reason not to believe the log that was read. */
export interface LogProblem {
  readonly kind: /** The server is in recovery: its data may be older than any bound. */
    | "standby"
    /** The log lacks an entry that this replica has read, or has another one in its place. */
    | "lost"
    /** The same, as another replica says. */
    | "disputed"
    /** The server is not the one to which the log belongs: its last entries may be missing. */
    | "elsewhere";
  /** For people: the finding, and the command that ends it. */
  readonly reason: string;
  /** The log's epoch. */
  readonly epoch: string;
  /** Whether the server is a standby of the log's own that was promoted, and had all that was acknowledged. */
  readonly isSynchronousPromotion: boolean;
}

/** The settings that decide what ends a problem. */
export interface FailoverSettings {
  /** Whether only a synchronous standby is ever promoted, as the operator says. */
  readonly failover: "synchronous" | undefined;
  /** Whether a replica that knows of lost entries fences the log by itself. */
  readonly restoreFence: "refuse" | "auto";
}

/** The default: an operator ends the problem. */
export const BY_HAND: FailoverSettings = { failover: undefined, restoreFence: "refuse" };

const FENCE = "run `bakehouse restore-fence`";
const WHOLE =
  "or, where nothing is missing, `bakehouse restore-fence --whole SEQUENCE` with the greatest sequence that any client was given";

/**
 * The reason not to believe the log that was read; undefined if it is the log's own server.
 *
 * @param known the position up to which the reader has read this log; undefined for a reader that knows nothing
 */
export function problemOf(
  log: LogState,
  known: LogPosition | undefined,
  settings: FailoverSettings,
): LogProblem | undefined {
  const { position, server } = log;
  const { epoch } = position;
  const problem = (kind: LogProblem["kind"], reason: string): LogProblem => ({
    kind,
    reason,
    epoch,
    isSynchronousPromotion: kind === "elsewhere" && isPromotion(server) && server.wasSynchronous,
  });
  if (server.inRecovery) {
    return problem(
      "standby",
      "the database is a standby in recovery, which may lag without end: DATABASE_URL must lead to the primary",
    );
  }
  const lost = known === undefined ? undefined : lossOf(log, known);
  const fence = settings.restoreFence === "auto" ? "it is fenced (RESTORE_FENCE=auto), or " : "";
  if (lost !== undefined) return problem("lost", `${lost}: ${fence}${FENCE}`);
  if (server.disputed !== null) {
    return problem(
      "disputed",
      `the revocation log lacks entry ${server.disputed}, which a replica has read: ${FENCE}`,
    );
  }
  const differs = differenceOf(server);
  if (differs === undefined) return undefined;
  const advice =
    settings.failover === "synchronous" && isPromotion(server)
      ? "its last entry was not written under synchronous_standby_names, so FAILOVER=synchronous does not cover it: "
      : "entries may be missing: ";
  return problem(
    "elsewhere",
    `the revocation log was written on another server than this one (${differs}), and ${advice}${FENCE}, ${WHOLE}`,
  );
}

/** How a log shows that entries are lost which a reader has read; undefined if it does not. */
function lossOf({ position, hashAt }: LogState, known: LogPosition): string | undefined {
  if (position.epoch !== known.epoch) return undefined;
  if (position.number < known.number) {
    return `the revocation log is shorter than before: it ends at ${position.number}, and ${known.number} has been read`;
  }
  if (known.hash === undefined || hashAt === undefined || hashAt === known.hash) return undefined;
  return `the revocation log has forked: its entry ${known.number} is not the one that has been read`;
}

/** Whether the server is a standby of the log's own that was promoted. */
function isPromotion({ here, home }: LogServer): boolean {
  return (
    isSame(here.systemIdentifier, home.systemIdentifier) &&
    isSame(here.database, home.database) &&
    here.timeline !== null &&
    home.timeline !== null &&
    here.timeline > home.timeline
  );
}

/** The difference between the server and the log's own; undefined if there is none. */
function differenceOf({ here, home }: LogServer): string | undefined {
  const parts: readonly (readonly [string, keyof ServerIdentity])[] = [
    ["system identifier", "systemIdentifier"],
    ["database", "database"],
    ["timeline", "timeline"],
  ];
  const differing = parts.filter(([, part]) => !isSame(here[part], home[part]));
  if (differing.length === 0) return undefined;
  return differing.map(([name, part]) => `${name} ${home[part]} then, ${here[part]} now`).join(", ");
}

/** A fact that a server does not tell proves nothing. */
function isSame(here: string | number | null, home: string | number | null): boolean {
  return here === null || home === null || here === home;
}
