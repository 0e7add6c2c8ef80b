import { mapInTurns } from "../../domain/parts/time-slice.ts";
import type { DischargeRequestStore } from "../../domain/ports/discharge-requests.ts";
import type { Run } from "../engine/connection.ts";
import { StorageError } from "../engine/error.ts";
import {
  isStorable,
  isUuid,
  nullable,
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
import { countPending } from "./pending-approvals.ts";

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
  insert into discharge_decisions as before (request_id, issuer, subject, approved, reason, at, spoke_at)
  values ($1, $2, $3, $4, $5, $6::timestamptz, $7::timestamptz)
  on conflict on constraint discharge_decisions_once do update
  set approved = excluded.approved, reason = excluded.reason, at = excluded.at, spoke_at = excluded.spoke_at
  where before.approved and $8::boolean
  returning 1 as decided`;

const SETTLE = `
  update discharge_requests set state = $2, decided_at = $3::timestamptz, ends_at = $4::timestamptz where id = $1`;

// A yes may be older than the grant by as long as people have to approve. An older version says no end.
const SAID = `
  select d.request_id, d.at, d.spoke_at from discharge_decisions as d
  where d.approved and d.at > $2::timestamptz - interval '26 hours'`;
const IS_LIVE = `r.state = 'granted' and r.withdrawn_at is null
  and coalesce(r.ends_at, r.decided_at + interval '1 day') > $2::timestamptz`;
const REQUEST_OF = `
  cross join lateral (select * from discharge_requests as one where one.id = said.request_id limit 1) as r`;

// One look into the index for each person: compared as pairs of bounds, since equal columns would be joined over the whole table. A principal's id is of one platform, and only the issuer's word makes it a person's.
const CONFIRMED_BY = `
  select asked.place, r.id, r.about ->> 'platform' as platform
  from jsonb_to_recordset($1::jsonb) as asked (place integer, issuer text, subject text, principal text, platform text,
    own_issuer text, own_subject text, spoke_before timestamptz)
  left join lateral (
    select p.issuer, p.subject, p.platform from principals as p
    where p.id = asked.principal and p.asserted_by = 'issuer' limit 1
  ) as named on true
  cross join lateral (
    select coalesce(asked.issuer, named.issuer) as issuer, coalesce(asked.subject, named.subject) as subject
  ) as person
  cross join lateral (${SAID}
    and (d.issuer, d.subject) >= (person.issuer, person.subject) and (d.issuer, d.subject) <= (person.issuer, person.subject)
  ) as said ${REQUEST_OF}
  where ${IS_LIVE} and coalesce(said.spoke_at, said.at) < asked.spoke_before
    and (asked.platform is null or r.about ->> 'platform' = asked.platform)
    and (asked.principal is null or r.about ->> 'platform' = named.platform)
    and (asked.own_issuer is null or (person.issuer = asked.own_issuer and person.subject = asked.own_subject))`;

const COUNT_CONFIRMED = `
  select count(*) as live from (
    select 1 from (${SAID} and d.issuer = $1 and d.subject = $3) as said ${REQUEST_OF} where ${IS_LIVE} limit $4::integer
  ) as counted`;

const CONFIRMATIONS = `
  with said as materialized (${SAID} and d.issuer = $1 and d.subject = $3)
  select ${COLUMNS} from said ${REQUEST_OF} where ${IS_LIVE} and r.kind = 'identity'
  order by r.id desc limit $4::integer`;

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
  with theirs as materialized (
    select link, branch, coalesce(depth, 0) as depth from discharge_requests
    where caller_hash = $1 and state = 'pending' and expires_at > $4::timestamptz
  ), waiting as materialized (
    select link, branch from theirs where depth <= $3::integer
  ), ${byBranch("''")}
  select count(*) filter (where link = $2) as of_link, count(*) as of_asker,
    ${countsByBranch("''")}, (select count(*) from theirs) as of_all
  from waiting`;

const WAITING_FOR = `
  with waiting as materialized (
    select key, r.caller_hash = $4 as is_own, r.branch, r.about ->> 'platform' = $6 as is_of_platform,
      r.about -> 'principal' ->> 'assertedBy' = $7 as is_of_word
    from discharge_requests as r, jsonb_array_elements_text(r.approver_keys) as key
    where r.kind = 'approval' and r.state = 'pending' and r.expires_at > $2::timestamptz and r.protocol = $3
      and r.approver_keys ?| array(select jsonb_array_elements_text($1::jsonb))
      and key in (select jsonb_array_elements_text($1::jsonb))
  ), ${byBranch("w.key")}
  select count(*) as waiting, count(*) filter (where is_own) as of_asker,
    count(*) filter (where is_of_platform) as of_platform,
    count(*) filter (where is_of_platform and is_of_word) as of_word,
    ${countsByBranch("k.key")}
  from waiting as k group by k.key`;

const DENIED = `
  select count(*) as denied, count(*) filter (where coalesce(caveats, '[]') = $4::jsonb) as same
  from discharge_requests
  where ticket_hash = $1 and state = 'denied' and decided_at > $2::timestamptz and branch <@ $3::jsonb`;

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
      coalesce(about -> 'principal' ->> 'assertedBy', '') as word,
      case when protocol = 'bakery' then '' else coalesce(about ->> 'platform', '') end as platform,
      case when protocol = 'bakery' then null else caller_hash end as asker
    from discharge_requests
    where kind = 'approval' and state = 'pending' and expires_at > $2::timestamptz
      and approver_keys ?| array(select jsonb_array_elements_text($1::jsonb))
  ), of_parts as (
    select *, row_number() over (partition by platform, word, asker, whole, part, caller_hash order by id desc) as of_part
    from theirs
  ), of_wholes as (
    select *, row_number() over (partition by platform, word, asker, whole, part order by of_part, id desc) as of_whole
    from of_parts
  ), of_askers as (
    select *, row_number() over (partition by platform, word, asker, whole order by of_whole, id desc) as of_asker
    from of_wholes
  ), of_words as (
    select *, row_number() over (partition by platform, word, asker order by of_asker, id desc) as of_word
    from of_askers
  ), of_platforms as (
    select *, row_number() over (partition by platform, word order by of_word, id desc) as of_platform
    from of_words
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
    async decide(id, { issuer, subject, approved, reason, at, spokeAt }, again = false) {
      const rows = await run("dischargeRequests.decide", (session) =>
        session.query(DECIDE, [
          id,
          writeText(issuer),
          writeText(subject),
          approved,
          reason === null ? null : writeText(reason),
          writeInstant(at),
          spokeAt === null ? null : writeInstant(spokeAt),
          again,
        ]),
      );
      return rows.length === 1;
    },
    async confirmedBy(people, now) {
      if (people.length === 0) return [];
      const asked = people.map(({ place, issuer, subject, principalId, platform, own, spokeBefore }) => ({
        place,
        issuer: issuer === null ? null : writeText(issuer),
        subject: subject === null ? null : writeText(subject),
        principal: principalId === null ? null : writeText(principalId),
        platform: platform === null ? null : writeText(platform),
        own_issuer: own === null ? null : writeText(own.issuer),
        own_subject: own === null ? null : writeText(own.subject),
        spoke_before: writeInstant(spokeBefore),
      }));
      const rows = await run("dischargeRequests.confirmedBy", (session) =>
        session.query(CONFIRMED_BY, [JSON.stringify(asked), writeInstant(now)]),
      );
      return rows.map((row) => ({
        place: readInteger(row["place"]),
        id: readText(row["id"]),
        platform: nullable(readText)(row["platform"]),
      }));
    },
    async countConfirmed({ issuer, subject }, now, most) {
      const values = [writeText(issuer), writeInstant(now), writeText(subject), most];
      const [row] = await run("dischargeRequests.countConfirmed", (session) =>
        session.query(COUNT_CONFIRMED, values),
      );
      if (row === undefined) throw new StorageError("dischargeRequests.countConfirmed");
      return readInteger(row["live"]);
    },
    async confirmations({ issuer, subject }, now, most) {
      const values = [writeText(issuer), writeInstant(now), writeText(subject), most];
      const rows = await run("dischargeRequests.confirmations", (session) =>
        session.query(CONFIRMATIONS, values),
      );
      return mapInTurns(rows, READ_TOGETHER, toRequest);
    },
    async settle(id, state, decidedAt, endsAt) {
      await run("dischargeRequests.settle", (session) =>
        session.query(SETTLE, [
          id,
          state,
          writeInstant(decidedAt),
          endsAt === null ? null : writeInstant(endsAt),
        ]),
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
      return { ofLink: readInteger(row["of_link"]), ofAll: readInteger(row["of_all"]), ...ofAsker(row) };
    },
    async waitingFor(approverKeys, { callerHash, protocol, branch, platform, assertedBy }, now) {
      const values = [
        JSON.stringify(approverKeys),
        writeInstant(now),
        protocol,
        callerHash,
        JSON.stringify(branch),
        platform,
        assertedBy,
      ];
      const rows = await run("dischargeRequests.waitingFor", (session) => session.query(WAITING_FOR, values));
      return rows.map((row) => ({
        all: readInteger(row["waiting"]),
        ofPlatform: readInteger(row["of_platform"]),
        ofWord: readInteger(row["of_word"]),
        ...ofAsker(row),
      }));
    },
    async denied({ ticketHash, branch, caveats }, since) {
      const [row] = await run("dischargeRequests.denied", (session) =>
        session.query(DENIED, [
          ticketHash,
          writeInstant(since),
          JSON.stringify(branch),
          JSON.stringify(caveats.map(writeText)),
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
      return mapInTurns(rows, READ_TOGETHER, toRequest);
    },
    countPending: (now, most) => countPending(run, now, most),
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
