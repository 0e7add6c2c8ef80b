import type {
  LogView,
  NewRevocation,
  Revocation,
  RevocationScope,
  RevocationStore,
  RevocationTarget,
} from "../domain/ports/revocations.ts";
import type { Run, Session } from "./connection.ts";
import { StorageError } from "./error.ts";
import { deleteInBatches } from "./expiry.ts";
import { dedup, toColumns, toRevocation } from "./revocation-rows.ts";
import { isStorable, readInteger, readText, writeInstant } from "./values.ts";

const COLUMNS = `number, id, scope_kind, scope_platform, scope_issuer, scope_subject,
  target_kind, target_revocation_id, target_token_id, reason, author, revoked_at, last_match_at`;

const FIND = `
  select ${COLUMNS}, encode(dedup, 'hex') as dedup from revocations
  where dedup in (select decode(value, 'hex') from jsonb_array_elements_text($1::jsonb) as value)`;

// The counter moves in the statement that uses its numbers, and both are undone together.
const INSERT = `
  with counted as (update revocation_log set last_number = $2::bigint)
  insert into revocations (${COLUMNS}, dedup)
  select number, id, scope_kind, scope_platform, scope_issuer, scope_subject,
    target_kind, decode(target_revocation_id, 'hex'), target_token_id, reason, author, revoked_at, last_match_at,
    decode(dedup, 'hex')
  from jsonb_to_recordset($1::jsonb) as entry (
    number bigint, id uuid, scope_kind text, scope_platform text, scope_issuer text, scope_subject text,
    target_kind text, target_revocation_id text, target_token_id uuid, reason text, author text,
    revoked_at timestamptz, last_match_at timestamptz, dedup text)`;

// One statement is one snapshot: the position is never newer or older than the entries beside it.
function read(condition: string): string {
  return `
    select log.epoch, log.last_number, entry.*
    from revocation_log as log left join lateral (
      select ${COLUMNS} from revocations as r
      where number > $1::bigint and (${condition})
      order by number limit $2::bigint
    ) as entry on true
    order by entry.number`;
}

const READ_ALL = read("true");
const READ_PLATFORM = read(`
  scope_kind = 'all'
  or (scope_kind in ('platform', 'link') and scope_platform = $3)
  or (scope_kind = 'principal' and exists (
    select from principals as p
    where p.platform = $3 and p.issuer = r.scope_issuer and p.subject = r.scope_subject))`);

// Found by its key, of which there is an index; materialised, or the planner might walk the whole log by number.
const COVERING = `
  with found as materialized (
    select ${COLUMNS} from revocations
    where dedup in (select decode(value, 'hex') from jsonb_array_elements_text($1::jsonb) as value)
  )
  select * from found order by number limit 1`;

// Bounds one statement's size, not the number of entries.
const BATCH = 5_000;

/** The revocation log in the database. */
export function createRevocationStore(run: Run): RevocationStore {
  return {
    async append(entries) {
      if (entries.length === 0) return [];
      // From here to the end of the transaction nobody else appends. What follows is a new statement and sees
      // everything that was appended before.
      let last = await run("revocations.lock", lockLog);
      const known = await run("revocations.append", (session) => findKnown(session, entries));
      const fresh: { readonly entry: NewRevocation; readonly number: number }[] = [];
      const result = entries.map((entry) => {
        const key = dedup(entry.scope, entry.target);
        const first = known.get(key);
        if (first !== undefined) return first;
        last += 1;
        const numbered: Revocation = { ...entry, number: last };
        known.set(key, numbered);
        fresh.push({ entry, number: last });
        return numbered;
      });
      for (let start = 0; start < fresh.length; start += BATCH) {
        const batch = fresh.slice(start, start + BATCH);
        const rows = JSON.stringify(batch.map(({ entry, number }) => toColumns(entry, number)));
        const reached = batch.at(-1)?.number ?? last;
        await run("revocations.append", (session) => session.query(INSERT, [rows, reached]));
      }
      return result;
    },
    async read(after, limit, view) {
      const rows = await run("revocations.read", (session) => readLog(session, after, limit, view));
      const [first] = rows;
      if (first === undefined) throw new StorageError("revocations.read");
      return {
        position: { epoch: readText(first["epoch"]), number: readInteger(first["last_number"]) },
        entries: rows.filter((row) => row["number"] !== null).map(toRevocation),
      };
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

async function lockLog(session: Session): Promise<number> {
  const [row] = await session.query("select last_number from revocation_log for update", []);
  if (row === undefined) throw new StorageError("revocations.lock");
  return readInteger(row["last_number"]);
}

async function findKnown(
  session: Session,
  entries: readonly NewRevocation[],
): Promise<Map<string, Revocation>> {
  const keys = JSON.stringify([...new Set(entries.map(({ scope, target }) => dedup(scope, target)))]);
  const rows = await session.query(FIND, [keys]);
  return new Map(rows.map((row) => [readText(row["dedup"]), toRevocation(row)]));
}

function readLog(session: Session, after: number, limit: number, view: LogView) {
  if (view.kind === "all") return session.query(READ_ALL, [after, limit]);
  // No entry is scoped to a name that cannot be stored; what is scoped to all is everyone's.
  return session.query(READ_PLATFORM, [after, limit, isStorable(view.platform) ? view.platform : ""]);
}
