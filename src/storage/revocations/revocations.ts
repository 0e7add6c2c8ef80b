import type {
  HeldLog,
  LogMoment,
  RevocationScope,
  RevocationStore,
  RevocationTarget,
} from "../../domain/ports/revocations.ts";
import { uuidv7Time } from "../../words/ids.ts";
import type { Run, Session } from "../engine/connection.ts";
import { StorageError } from "../engine/error.ts";
import {
  isStorable,
  isUuid,
  nullable,
  type Row,
  readBoolean,
  readInteger,
  readText,
  writeInstant,
  writeText,
} from "../engine/values.ts";
import { deleteInBatches } from "../tables/expiry.ts";
import { prepareEntries, standingEntries, writeEntries } from "./append.ts";
import { loadLog } from "./load.ts";
import { readLog } from "./read.ts";
import { COLUMNS, dedup, toRevocation } from "./rows.ts";
import {
  adopt,
  attest,
  dispute,
  LOG,
  readState,
  SERVER_COLUMNS,
  takeOver,
  toPosition,
  toServer,
} from "./state.ts";

const MOMENT = `
  floor(extract(epoch from clock_timestamp()) * 1000)::bigint as now,
  (select id from tokens order by id desc limit 1) as newest`;

const READ_MOMENT = `select ${MOMENT}`;
const LOCK = "select from revocation_log where singleton for update";
const HOLD = `select log.epoch, log.last_number, encode(substr(log.hash, 1, 8), 'hex') as last_hash, ${SERVER_COLUMNS},
  ${MOMENT} from ${LOG}`;

const FIND_NUMBER = `select ${COLUMNS} from revocations where number = $1::bigint`;

const BELOW = `select ${COLUMNS} from revocations
  where target_token_id = $1::uuid and target_kind in ('revocation_id', 'agent')
    and (scope_kind = 'all' or scope_platform = $3 or (scope_kind = 'principal' and scope_issuer = $4 and scope_subject = $5))
  order by number desc limit $2::integer`;

const ENDS_GRANT = "select public.bakehouse_ended_grants($1::jsonb) <> '{}' as ended";

const SPENT = { table: "revocations", key: "number", by: "last_match_at", is: "< $2::timestamptz" };

// The hash before an entry that is kept tells a reader at that place that the entry follows.
const SPENT_HASHES = {
  table: "revocation_hashes",
  key: "number",
  by: "dropped_at",
  is: "< $2::timestamptz - interval '1 day'",
  also: `
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
    append: async (entries, events = []) =>
      standingEntries(await writeEntries(run, await prepareEntries(entries, events))),
    prepare: (entries, events = []) => prepareEntries(entries, events),
    write: (prepared) => writeEntries(run, prepared),
    standing: standingEntries,
    async beginEpoch(epoch) {
      await run("revocations.beginEpoch", (session) =>
        session.query("update revocation_log set epoch = $1", [writeText(epoch)]),
      );
    },
    read: (after, limit, view) => readLog(run, after, limit, view),
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
    async below({ tokenId, platform, issuer, subject }, limit) {
      if (!isUuid(tokenId)) return [];
      const rows = await run("revocations.below", (session) =>
        session.query(BELOW, [tokenId, limit, writeText(platform), writeText(issuer), writeText(subject)]),
      );
      return rows.map(toRevocation);
    },
    async endsGrant({ issuer, subject, platform, spokeAt }) {
      const asked = {
        place: 0,
        issuer: writeText(issuer),
        subject: writeText(subject),
        platform: platform === null ? null : writeText(platform),
        spoke_at: writeInstant(spokeAt),
      };
      const [row] = await run("revocations.endsGrant", (session) =>
        session.query(ENDS_GRANT, [JSON.stringify([asked])]),
      );
      if (row === undefined) throw new StorageError("revocations.endsGrant");
      return readBoolean(row["ended"]);
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
