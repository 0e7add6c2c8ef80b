import type {
  HeldLog,
  LogMoment,
  LogView,
  RevocationScope,
  RevocationStore,
  RevocationTarget,
} from "../../domain/ports/revocations.ts";
import { uuidv7Time } from "../../words/ids.ts";
import type { Run, Session } from "../engine/connection.ts";
import { StorageError } from "../engine/error.ts";
import {
  isStorable,
  nullable,
  type Row,
  readInteger,
  readText,
  writeInstant,
  writeText,
} from "../engine/values.ts";
import { deleteInBatches } from "../tables/expiry.ts";
import { appendToLog } from "./append.ts";
import { loadLog } from "./load.ts";
import { COLUMNS, dedup, toRevocation } from "./rows.ts";
import {
  adopt,
  attest,
  dispute,
  LOG,
  readState,
  SERVER_COLUMNS,
  stateColumns,
  takeOver,
  toPosition,
  toServer,
  toState,
} from "./state.ts";

const MOMENT = `
  floor(extract(epoch from clock_timestamp()) * 1000)::bigint as now,
  (select id from tokens order by id desc limit 1) as newest`;

const READ_MOMENT = `select ${MOMENT}`;
const LOCK = "select from revocation_log where singleton for update";
const HOLD = `select log.epoch, log.last_number, encode(substr(log.hash, 1, 8), 'hex') as last_hash, ${SERVER_COLUMNS},
  ${MOMENT} from ${LOG}`;

// One statement is one snapshot: the position is never newer or older than the entries beside it.
function read(condition: string): string {
  return `
    select ${stateColumns("$1::bigint")},
      (select coalesce(min(kept.number), log.last_number + 1) from revocations as kept) as oldest, entry.*
    from ${LOG} left join lateral (
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

const SPENT = { table: "revocations", key: "number", where: "last_match_at < $2::timestamptz" };

// The hash before an entry that is kept tells a reader who stands there that the entry follows.
const SPENT_HASHES = {
  table: "revocation_hashes",
  key: "number",
  where: `dropped_at < $2::timestamptz - interval '1 day'
    and number <> (select last_number from revocation_log where singleton)
    and not exists (select from revocations as next where next.number = revocation_hashes.number + 1)`,
};

// One look into the index for each key: joined as sets, a planner that knows nothing of the keys reads the whole log.
const COVERING = `
  select found.* from jsonb_array_elements_text($1::jsonb) as key
  cross join lateral (
    select ${COLUMNS} from revocations where dedup = decode(key, 'hex') limit 1
  ) as found
  order by found.number limit 1`;

/**
 * The revocation log in the database.
 *
 * @param shift milliseconds that the database's clock is moved by
 */
export function createRevocationStore(run: Run, shift: () => number): RevocationStore {
  return {
    moment: () => run("revocations.moment", (session) => readMoment(session, shift())),
    hold: () => run("revocations.hold", (session) => holdLog(session, shift())),
    append: (entries, events = []) => appendToLog(run, entries, events),
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
        ...toState(first),
        entries: rows.filter((row) => row["number"] !== null).map(toRevocation),
        oldest: readInteger(first["oldest"]),
      };
    },
    load: (after, limit, known) => loadLog(run, { after, limit, known }, shift()),
    state: (known) => readState(run, known),
    dispute: (epoch, sequence) => dispute(run, epoch, sequence),
    adopt: (epoch) => adopt(run, epoch),
    attest: (epoch) => attest(run, epoch),
    takeOver: () => takeOver(run),
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
      const values = [writeInstant(instant)];
      await deleteInBatches(run, "revocations.dropHashes", SPENT_HASHES, values);
      return deleteInBatches(run, "revocations.dropBefore", SPENT, values);
    },
  };
}

async function readMoment(session: Session, shift: number): Promise<LogMoment> {
  const [row] = await session.query(READ_MOMENT, []);
  if (row === undefined) throw new StorageError("revocations.moment");
  return toMoment(row, shift);
}

async function holdLog(session: Session, shift: number): Promise<HeldLog> {
  await session.query(LOCK, []);
  // Another statement: the first one's snapshot is from before its wait.
  const [row] = await session.query(HOLD, []);
  if (row === undefined) throw new StorageError("revocations.hold");
  return { position: toPosition(row), server: toServer(row), ...toMoment(row, shift) };
}

function toMoment(row: Row, shift: number): LogMoment {
  const newest = nullable(readText)(row["newest"]);
  return {
    now: readInteger(row["now"]) + shift,
    newestIssuedAt: newest === null ? null : uuidv7Time(newest),
  };
}

function readLog(session: Session, after: number, limit: number, view: LogView) {
  if (view.kind === "all") return session.query(READ_ALL, [after, limit]);
  // No entry is scoped to a name that cannot be stored; what is scoped to all is everyone's.
  return session.query(READ_PLATFORM, [after, limit, isStorable(view.platform) ? view.platform : ""]);
}
