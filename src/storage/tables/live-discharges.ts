import type { LiveDischargeStore } from "../../domain/ports/discharge-requests.ts";
import type { Run } from "../engine/connection.ts";
import { writeInstant } from "../engine/values.ts";
import { deleteInBatches } from "./expiry.ts";

// One statement decides: the second caller waits for the first one's transaction, and then finds its row.
const TAKE = `
  insert into live_discharges as held (place, request_id, lives_until) values ($1, $2, $3::timestamptz)
  on conflict (place) do update set request_id = excluded.request_id, lives_until = excluded.lives_until
  where held.lives_until <= $4::timestamptz
  returning 1 as taken`;

const MOVE_END =
  "update live_discharges set lives_until = $2::timestamptz where request_id = $1 returning 1 as moved";

/** The places of tickets that say `once`, in the database. */
export function createLiveDischargeStore(run: Run): LiveDischargeStore {
  return {
    async take({ place, requestId, livesUntil }, now) {
      const rows = await run("liveDischarges.take", (session) =>
        session.query(TAKE, [place, requestId, writeInstant(livesUntil), writeInstant(now)]),
      );
      return rows.length === 1;
    },
    async moveEnd(requestId, livesUntil) {
      const rows = await run("liveDischarges.moveEnd", (session) =>
        session.query(MOVE_END, [requestId, writeInstant(livesUntil)]),
      );
      return rows.length === 1;
    },
    async dropBefore(instant) {
      await deleteInBatches(
        run,
        "liveDischarges.dropBefore",
        { table: "live_discharges", key: "place", by: "lives_until", is: "< $2::timestamptz" },
        [writeInstant(instant)],
      );
    },
  };
}
