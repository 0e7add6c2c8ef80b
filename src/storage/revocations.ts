import type {
  HeldLog,
  LogView,
  Revocation,
  RevocationScope,
  RevocationStore,
  RevocationTarget,
} from "../domain/ports/revocations.ts";
import { uuidv7Time } from "../domain/uuid.ts";
import type { Run, Session } from "./connection.ts";
import { StorageError } from "./error.ts";
import { deleteInBatches } from "./expiry.ts";
import { loadLog } from "./revocation-load.ts";
import { COLUMNS, dedup, type RevocationColumns, toColumns, toRevocation } from "./revocation-rows.ts";
import { isStorable, nullable, readInteger, readText, writeInstant, writeText } from "./values.ts";

const FIND = `
  select ${COLUMNS}, encode(dedup, 'hex') as dedup from revocations
  where dedup in (select decode(value, 'hex') from jsonb_array_elements_text($1::jsonb) as value)`;

// The counter moves in the statement that uses its numbers, and both are undone together.
const INSERT = `
  with counted as (update revocation_log set last_number = $2::bigint)
  insert into revocations (${COLUMNS}, dedup)
  select number, id, scope_kind, scope_platform, scope_issuer, scope_subject,
    target_kind, decode(target_revocation_id, 'hex'), target_token_id, target_principal_id, target_issuer,
    target_subject, target_agent, target_key_id, target_platform, target_approval_id, issued_before,
    reason, author, revoked_at, last_match_at, decode(dedup, 'hex')
  from jsonb_to_recordset($1::jsonb) as entry (
    number bigint, id uuid, scope_kind text, scope_platform text, scope_issuer text, scope_subject text,
    target_kind text, target_revocation_id text, target_token_id uuid, target_principal_id text, target_issuer text,
    target_subject text, target_agent text, target_key_id text, target_platform text, target_approval_id text, issued_before timestamptz,
    reason text, author text, revoked_at timestamptz, last_match_at timestamptz, dedup text)`;

const HOLD = `
  select epoch, last_number, floor(extract(epoch from clock_timestamp()) * 1000)::bigint as now,
    (select id from tokens order by id desc limit 1) as newest
  from revocation_log for update`;

// One statement is one snapshot: the position is never newer or older than the entries beside it.
function read(condition: string): string {
  return `
    select log.epoch, log.last_number,
      (select coalesce(min(kept.number), log.last_number + 1) from revocations as kept) as oldest, entry.*
    from revocation_log as log left join lateral (
      select ${COLUMNS} from revocations as r
      where number > $1::bigint and (${condition})
      order by number limit $2::bigint
    ) as entry on true
    order by entry.number`;
}

const READ_ALL = read("true");
// A platform's own entries, and of the others those that can match a token of its: what an administrator or a
// person has revoked elsewhere tells nothing here, not even who they are.
const READ_PLATFORM = read(`
  (scope_kind in ('platform', 'link') and scope_platform = $3)
  or (
    (scope_kind = 'all' or (scope_kind = 'principal' and exists (
      select from principals as p
      where p.platform = $3 and p.issuer = r.scope_issuer and p.subject = r.scope_subject)))
    and case target_kind
      when 'principal' then exists (
        select from principals as p
        where p.platform = $3 and p.issuer = r.target_issuer and p.subject = r.target_subject)
      when 'principal_id' then exists (
        select from principals as p where p.platform = $3 and p.id = r.target_principal_id)
      when 'key_id' then exists (select from root_keys as k where k.platform = $3 and k.id = r.target_key_id)
      when 'platform' then target_platform = $3
      else target_token_id is null or exists (
        select from tokens as t where t.id = r.target_token_id and t.platform = $3)
    end)`);

const FIND_NUMBER = `select ${COLUMNS} from revocations where number = $1::bigint`;

// Found by its key, of which there is an index; materialised, or the planner might walk the whole log by number.
const COVERING = `
  with found as materialized (
    select ${COLUMNS} from revocations
    where dedup in (select decode(value, 'hex') from jsonb_array_elements_text($1::jsonb) as value)
  )
  select * from found order by number limit 1`;

// Bounds one statement's size, not the number of entries.
const BATCH = 5_000;

/**
 * The revocation log in the database.
 *
 * @param shift milliseconds that the database's clock is moved by
 */
export function createRevocationStore(run: Run, shift: () => number): RevocationStore {
  async function insert(fresh: readonly RevocationColumns[]): Promise<void> {
    for (let start = 0; start < fresh.length; start += BATCH) {
      const batch = fresh.slice(start, start + BATCH);
      const reached = batch.at(-1)?.number ?? 0;
      await run("revocations.append", (session) => session.query(INSERT, [JSON.stringify(batch), reached]));
    }
  }

  const hold = () => run("revocations.hold", (session) => holdLog(session, shift()));
  return {
    hold,
    async append(entries, held, alongside = async () => {}) {
      if (entries.length === 0) return [];
      // From here to the end of the transaction nobody else appends. What follows is a new statement and sees
      // everything that was appended before.
      let last = (held ?? (await hold())).position.number;
      const keys = entries.map(({ scope, target }) => dedup(scope, target));
      const known = await run("revocations.append", (session) => findKnown(session, keys));
      const fresh: RevocationColumns[] = [];
      const result = entries.map((entry, index) => {
        const key = keys[index] ?? "";
        const first = known.get(key);
        if (first !== undefined) return first;
        last += 1;
        const numbered: Revocation = { ...entry, number: last };
        known.set(key, numbered);
        fresh.push(toColumns(numbered, key));
        return numbered;
      });
      // Sent together: it is the wait for one answer after the other that bounds how many are written a second.
      await Promise.all([insert(fresh), alongside(result)]);
      return result;
    },
    async beginEpoch(epoch) {
      await run("revocations.beginEpoch", (session) =>
        session.query("update revocation_log set epoch = $1", [writeText(epoch)]),
      );
    },
    async read(after, limit, view) {
      const rows = await run("revocations.read", (session) => readLog(session, after, limit, view));
      const [first] = rows;
      if (first === undefined) throw new StorageError("revocations.read");
      return {
        position: { epoch: readText(first["epoch"]), number: readInteger(first["last_number"]) },
        entries: rows.filter((row) => row["number"] !== null).map(toRevocation),
        oldest: readInteger(first["oldest"]),
      };
    },
    load: (after, limit) => loadLog(run, after, limit, shift()),
    async find(number) {
      const [row] = await run("revocations.find", (session) => session.query(FIND_NUMBER, [number]));
      return row && toRevocation(row);
    },
    async covering(platform, { issuer, subject }, tokenId, revocationIds) {
      if (![platform, issuer, subject].every(isStorable)) return undefined;
      const scopes: readonly RevocationScope[] = [
        { kind: "all" },
        { kind: "platform", platform },
        { kind: "link", platform },
        { kind: "principal", issuer, subject },
      ];
      const targets: readonly RevocationTarget[] = [
        { kind: "token_id", id: tokenId },
        ...revocationIds.map((id) => ({ kind: "revocation_id", id }) as const),
      ];
      const keys = scopes.flatMap((scope) => targets.map((target) => dedup(scope, target)));
      const [row] = await run("revocations.covering", (session) =>
        session.query(COVERING, [JSON.stringify(keys)]),
      );
      return row && toRevocation(row);
    },
    async dropBefore(instant) {
      return deleteInBatches(
        run,
        "revocations.dropBefore",
        { table: "revocations", key: "number", where: "last_match_at < $2::timestamptz" },
        [writeInstant(instant)],
      );
    },
  };
}

async function holdLog(session: Session, shift: number): Promise<HeldLog> {
  const [row] = await session.query(HOLD, []);
  if (row === undefined) throw new StorageError("revocations.hold");
  const newest = nullable(readText)(row["newest"]);
  return {
    position: { epoch: readText(row["epoch"]), number: readInteger(row["last_number"]) },
    now: readInteger(row["now"]) + shift,
    newestIssuedAt: newest === null ? null : uuidv7Time(newest),
  };
}

async function findKnown(session: Session, all: readonly string[]): Promise<Map<string, Revocation>> {
  const rows = await session.query(FIND, [JSON.stringify([...new Set(all)])]);
  return new Map(rows.map((row) => [readText(row["dedup"]), toRevocation(row)]));
}

function readLog(session: Session, after: number, limit: number, view: LogView) {
  if (view.kind === "all") return session.query(READ_ALL, [after, limit]);
  // No entry is scoped to a name that cannot be stored; what is scoped to all is everyone's.
  return session.query(READ_PLATFORM, [after, limit, isStorable(view.platform) ? view.platform : ""]);
}
