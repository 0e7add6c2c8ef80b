import type { Claim, IdempotencyStore } from "../../domain/ports/idempotency.ts";
import type { Run } from "../engine/connection.ts";
import { StorageError } from "../engine/error.ts";
import { nullable, type Row, readBytes, readText, writeText } from "../engine/values.ts";
import { deleteInBatches } from "./expiry.ts";

// Both columns of time are computed from the clock once: two readings could fall on both sides of an instant.
// `expires_at` ends the lease of a claim and the life of an answer: past it the row counts as absent. Every
// attempt writes the row, if only with its earlier values, so that this one statement both decides and tells.
const CLAIM = `
  with clock as materialized (
    select clock_timestamp() + $5::double precision * interval '1 millisecond' as now
  )
  insert into idempotency as held (hash, body_hash, lease, sealed, expires_at)
  select $1, $2, $3, null, now + $4::double precision * interval '1 millisecond' from clock
  on conflict (hash) do update set
    body_hash  = case when held.expires_at <= (select now from clock) then excluded.body_hash  else held.body_hash  end,
    lease      = case when held.expires_at <= (select now from clock) then excluded.lease      else held.lease      end,
    sealed     = case when held.expires_at <= (select now from clock) then null                else held.sealed     end,
    expires_at = case when held.expires_at <= (select now from clock) then excluded.expires_at else held.expires_at end
  returning body_hash = $2 as same_body, lease, sealed`;

/**
 * Kept answers in the database.
 *
 * @param shift milliseconds that the database's clock is moved by
 */
export function createIdempotencyStore(run: Run, shift: () => number): IdempotencyStore {
  return {
    async claim({ hash, bodyHash }, lease, leaseMilliseconds) {
      const [row] = await run("idempotency.claim", (session) =>
        session.query(CLAIM, [hash, bodyHash, writeText(lease), leaseMilliseconds, shift()]),
      );
      if (row === undefined) throw new StorageError("idempotency.claim");
      return toClaim(row, lease);
    },
    async release({ hash }, lease) {
      await run("idempotency.release", (session) =>
        session.query("delete from idempotency where hash = $1 and lease = $2 and sealed is null", [
          hash,
          writeText(lease),
        ]),
      );
    },
    async dropExpired() {
      return deleteInBatches(
        run,
        "idempotency.dropExpired",
        {
          table: "idempotency",
          key: "hash",
          // The clock is read once, in a query of its own: read for every row, no index could be searched for it.
          by: "expires_at",
          is: "<= (select clock_timestamp() + $2::double precision * interval '1 millisecond')",
        },
        [shift()],
      );
    },
  };
}

function toClaim(row: Row, lease: string): Claim {
  if (readText(row["lease"]) === lease) return { state: "claimed", lease };
  if (row["same_body"] !== true) return { state: "other_body" };
  const sealed = nullable(readBytes)(row["sealed"]);
  return sealed === null ? { state: "in_flight" } : { state: "answered", sealed };
}
