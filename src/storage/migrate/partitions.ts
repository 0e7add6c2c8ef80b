import type { Run } from "../engine/connection.ts";
import { writeInstant } from "../engine/values.ts";

const PARENTS = ["tokens", "audit_events", "observed_links"] as const;

/**
 * Creates the partitions of this month and the next two, and drops those that lie wholly before an instant.
 * Several replicas may do so at once: the functions take turns.
 *
 * Each step is a transaction of its own. Two parents locked together could meet a transaction that writes to both
 * in the other order.
 *
 * @param now unix milliseconds
 * @param dropBefore unix milliseconds
 */
export async function maintainPartitions(run: Run, now: number, dropBefore: number): Promise<void> {
  const today = new Date(now);
  for (const parent of PARENTS) {
    for (const offset of [0, 1, 2]) {
      const month = Date.UTC(today.getUTCFullYear(), today.getUTCMonth() + offset, 1);
      await run("partitions.create", (session) =>
        session.query("select public.bakehouse_create_partition($1, $2::timestamptz)", [
          parent,
          writeInstant(month),
        ]),
      );
    }
    await run("partitions.drop", (session) =>
      session.query("select public.bakehouse_drop_partitions($1, $2::timestamptz)", [
        parent,
        writeInstant(dropBefore),
      ]),
    );
  }
}
