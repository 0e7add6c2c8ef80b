import { mapInTurns } from "../../domain/parts/time-slice.ts";
import type { AuditEvent } from "../../domain/ports/audit.ts";
import type { Appended, AppendedRevocation, NewRevocation } from "../../domain/ports/revocations.ts";
import type { Run } from "../engine/connection.ts";
import { StorageError } from "../engine/error.ts";
import { type Row, readInteger, readText } from "../engine/values.ts";
import { toAuditRow } from "../tables/audit.ts";
import { APPENDED_COLUMNS, dedup, readHash, toColumns, toRevocation } from "./rows.ts";

/** Entries that are written or read in one turn of the event loop. */
const IN_ONE_TURN = 25;

const APPEND = `
  select epoch, encode(substr(last_hash, 1, 8), 'hex') as last_hash, fresh, place, ${APPENDED_COLUMNS}
  from public.bakehouse_log_write($1::jsonb)`;

/**
 * Appends to the log in one statement: it locks the log, looks up earlier entries, numbers, chains and writes the new ones
 * with their audit events, and moves the log's end. All of it or nothing, in a transaction of its own if the caller has none.
 */
export async function appendToLog(
  run: Run,
  entries: readonly NewRevocation[],
  events: readonly AuditEvent[],
): Promise<Appended> {
  const keys = await mapInTurns(entries, IN_ONE_TURN, ({ scope, target }) => dedup(scope, target));
  // Two equal targets are one entry, the first: its place is that of its key.
  const places = new Map<string, number>();
  const distinct: NewRevocation[] = [];
  const written = await mapInTurns(entries, IN_ONE_TURN, (entry, index) => {
    const key = keys[index] ?? "";
    if (places.has(key)) return undefined;
    const place = distinct.push(entry) - 1;
    places.set(key, place);
    const event = events[index];
    const columns = {
      place,
      ...toColumns(entry, key),
      event: event === undefined ? null : toAuditRow(event),
    };
    return JSON.stringify(columns);
  });
  const columns = `[${written.filter((row) => row !== undefined).join(",")}]`;
  const rows = await run("revocations.append", (session) => session.query(APPEND, [columns]));
  const [first] = rows;
  if (first === undefined) throw new StorageError("revocations.append");
  const standing = await standingFor(rows, distinct, readHash(first["last_hash"]));
  return {
    epoch: readText(first["epoch"]),
    entries: keys.map((key) => {
      const entry = standing[places.get(key) ?? -1];
      if (entry === undefined) throw new StorageError("revocations.append");
      return entry;
    }),
  };
}

/** The entry that stands in the log for each place: the one that stood there before, or the new one. */
async function standingFor(
  rows: readonly Row[],
  wanted: readonly NewRevocation[],
  lastHash: string | undefined,
): Promise<readonly AppendedRevocation[]> {
  const byPlace = new Map(
    rows.filter((row) => row["place"] !== null).map((row) => [readInteger(row["place"]), row]),
  );
  let follows = lastHash;
  return mapInTurns(wanted, IN_ONE_TURN, (entry, place) => {
    const row = byPlace.get(place);
    if (row === undefined) throw new StorageError("revocations.append");
    if (row["fresh"] !== true) return toRevocation(row);
    const appended = { ...entry, number: readInteger(row["number"]), hash: readHash(row["hash"]), follows };
    follows = appended.hash;
    return appended;
  });
}
