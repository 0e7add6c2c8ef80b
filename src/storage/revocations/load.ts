import type { LinkGroup, LogLoad, Revocation, WideTarget } from "../../domain/ports/revocations.ts";
import type { Run } from "../engine/connection.ts";
import { StorageError } from "../engine/error.ts";
import { type Row, readBytes, readInstant, readInteger, readText } from "../engine/values.ts";
import { COLUMNS, toRevocation, toScope } from "./rows.ts";

// Ten million entries as rows would take minutes to read: what differs only by its 16 bytes comes as one value.
// A group's end is rounded up to the whole day, so that groups stay few.
const LINKS = `
  with page as materialized (
    select number, scope_kind, scope_platform, scope_issuer, scope_subject, target_kind,
      coalesce(target_revocation_id, uuid_send(target_token_id)) as id,
      date_trunc('day', last_match_at) + interval '1 day' as last_match_at
    from revocations where number > $1::bigint order by number limit $2::bigint
  ), links as (
    select scope_kind, scope_platform, scope_issuer, scope_subject, target_kind, last_match_at,
      string_agg(id, ''::bytea) as ids
    from page where target_kind in ('revocation_id', 'token_id')
    group by scope_kind, scope_platform, scope_issuer, scope_subject, target_kind, last_match_at
  )
  select log.epoch, log.last_number, floor(extract(epoch from clock_timestamp()) * 1000)::bigint as now,
    (select greatest(reltuples, 0)::bigint from pg_class where oid = 'revocations'::regclass) as estimate, seen.count, seen.last, seen.wide, links.*
  from revocation_log as log
  cross join (
    select count(*) as count, max(number) as last,
      count(*) filter (where target_kind not in ('revocation_id', 'token_id')) as wide
    from page) as seen
  left join links on true`;

// Written with the condition of its index. Numbers up to one that was seen are complete, so that another
// statement's later snapshot has the same entries there.
const WIDE = `
  select ${COLUMNS} from revocations
  where number > $1::bigint and number <= $2::bigint and target_kind not in ('revocation_id', 'token_id')
  order by number`;

/**
 * Reads a part of the log for a replica.
 *
 * @param shift milliseconds that the database's clock is moved by
 */
export async function loadLog(run: Run, after: number, limit: number, shift: number): Promise<LogLoad> {
  const rows = await run("revocations.load", (session) => session.query(LINKS, [after, limit]));
  const [first] = rows;
  if (first === undefined) throw new StorageError("revocations.load");
  const position = { epoch: readText(first["epoch"]), number: readInteger(first["last_number"]) };
  const through = readInteger(first["count"]) < limit ? position.number : readInteger(first["last"]);
  const estimate = Math.min(readInteger(first["estimate"]), position.number);
  const now = readInteger(first["now"]) + shift;
  const links = rows.filter((row) => row["ids"] !== null).map(toGroup);
  if (readInteger(first["wide"]) === 0) return { position, through, now, estimate, links, wide: [] };
  const wide = await run("revocations.load wide", (session) => session.query(WIDE, [after, through]));
  return { position, through, now, estimate, links, wide: wide.map(toWide) };
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
