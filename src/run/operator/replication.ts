import type { FailoverSettings } from "../../domain/replica/log-problem.ts";
import type { DatabaseFacts, Standby } from "../../storage/examine.ts";
import { about, type Finding, spanText } from "./finding.ts";

/** Milliseconds by which a standby may be behind without a word. */
const LAG = 10_000;

/** Whether a standby confirms each commit. */
const confirms = ({ sync, state }: Standby) =>
  state === "streaming" && (sync === "sync" || sync === "quorum");

const followed = ({ length }: readonly Standby[]) =>
  length === 1 ? "one standby follows" : `${length} standbys follow`;

/** Looks whether a failover would lose revocations. */
export function replicationFinding(
  { standbys, synchronousNames }: Pick<DatabaseFacts, "standbys" | "synchronousNames">,
  { failover }: FailoverSettings,
): Finding {
  const { ok, warning, failed } = about("replication");
  const seen = standbys.filter(({ state }) => state !== null);
  const late = seen.filter(({ lag }) => lag !== null && lag > LAG);
  if (failover === "synchronous") {
    if (synchronousNames === "")
      return failed(
        "FAILOVER=synchronous is set, and the server's synchronous_standby_names is not",
        "set it there, or unset FAILOVER: a standby that lags would be taken for whole",
      );
    if (seen.length > 0 && !seen.some(confirms))
      return failed("no standby confirms commits now", "changes wait until one does: look at the standbys");
  }
  const [latest] = [...late].sort((a, b) => (b.lag ?? 0) - (a.lag ?? 0));
  if (latest !== undefined)
    return warning(
      `standby ${latest.name === "" ? "without a name" : latest.name} is ${spanText(latest.lag ?? 0)} behind`,
      "promoted now it would lack the last revocations, and the log would have to be fenced",
    );
  if (standbys.length === 0) return ok("no standby follows: after a loss a backup is restored, and fenced");
  if (seen.length === 0) return ok(`${followed(standbys)}; a role in pg_read_all_stats sees how far behind`);
  return ok(`${followed(seen)}, ${seen.filter(confirms).length} confirming each commit`);
}
