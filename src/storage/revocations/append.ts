import { mapInTurns } from "../../domain/parts/time-slice.ts";
import type { AuditEvent } from "../../domain/ports/audit.ts";
import type {
  Appended,
  AppendedRevocation,
  NewRevocation,
  PreparedEntries,
  WrittenEntries,
} from "../../domain/ports/revocations.ts";
import type { Run } from "../engine/connection.ts";
import { StorageError } from "../engine/error.ts";
import { type Row, readInteger, readText } from "../engine/values.ts";
import { toAuditRow } from "../tables/audit.ts";
import { APPENDED_COLUMNS, dedup, readHash, toColumns, toRevocation } from "./rows.ts";

/** Entries that are made ready or read in one turn of the event loop. */
const IN_ONE_TURN = 25;

const APPEND = `
  select epoch, encode(substr(last_hash, 1, 8), 'hex') as last_hash, fresh, place, ${APPENDED_COLUMNS}
  from public.bakehouse_log_write($1::jsonb)`;

/** Makes entries ready. Two equal targets are one entry, the first. */
export async function prepareEntries(
  given: readonly NewRevocation[],
  events: readonly AuditEvent[],
): Promise<PreparedEntries> {
  const placeOf = new Map<string, number>();
  const entries: NewRevocation[] = [];
  const columns: string[] = [];
  const places = await mapInTurns(given, IN_ONE_TURN, (entry, index) => {
    const key = dedup(entry.scope, entry.target);
    const before = placeOf.get(key);
    if (before !== undefined) return before;
    const place = entries.push(entry) - 1;
    placeOf.set(key, place);
    const event = events[index];
    const audited = event === undefined ? null : toAuditRow(event);
    columns.push(JSON.stringify({ place, ...toColumns(entry, key), event: audited }));
    return place;
  });
  return { entries, places, columns: `[${columns.join(",")}]` };
}

/**
 * Writes entries in one statement: it locks the log, looks up earlier entries, numbers, chains and writes the new ones
 * with their audit events, and moves the log's end. All of it or nothing, in a transaction of its own if the caller has none.
 */
export async function writeEntries(run: Run, prepared: PreparedEntries): Promise<WrittenEntries> {
  const rows = await run("revocations.append", (session) => session.query(APPEND, [prepared.columns]));
  return { prepared, rows };
}

/** Reads the answer. */
export async function standingEntries({ prepared, rows: unread }: WrittenEntries): Promise<Appended> {
  // As `writeEntries` has them from the driver.
  const rows = unread as readonly Row[];
  const [first] = rows;
  if (first === undefined) throw new StorageError("revocations.append");
  const standing = await standingFor(rows, prepared.entries, readHash(first["last_hash"]));
  return {
    epoch: readText(first["epoch"]),
    entries: prepared.places.map((place) => {
      const entry = standing[place];
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
