import type { UsedAssertionStore } from "../../domain/ports/identity.ts";
import type { Run } from "../engine/connection.ts";
import { StorageError } from "../engine/error.ts";
import { readBoolean, writeInstant } from "../engine/values.ts";
import { deleteInBatches } from "../tables/expiry.ts";

// A row that has lived its time is no longer asked for: the assertion is over by then.
const USE = `
  insert into used_assertions (hash, expires_at) values ($1, $2::timestamptz)
  on conflict (hash) do nothing
  returning true as first`;

const HAS = "select exists (select from used_assertions where hash = $1) as used";

/** Assertions that were used, in the database. */
export function createUsedAssertionStore(run: Run): UsedAssertionStore {
  return {
    async use(hash, until) {
      const rows = await run("usedAssertions.use", (session) =>
        session.query(USE, [hash, writeInstant(until)]),
      );
      return rows.length === 1;
    },

    async has(hash) {
      const [row] = await run("usedAssertions.has", (session) => session.query(HAS, [hash]));
      if (row === undefined) throw new StorageError("usedAssertions.has");
      return readBoolean(row["used"]);
    },

    dropExpired: (now) =>
      deleteInBatches(
        run,
        "usedAssertions.dropExpired",
        { table: "used_assertions", key: "hash", by: "expires_at", is: "<= $2::timestamptz" },
        [writeInstant(now)],
      ),
  };
}
