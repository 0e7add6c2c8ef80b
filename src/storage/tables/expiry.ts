import type { Run } from "../engine/connection.ts";
import { StorageError } from "../engine/error.ts";
import { readInteger } from "../engine/values.ts";

// Few enough to be deleted well within the deadline of one statement.
const BATCH = 5_000;

/** The rows to delete: constants of ours, never anyone's input. */
export interface Expiry {
  readonly table: string;
  /** The columns of the primary key. */
  readonly key: string;
  /** The column that says when a row has lived its time; there is an index on it. */
  readonly by: string;
  /** What a row's column must be, such as `< $2::timestamptz`; the parameters are `$2`, `$3`, … */
  readonly is: string;
  /** Further conditions, each behind an `and`. */
  readonly also?: string;
}

/**
 * Deletes rows a batch at a time, each batch on its own, so that a long neglected table is caught up with.
 *
 * @returns how many were deleted
 */
export async function deleteInBatches(
  run: Run,
  operation: string,
  { table, key, by, is, also = "" }: Expiry,
  values: readonly (string | number)[],
): Promise<number> {
  // The condition stands twice: a row that someone else has just changed is judged again as it is now. In order, so that
  // the index is read from its beginning: a planner that takes many rows for expired would read the table.
  const text = `
    with gone as (
      delete from ${table}
      where (${key}) in (select ${key} from ${table} where ${by} ${is} ${also} order by ${by} limit $1::integer) and ${by} ${is} ${also}
      returning 1
    )
    select count(*) as count from gone`;
  for (let total = 0; ; ) {
    const [row] = await run(operation, (session) => session.query(text, [BATCH, ...values]));
    if (row === undefined) throw new StorageError(operation);
    const count = readInteger(row["count"]);
    total += count;
    if (count < BATCH) return total;
  }
}
