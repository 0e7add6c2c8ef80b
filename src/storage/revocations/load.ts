import type {
  LinkGroup,
  LogLoad,
  LogPosition,
  Revocation,
  WideTarget,
} from "../../domain/ports/revocations.ts";
import type { Run } from "../engine/connection.ts";
import { StorageError } from "../engine/error.ts";
import { unavailable } from "../engine/guard.ts";
import { nullable, type Row, readBytes, readInstant, readInteger } from "../engine/values.ts";
import { COLUMNS, readHash, toRevocation, toScope } from "./rows.ts";
import { hashOf, LOG, stateColumns, toState } from "./state.ts";

/** Entries whose hashes are handed over, too. */
const RECENT = 1_000;

// Ten million entries as rows would take minutes to read: entries that differ only by 16 bytes come as one value.
// A group's end is rounded up to the whole day, so that groups stay few.
const LINKS = `
  with page as materialized (
    select number, scope_kind, scope_platform, scope_issuer, scope_subject, target_kind,
      coalesce(target_revocation_id, uuid_send(target_token_id)) as id,
      date_trunc('day', last_match_at) + interval '1 day' as last_match_at, substr(hash, 1, 8) as hash, revoked_at
    from revocations where number > $1::bigint order by number limit $2::bigint
  ), seen as materialized (
    select count(*) as count, max(number) as last, min(revoked_at) as oldest_at,
      count(*) filter (where target_kind not in ('revocation_id', 'token_id')) as wide
    from page
  ), links as (
    select scope_kind, scope_platform, scope_issuer, scope_subject, target_kind, last_match_at,
      string_agg(id, ''::bytea) as ids
    from page where target_kind in ('revocation_id', 'token_id')
    group by scope_kind, scope_platform, scope_issuer, scope_subject, target_kind, last_match_at
  )
  select ${stateColumns("$3::bigint")}, floor(extract(epoch from clock_timestamp()) * 1000)::bigint as now,
    (select greatest(reltuples, 0)::bigint from pg_class where oid = 'revocations'::regclass) as estimate, seen.count, seen.last, seen.oldest_at,
    ${hashOf("seen.last")} as through_hash,
    (select string_agg(int8send(number) || hash, ''::bytea order by number)
      from page where number > (select last from seen) - ${RECENT}) as recent,
    seen.wide, links.*
  from ${LOG} cross join seen left join links on true`;

// Written with the condition of its index. Numbers up to one that was seen are complete, so that another
// statement's later snapshot has the same entries there: if it is of the same log, which the hash tells.
const WIDE = `
  select ${stateColumns("$2::bigint")}, entry.* from ${LOG} left join lateral (
    select ${COLUMNS} from revocations
    where number > $1::bigint and number <= $2::bigint and target_kind not in ('revocation_id', 'token_id')
    order by number
  ) as entry on true
  order by entry.number`;

/**
 * Reads a part of the log for a replica.
 *
 * @param known the number of the entry to read the hash of
 * @param shift milliseconds that the database's clock is moved by
 */
export async function loadLog(
  run: Run,
  { after, limit, known }: { readonly after: number; readonly limit: number; readonly known: number },
  shift: number,
): Promise<LogLoad> {
  const rows = await run("revocations.load", (session) => session.query(LINKS, [after, limit, known]));
  const [first] = rows;
  if (first === undefined) throw new StorageError("revocations.load");
  const state = toState(first);
  const { epoch, number } = state.position;
  const isLast = readInteger(first["count"]) < limit;
  const through = isLast
    ? state.position
    : { epoch, number: readInteger(first["last"]), hash: readHash(first["through_hash"]) };
  const part = {
    ...state,
    through,
    now: readInteger(first["now"]) + shift,
    estimate: Math.min(readInteger(first["estimate"]), number),
    oldestAt: nullable(readInstant)(first["oldest_at"]) ?? undefined,
    recent: toRecent(first["recent"]),
    links: rows.filter((row) => row["ids"] !== null).map(toGroup),
  };
  if (readInteger(first["wide"]) === 0) return { ...part, wide: [] };
  return { ...part, wide: await loadWide(run, after, through) };
}

async function loadWide(run: Run, after: number, through: LogPosition): Promise<LogLoad["wide"]> {
  const rows = await run("revocations.load wide", (session) => session.query(WIDE, [after, through.number]));
  const [first] = rows;
  if (first === undefined) throw new StorageError("revocations.load wide");
  // The two may have been answered by different servers.
  const { position, hashAt } = toState(first);
  if (position.epoch !== through.epoch || position.number < through.number || hashAt !== through.hash)
    throw unavailable();
  return rows.filter((row) => row["number"] !== null).map(toWide);
}

/** Reads 8 bytes of number and 8 of hash for each entry. */
function toRecent(value: unknown): LogLoad["recent"] {
  if (value === null) return [];
  const bytes = Buffer.from(readBytes(value));
  return Array.from({ length: bytes.length / 16 }, (_, index) => ({
    number: Number(bytes.readBigInt64BE(index * 16)),
    hash: bytes.toString("hex", index * 16 + 8, index * 16 + 16),
  }));
}

function toGroup(row: Row): LinkGroup {
  const kind = row["target_kind"];
  if (kind !== "revocation_id" && kind !== "token_id") {
    throw new StorageError("read revocations.target_kind");
  }
  return {
    scope: toScope(row),
    kind,
    lastMatchAt: readInstant(row["last_match_at"]),
    ids: readBytes(row["ids"]),
  };
}

function toWide(row: Row): Revocation & { readonly target: WideTarget } {
  const { target, ...entry } = toRevocation(row);
  if (target.kind === "revocation_id" || target.kind === "token_id") {
    throw new StorageError("read revocations.target_kind");
  }
  return { ...entry, target };
}
