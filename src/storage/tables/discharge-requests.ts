import { mapInTurns } from "../../domain/parts/time-slice.ts";
import type { DischargeRequestStore } from "../../domain/ports/discharge-requests.ts";
import type { Run } from "../engine/connection.ts";
import { StorageError } from "../engine/error.ts";
import {
  isStorable,
  isUuid,
  type Row,
  readInstant,
  readInteger,
  readText,
  writeInstant,
  writeText,
} from "../engine/values.ts";
import { foreignCursor, pageOf } from "./cursor.ts";
import { COLUMNS, stateSchema, toRequest } from "./discharge-request-rows.ts";
import { deleteInBatches } from "./expiry.ts";
import { readJson } from "./json.ts";

/** Rows that are read in one turn of the event loop: one may have a hundred kilobytes. */
const READ_TOGETHER = 2;

const INSERT = `
  insert into discharge_requests
    (id, kind, protocol, state, condition, code, secret_hash, ticket_hash, caller_hash, sealed, ancestor, about,
     about_origin, token_id, approver_keys, asked_at, expires_at, decided_at, link, depth,
     caveats, allowance, branch, mortal)
  values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12::jsonb, $13::jsonb,
    $14, $15::jsonb, $16::timestamptz, $17::timestamptz, $18::timestamptz, $19, $20, $21::jsonb,
    $22::jsonb, $23::jsonb, $24::jsonb)`;

const FIND = `select ${COLUMNS} from discharge_requests as r where r.id = $1`;

// Decisions are read by a second statement: under a lock this one would still see those of before the wait.
const LOCK = "select 1 as held from discharge_requests where id = $1 for update";

const DECIDE = `
  insert into discharge_decisions (request_id, issuer, subject, approved, reason, at)
  values ($1, $2, $3, $4, $5, $6::timestamptz)
  on conflict do nothing returning 1 as decided`;

// An older version, which does not know the column, sees a waiting request as dropped.
const WITHDRAW = `
  update discharge_requests
  set withdrawn_at = $2::timestamptz, state = case when state = 'pending' then 'dropped' else state end
  where id = $1 and withdrawn_at is null and state in ('pending', 'granted')
  returning 1 as withdrawn`;

// One look into the index for each: joined as sets, a planner that knows nothing of them reads the whole table.
const STANDINGS = `
  select found.* from jsonb_array_elements_text($1::jsonb) as asked
  cross join lateral (
    select id, state, expires_at from discharge_requests where id = asked::uuid limit 1
  ) as found`;

/**
 * Counts of what waits below each link that was asked for, by the columns `by`, over `waiting`, in one pass over it. Counts by
 * branch are texts, which both drivers hand over alike.
 */
const byBranch = (by: string) => `
  nodes as materialized (
    select node.link, node.place from jsonb_array_elements_text($5::jsonb) with ordinality as node (link, place)
  ), counted as materialized (
    select ${by} as by, n.place, count(*) as count
    from waiting as w join nodes as n on w.branch ? n.link group by 1, 2
  )`;

const countsByBranch = (by: string) => `
  (select string_agg(coalesce(c.count, 0)::text, ',' order by n.place)
    from nodes as n left join counted as c on c.place = n.place and c.by = ${by}) as of_branch`;

const WAITING_OF = `
  with waiting as materialized (
    select link, branch from discharge_requests
    where caller_hash = $1 and state = 'pending' and expires_at > $4::timestamptz and coalesce(depth, 0) <= $3::integer
  ), ${byBranch("''")}
  select count(*) filter (where link = $2) as of_link, count(*) as of_asker,
    ${countsByBranch("''")}
  from waiting`;

const WAITING_FOR = `
  with waiting as materialized (
    select key, r.caller_hash = $4 as is_own, r.branch
    from discharge_requests as r, jsonb_array_elements_text(r.approver_keys) as key
    where r.kind = 'approval' and r.state = 'pending' and r.expires_at > $2::timestamptz and r.protocol = $3
      and r.approver_keys ?| array(select jsonb_array_elements_text($1::jsonb))
      and key in (select jsonb_array_elements_text($1::jsonb))
  ), ${byBranch("w.key")}
  select count(*) as waiting, count(*) filter (where is_own) as of_asker,
    ${countsByBranch("k.key")}
  from waiting as k group by k.key`;

const DENIED = `
  select count(*) as denied, count(*) filter (where coalesce(caveats, '[]') = $4::jsonb) as same
  from discharge_requests
  where ticket_hash = $1 and state = 'denied' and decided_at > $2::timestamptz and branch <@ $3::jsonb
    and depth <= $5::integer`;

// All of an approver's first, and then the page: in one search, a planner that expects many would read everybody's, from
// the newest on, until it has met a page of theirs.
function list(condition: string): string {
  return `
    with theirs as materialized (
      select id from discharge_requests
      where kind = 'approval' and approver_keys ?| array(select jsonb_array_elements_text($1::jsonb)) and ${condition}
    ), page as (
      select id from theirs where $2::uuid is null or id < $2::uuid order by id desc limit $3::integer
    )
    select ${COLUMNS} from page
    cross join lateral (select * from discharge_requests as one where one.id = page.id limit 1) as r
    order by r.id desc`;
}

const LIST_ALL = list("true");
const LIST_PENDING = list("state = 'pending' and expires_at > $4::timestamptz");

// Strangers are one platform, in which networks have turns as tokens have elsewhere.
const PENDING_IN_TURNS = `
  with theirs as materialized (
    select id, caller_hash, branch ->> 0 as whole, branch ->> 1 as part,
      case when protocol = 'bakery' then '' else coalesce(about ->> 'platform', '') end as platform,
      case when protocol = 'bakery' then null else caller_hash end as asker
    from discharge_requests
    where kind = 'approval' and state = 'pending' and expires_at > $2::timestamptz
      and approver_keys ?| array(select jsonb_array_elements_text($1::jsonb))
  ), of_parts as (
    select *, row_number() over (partition by platform, asker, whole, part, caller_hash order by id desc) as of_part
    from theirs
  ), of_wholes as (
    select *, row_number() over (partition by platform, asker, whole, part order by of_part, id desc) as of_whole
    from of_parts
  ), of_askers as (
    select *, row_number() over (partition by platform, asker, whole order by of_whole, id desc) as of_asker
    from of_wholes
  ), of_platforms as (
    select *, row_number() over (partition by platform, asker order by of_asker, id desc) as of_platform
    from of_askers
  ), turns as (
    select *, row_number() over (partition by platform order by of_platform, id desc) as turn from of_platforms
  ), page as (
    select id, turn from turns order by turn, id desc limit $3::integer
  )
  select ${COLUMNS} from page
  cross join lateral (select * from discharge_requests as one where one.id = page.id limit 1) as r
  order by page.turn, r.id desc`;

const FORGET = `
  update discharge_requests set sealed = null
  where sealed is not null and expires_at < $1::timestamptz and coalesce(decided_at, expires_at) < $1::timestamptz`;

/** Requests for discharges in the database. */
export function createDischargeRequestStore(run: Run): DischargeRequestStore {
  async function find(id: string) {
    if (!isUuid(id)) return undefined;
    const [row] = await run("dischargeRequests.find", (session) => session.query(FIND, [id]));
    return row && toRequest(row);
  }

  return {
    async insert(request, place) {
      const { issuedCaveats, summaryParts, ...about } = request.about ?? {};
      const origin = JSON.stringify({ issuedCaveats, summaryParts });
      await run("dischargeRequests.insert", (session) =>
        session.query(INSERT, [
          request.id,
          request.kind,
          request.protocol,
          request.state,
          writeText(request.condition),
          request.code,
          request.secretHash,
          request.ticketHash,
          request.callerHash,
          request.sealed,
          request.ancestor,
          request.about === null ? null : JSON.stringify(about),
          request.about === null ? null : origin,
          request.about?.tokenId ?? null,
          JSON.stringify(request.approverKeys.map(writeText)),
          writeInstant(request.askedAt),
          writeInstant(request.expiresAt),
          request.decidedAt === null ? null : writeInstant(request.decidedAt),
          request.about?.revocationId ?? null,
          place?.depth ?? null,
          JSON.stringify(request.caveats.map(writeText)),
          request.allowance === null ? null : JSON.stringify(request.allowance),
          place === null ? null : JSON.stringify(place.branch),
          request.mortality === null ? null : JSON.stringify(request.mortality),
        ]),
      );
    },
    find,
    async lock(id) {
      if (!isUuid(id)) return undefined;
      const [held] = await run("dischargeRequests.lock", (session) => session.query(LOCK, [id]));
      return held && find(id);
    },
    async decide(id, { issuer, subject, approved, reason, at }) {
      const rows = await run("dischargeRequests.decide", (session) =>
        session.query(DECIDE, [
          id,
          writeText(issuer),
          writeText(subject),
          approved,
          reason === null ? null : writeText(reason),
          writeInstant(at),
        ]),
      );
      return rows.length === 1;
    },
    async settle(id, state, decidedAt) {
      await run("dischargeRequests.settle", (session) =>
        session.query(
          "update discharge_requests set state = $2, decided_at = $3::timestamptz where id = $1",
          [id, state, writeInstant(decidedAt)],
        ),
      );
    },
    async withdraw(id, at) {
      const rows = await run("dischargeRequests.withdraw", (session) =>
        session.query(WITHDRAW, [id, writeInstant(at)]),
      );
      return rows.length === 1;
    },
    async standings(ids) {
      const rows = await run("dischargeRequests.standings", (session) =>
        session.query(STANDINGS, [JSON.stringify(ids.filter(isUuid))]),
      );
      return rows.map((row) => ({
        id: readText(row["id"]),
        state: readJson("discharge_requests.state", stateSchema, row["state"]),
        expiresAt: readInstant(row["expires_at"]),
      }));
    },
    async waitingOf({ callerHash, link, depth, branch }, now) {
      const [row] = await run("dischargeRequests.waitingOf", (session) =>
        session.query(WAITING_OF, [callerHash, link, depth, writeInstant(now), JSON.stringify(branch)]),
      );
      if (row === undefined) throw new StorageError("dischargeRequests.waitingOf");
      return { ofLink: readInteger(row["of_link"]), ...ofAsker(row) };
    },
    async waitingFor(approverKeys, { callerHash, protocol, branch }, now) {
      const keys = JSON.stringify(approverKeys);
      const rows = await run("dischargeRequests.waitingFor", (session) =>
        session.query(WAITING_FOR, [keys, writeInstant(now), protocol, callerHash, JSON.stringify(branch)]),
      );
      return rows.map((row) => ({ all: readInteger(row["waiting"]), ...ofAsker(row) }));
    },
    async denied({ ticketHash, depth, branch, caveats }, since) {
      const [row] = await run("dischargeRequests.denied", (session) =>
        session.query(DENIED, [
          ticketHash,
          writeInstant(since),
          JSON.stringify(branch),
          JSON.stringify(caveats.map(writeText)),
          depth,
        ]),
      );
      if (row === undefined) throw new StorageError("dischargeRequests.denied");
      return { all: readInteger(row["denied"]), same: readInteger(row["same"]) };
    },
    async list(approverKeys, { pendingAt }, { limit, after }) {
      if (after !== undefined && !isUuid(after)) throw foreignCursor();
      const values = [JSON.stringify(approverKeys.filter(isStorable)), after ?? null, limit + 1];
      const rows = await run("dischargeRequests.list", (session) =>
        pendingAt === undefined
          ? session.query(LIST_ALL, values)
          : session.query(LIST_PENDING, [...values, writeInstant(pendingAt)]),
      );
      return pageOf(await mapInTurns(rows, READ_TOGETHER, toRequest), limit, ({ id }) => id);
    },
    async pendingInTurns(approverKeys, now, most) {
      const keys = JSON.stringify(approverKeys.filter(isStorable));
      const rows = await run("dischargeRequests.pendingInTurns", (session) =>
        session.query(PENDING_IN_TURNS, [keys, writeInstant(now), most]),
      );
      return rows.map(toRequest);
    },
    async clean(instant, dropBefore) {
      await run("dischargeRequests.clean", (session) => session.query(FORGET, [writeInstant(instant)]));
      await deleteInBatches(
        run,
        "dischargeRequests.clean",
        { table: "discharge_requests", key: "id", by: "asked_at", is: "< $2::timestamptz" },
        [writeInstant(dropBefore)],
      );
    },
  };
}

function ofAsker(row: Row): { readonly ofAsker: number; readonly ofBranch: readonly number[] } {
  const counts = row["of_branch"] === null ? [] : readText(row["of_branch"]).split(",");
  return { ofAsker: readInteger(row["of_asker"]), ofBranch: counts.map(Number) };
}
