import type { LogRead, LogView, Revocation } from "../../domain/ports/revocations.ts";
import type { Run } from "../engine/connection.ts";
import { StorageError } from "../engine/error.ts";
import { unavailable } from "../engine/guard.ts";
import { isStorable, nullable, type Row, readInteger, readText } from "../engine/values.ts";
import { COLUMNS, toRevocation } from "./rows.ts";
import { LOG, stateColumns, toState } from "./state.ts";

// How many entries that are no platform's own one statement judges. Few of them may be for the platform that asks.
const WINDOW = 4_000;

/** Entries that one statement reads: the rows of its answer are taken in one turn of the event loop. */
const PART = 250;

const HEAD = `
  select ${stateColumns("$3::bigint")}, (select coalesce(min(kept.number), log.last_number + 1) from revocations as kept) as oldest`;

// One statement is one snapshot: the position is never newer or older than the entries beside it.
const READ_ALL = `${HEAD}, null as through, entry.*
  from ${LOG} left join lateral (
    select ${COLUMNS} from revocations where number > $1::bigint order by number limit $2::bigint
  ) as entry on true
  order by entry.number`;

// A platform's own entries, and of the others those that can match a token of its: what an administrator or a
// person has revoked elsewhere tells nothing here, not even who they are; nor does one about tokens from before the person
// came here, whom a platform could name to read it. `through` is the number up to which the others
// were judged; null if none follows.
const READ_PLATFORM = `
  with shared as materialized (
    select number, scope_kind, scope_issuer, scope_subject, target_kind, target_issuer, target_subject,
      target_principal_id, target_key_id, target_platform, target_token_id, issued_before
    from revocations where number > $1::bigint and scope_kind in ('all', 'principal')
    order by number limit ${WINDOW}
  ), judged as (
    select case when count(*) = ${WINDOW} then max(number) end as through from shared
  ), reaching as (
    select * from shared where scope_kind = 'all'
    union all
    select * from shared as s where scope_kind = 'principal' and exists (
      select from principals as p
      where p.platform = $4 and p.issuer = s.scope_issuer and p.subject = s.scope_subject
        and (s.issued_before is null or p.created_at < s.issued_before))
  ), matching as (
    select number from reaching as r where target_kind = 'principal' and exists (
      select from principals as p
      where p.platform = $4 and p.issuer = r.target_issuer and p.subject = r.target_subject
        and (r.issued_before is null or p.created_at < r.issued_before))
    union all
    select number from reaching as r where target_kind = 'principal_id' and exists (
      select from principals as p where p.platform = $4 and p.id = r.target_principal_id)
    union all
    select number from reaching as r where target_kind = 'key_id' and exists (
      select from root_keys as k where k.platform = $4 and k.id = r.target_key_id)
    union all
    select number from reaching where target_kind = 'platform' and target_platform = $4
    union all
    select number from reaching
    where target_kind not in ('principal', 'principal_id', 'key_id', 'platform') and target_token_id is null
    union all
    select number from reaching as r
    where target_kind not in ('principal', 'principal_id', 'key_id', 'platform') and exists (
      select from tokens as t where t.id = r.target_token_id and t.platform = $4)
  ), own as (
    -- Compared and ordered as the index is. By the number alone, a planner that takes the platform for average would search
    -- the entries of all.
    select number from revocations
    where scope_platform is not null and (scope_platform, number) > ($4, $1::bigint)
      and (scope_platform, number) <= ($4, 9223372036854775807)
    order by scope_platform, number limit $2::bigint
  ), page as (
    select number from matching
    union all
    select number from own where number <= coalesce((select through from judged), number)
    order by number limit $2::bigint
  )
  ${HEAD}, (select through from judged) as through, entry.*, case when entry.target_kind = 'principal' then (
    select string_agg(p.id, ' ' order by p.id) from principals as p
    where p.platform = $4 and p.issuer = entry.target_issuer and p.subject = entry.target_subject) end as principal_ids
  from ${LOG}
  left join page on true
  left join lateral (
    select ${COLUMNS} from revocations as r where r.number = page.number limit 1
  ) as entry on true
  order by entry.number`;

/** Reads a page of the log in parts; see the port. */
export async function readLog(run: Run, after: number, limit: number, view: LogView): Promise<LogRead> {
  const ask = async (from: number, left: number, known: number) => {
    const count = Math.min(left, PART);
    const rows = await run("revocations.read", (session) =>
      view.kind === "all"
        ? session.query(READ_ALL, [from, count, known])
        : // No entry is scoped to a name that cannot be stored; what is scoped to all is everyone's.
          session.query(READ_PLATFORM, [from, count, known, isStorable(view.platform) ? view.platform : ""]),
    );
    const { through, ...part } = toPart(rows);
    const last = part.entries.length < count ? undefined : part.entries.at(-1);
    return { part, next: last?.number ?? through };
  };
  const { part: first, next: following } = await ask(after, limit, after);
  const { position } = first;
  const entries: Revocation[] = [...first.entries];
  for (let from = following; from !== null && entries.length < limit && from < position.number; ) {
    const { part, next } = await ask(from, limit - entries.length, position.number);
    // What stands up to a number that was seen is complete, so that parts may come from later snapshots: if they are of
    // the same log, which the hash tells.
    if (part.position.epoch !== position.epoch || part.hashAt !== position.hash) throw unavailable();
    entries.push(...part.entries.filter(({ number }) => number <= position.number));
    from = next;
  }
  return { ...first, entries };
}

/** An entry, in a platform's view with the ids there of the person whom it names. */
function toSeen(row: Row): Revocation {
  const ids = row["principal_ids"] ?? null;
  const entry = toRevocation(row);
  return ids === null ? entry : { ...entry, principalIds: readText(ids).split(" ") };
}

function toPart(rows: readonly Row[]): LogRead & { readonly through: number | null } {
  const [first] = rows;
  if (first === undefined) throw new StorageError("revocations.read");
  return {
    ...toState(first),
    entries: rows.filter((row) => row["number"] !== null).map(toSeen),
    oldest: readInteger(first["oldest"]),
    through: nullable(readInteger)(first["through"]),
  };
}
