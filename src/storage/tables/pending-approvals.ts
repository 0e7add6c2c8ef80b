import type { Run } from "../engine/connection.ts";
import { readInteger, writeInstant } from "../engine/values.ts";

// By the index of when they were asked: none waits for longer than an hour, and the second one is for clocks.
const COUNT = `
  select count(*) as count from (
    select 1 from discharge_requests
    where state = 'pending' and kind = 'approval' and expires_at > $1::timestamptz
      and asked_at > $1::timestamptz - interval '2 hours'
    limit $2::integer) as waiting`;

/** Counts the approvals that are waited for at `now` (unix milliseconds), no further than `most`. */
export async function countPending(run: Run, now: number, most: number): Promise<number> {
  const [row] = await run("dischargeRequests.countPending", (session) =>
    session.query(COUNT, [writeInstant(now), most]),
  );
  return readInteger(row?.["count"]);
}
