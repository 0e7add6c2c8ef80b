import type { AuditTree, AuditTreeStore } from "../../domain/ports/audit.ts";
import type { Run } from "../engine/connection.ts";
import { StorageError } from "../engine/error.ts";
import {
  nullable,
  type Row,
  readBytes,
  readInstant,
  readInteger,
  readText,
  writeInstant,
} from "../engine/values.ts";
import { listEvents } from "./audit-list.ts";

const COLUMNS = "number, origin, epoch, size, root, checkpoint, dropped_before::text as dropped_before";
const TREES = `select ${COLUMNS} from audit_trees order by number`;
const HELD = `select ${COLUMNS} from audit_trees where number = (select max(number) from audit_trees) for update`;
const BEGIN = `
  insert into audit_trees (number, origin, epoch, size, root, checkpoint, begun_at)
  values ($1, $2, $3, $4, $5, $6, $7::timestamptz) on conflict (number) do nothing returning number`;

const WAITING = `
  with waiting as materialized (select event_id from audit_leaves where number is null order by event_id limit $1)
  select l.event_id::text as event_id, l.hash from waiting
  cross join lateral (select * from audit_leaves as one where one.event_id = waiting.event_id limit 1) as l
  order by l.event_id`;
const WAITING_LEAF = "select hash from audit_leaves where event_id = $1 and number is null";
const COUNT = `
  select count(*) as count from (
    select event_id from audit_leaves where number is null order by event_id limit $1) as w`;

/** The hashes of leaves that were written without one, which is so of events from before there were any. */
const UNHASHED = `
  select event_id::text as event_id, sha256('\\x00'::bytea || convert_to(leaf, 'UTF8')) as hash from audit_entries
  where number is null and event_id >= $1 and event_id <= $2 and id >= $1 and id <= $2`;

const PLACE = `
  update audit_leaves as l set tree = $1, number = p.number, hash = null
  from jsonb_array_elements_text($2::jsonb) with ordinality as given (id, place)
  cross join lateral (select given.id::uuid as id, $3::bigint + given.place - 1 as number) as p
  where l.event_id = p.id and l.number is null
  returning 1`;

const TILES = `
  select t.level, t.number, t.hashes from jsonb_to_recordset($2::jsonb) as p (level smallint, index bigint)
  cross join lateral (
    select * from audit_tiles as one where one.tree = $1 and one.level = p.level and one.number = p.index limit 1) as t`;
const PUT = `
  insert into audit_tiles as t (tree, level, number, hashes)
  select $1, p.level, p.index, decode(p.hashes, 'hex')
  from jsonb_to_recordset($2::jsonb) as p (level smallint, index bigint, hashes text)
  on conflict (tree, level, number) do update set hashes = excluded.hashes
  where octet_length(excluded.hashes) > octet_length(t.hashes)`;
const GROW = "update audit_trees set size = $2, root = $3, checkpoint = $4 where number = $1";

const NUMBERED = `
  select number, event_id::text as event_id from audit_leaves
  where tree = $1 and number >= $2 and number < $3 order by number`;
// The range of ids says in which months the events are: without it all of them would be planned for.
const TEXTS = `
  select event_id::text as event_id, leaf from audit_entries
  where tree = $1 and number >= $2 and number < $3 and id >= $4 and id <= $5`;

/** Leaves that one statement looks up by their events alone, in whichever months. */
const LOOKED_UP = 50;
const LEAVES = `
  with given as materialized (select id::uuid as id from jsonb_array_elements_text($1::jsonb) as one (id) limit ${LOOKED_UP})
  select n.event_id::text as event_id, n.leaf from given
  cross join lateral (select * from audit_entries as one where one.event_id = given.id limit 1) as n
  where n.leaf is not null`;

// Places that follow each other are one range: their difference to their rank is the same.
const PLACES_BEFORE = `
  select tree, min(number) as first, max(number) as last from (
    select l.tree, l.number, l.number - row_number() over (partition by l.tree order by l.number) as run
    from audit_leaves as l
    where l.event_id < bakehouse_uuid_floor(date_trunc('month', $1::timestamptz, 'UTC')) and l.number is not null
      and exists (select from audit_events as e where e.id = l.event_id)
  ) as ranked group by tree, run order by tree, min(number)`;
const NOTE_DROPPED = "update audit_trees set dropped_before = $2::timestamptz where number = $1";
const DROP = "select bakehouse_drop_audit_leaves($1::timestamptz, $2) as dropped";

const KEY = "select public_key, sealed, created_at::text as created_at from audit_key";
const KEEP = `
  insert into audit_key (public_key, sealed, created_at) values ($1, $2, $3::timestamptz)
  on conflict (singleton) do nothing`;
const RESEAL = "update audit_key set sealed = $1 where singleton";

/** Leaves whose salts are dropped in one statement. */
const BATCH = 5_000;

/** The Merkle trees of the audit log in the database. */
export function createAuditTreeStore(run: Run): AuditTreeStore {
  const rows = (
    name: string,
    text: string,
    values: Parameters<Parameters<Parameters<Run>[1]>[0]["query"]>[1] = [],
  ) => run(`auditTrees.${name}`, (session) => session.query(text, values));

  async function key() {
    const [row] = await rows("key", KEY);
    if (row === undefined) return undefined;
    return {
      publicKey: readBytes(row["public_key"]),
      sealed: readBytes(row["sealed"]),
      createdAt: readInstant(row["created_at"]),
    };
  }

  return {
    trees: async () => (await rows("trees", TREES)).map(toTree),
    async hold(waits) {
      const [row] = await rows("hold", waits ? HELD : `${HELD} skip locked`);
      if (row !== undefined) return toTree(row);
      // None is there, or somebody holds it.
      return !waits && (await rows("trees", TREES)).length > 0 ? "busy" : undefined;
    },
    async begin({ number, origin, epoch, size, root, checkpoint }, now) {
      const values = [number, origin, epoch, size, root, checkpoint, writeInstant(now)];
      return (await rows("begin", BEGIN, values)).length === 1;
    },
    async waiting(limit) {
      const found = (await rows("waiting", WAITING, [limit])).map((row) => ({
        eventId: readText(row["event_id"]),
        hash: nullable(readBytes)(row["hash"]),
      }));
      const ids = found.filter(({ hash }) => hash === null).map(({ eventId }) => eventId);
      const made = new Map(
        (ids.length === 0 ? [] : await rows("unhashed", UNHASHED, [ids.at(0) ?? "", ids.at(-1) ?? ""])).map(
          (row) => [readText(row["event_id"]), readBytes(row["hash"])],
        ),
      );
      return found.flatMap(({ eventId, hash }) => {
        const leaf = hash ?? made.get(eventId);
        // An event that has gone before it got a place has nothing to stand for.
        return leaf === undefined ? [] : [{ eventId, hash: leaf }];
      });
    },
    async countWaiting(most) {
      const [row] = await rows("countWaiting", COUNT, [most]);
      return readInteger(row?.["count"]);
    },
    async waitingLeaf(eventId) {
      const [row] = await rows("waitingLeaf", WAITING_LEAF, [eventId]);
      return row === undefined ? undefined : readBytes(row["hash"]);
    },
    async place(tree, first, eventIds) {
      const placed = await rows("place", PLACE, [tree, JSON.stringify(eventIds), first]);
      if (placed.length !== eventIds.length) throw new StorageError("auditTrees.place");
    },
    async tiles(tree, places) {
      if (places.length === 0) return [];
      return (await rows("tiles", TILES, [tree, JSON.stringify(places)])).map((row) => ({
        level: readInteger(row["level"]),
        index: readInteger(row["number"]),
        hashes: readBytes(row["hashes"]),
      }));
    },
    async putTiles(tree, tiles) {
      const written = tiles.map(({ level, index, hashes }) => ({
        level,
        index,
        hashes: Buffer.from(hashes).toString("hex"),
      }));
      await rows("putTiles", PUT, [tree, JSON.stringify(written)]);
    },
    async grow({ number, size, root, checkpoint }) {
      await rows("grow", GROW, [number, size, root, checkpoint]);
    },
    async entries(tree, from, to) {
      const places = (await rows("entries", NUMBERED, [tree, from, to])).map((row) => ({
        index: readInteger(row["number"]),
        eventId: readText(row["event_id"]),
      }));
      const ids = places.map(({ eventId }) => eventId).sort();
      if (ids.length === 0) return [];
      const range = [tree, from, to, ids.at(0) ?? "", ids.at(-1) ?? ""];
      const leaves = textsOf(await rows("entries", TEXTS, range));
      return places.map((place) => ({ tree, ...place, leaf: leaves.get(place.eventId) ?? null }));
    },
    async leaves(eventIds) {
      const found: [string, string][] = [];
      for (let at = 0; at < eventIds.length; at += LOOKED_UP) {
        const asked = JSON.stringify(eventIds.slice(at, at + LOOKED_UP));
        found.push(...textsOf(await rows("leaves", LEAVES, [asked])));
      }
      return new Map(found);
    },
    list: (filter, page) => listEvents(run, filter, page),
    async placesBefore(instant) {
      return (await rows("placesBefore", PLACES_BEFORE, [writeInstant(instant)])).map((row) => ({
        tree: readInteger(row["tree"]),
        first: readInteger(row["first"]),
        last: readInteger(row["last"]),
      }));
    },
    async noteDropped(tree, before) {
      await rows("noteDropped", NOTE_DROPPED, [tree, writeInstant(before)]);
    },
    async dropLeaves(before) {
      for (let dropped = BATCH; dropped === BATCH; ) {
        const [row] = await rows("dropLeaves", DROP, [writeInstant(before), BATCH]);
        dropped = readInteger(row?.["dropped"]);
      }
    },
    key,
    async keepKey({ publicKey, sealed, createdAt }) {
      await rows("keepKey", KEEP, [publicKey, sealed, writeInstant(createdAt)]);
      const kept = await key();
      if (kept === undefined) throw new StorageError("auditTrees.keepKey");
      return kept;
    },
    async resealKey(sealed) {
      await rows("resealKey", RESEAL, [sealed]);
    },
  };
}

/** Leaves' texts by their events' ids. */
function textsOf(rows: readonly Row[]): ReadonlyMap<string, string> {
  return new Map(rows.map((row) => [readText(row["event_id"]), readText(row["leaf"])]));
}

function toTree(row: Row): AuditTree {
  return {
    number: readInteger(row["number"]),
    origin: readText(row["origin"]),
    epoch: readText(row["epoch"]),
    size: readInteger(row["size"]),
    root: readBytes(row["root"]),
    checkpoint: nullable(readText)(row["checkpoint"]),
    droppedBefore: nullable(readInstant)(row["dropped_before"]),
  };
}
