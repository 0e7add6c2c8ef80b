import type { AuditEvent } from "../../domain/ports/audit.ts";
import type { Appended, NewRevocation, Revocation } from "../../domain/ports/revocations.ts";
import type { Run } from "../engine/connection.ts";
import { StorageError } from "../engine/error.ts";
import { type Row, readInteger, readText } from "../engine/values.ts";
import { toAuditRow } from "../tables/audit.ts";
import { COLUMNS, dedup, toColumns, toRevocation } from "./rows.ts";

const APPEND = `
  select epoch, last_number, place, ${COLUMNS} from public.bakehouse_log_append($1::jsonb)`;

/**
 * Appends to the log in one statement, which locks the log, looks up what stands there, numbers and writes what is
 * new with its audit events, and moves the counter: all of it or nothing, in a transaction of its own where the caller has none.
 */
export async function appendToLog(
  run: Run,
  entries: readonly NewRevocation[],
  events: readonly AuditEvent[],
): Promise<Appended> {
  const keys = entries.map(({ scope, target }) => dedup(scope, target));
  // What is named twice is one entry, the first: its place is that of its key.
  const places = new Map<string, number>();
  const distinct: NewRevocation[] = [];
  const columns = entries.flatMap((entry, index) => {
    const key = keys[index] ?? "";
    if (places.has(key)) return [];
    const place = distinct.push(entry) - 1;
    places.set(key, place);
    const event = events[index];
    return [{ place, ...toColumns(entry, key), event: event === undefined ? null : toAuditRow(event) }];
  });
  const rows = await run("revocations.append", (session) => session.query(APPEND, [JSON.stringify(columns)]));
  const [first] = rows;
  if (first === undefined) throw new StorageError("revocations.append");
  const standing = numbered(rows, distinct, readInteger(first["last_number"]));
  return {
    epoch: readText(first["epoch"]),
    entries: keys.map((key) => {
      const entry = standing[places.get(key) ?? -1];
      if (entry === undefined) throw new StorageError("revocations.append");
      return entry;
    }),
  };
}

/** What stands in the log for each place: what stood there before, or what is new, under the next number. */
function numbered(
  rows: readonly Row[],
  wanted: readonly NewRevocation[],
  last: number,
): readonly Revocation[] {
  const known = new Map(
    rows.filter((row) => row["place"] !== null).map((row) => [readInteger(row["place"]), toRevocation(row)]),
  );
  let next = last;
  return wanted.map((entry, place) => {
    const there = known.get(place);
    if (there !== undefined) return there;
    next += 1;
    return { ...entry, number: next };
  });
}
