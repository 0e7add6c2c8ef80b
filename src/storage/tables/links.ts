import { z } from "zod";

import type { LinkStore, ObservedLink, SeenChain, TreeSearch } from "../../domain/ports/tokens.ts";
import type { Run } from "../engine/connection.ts";
import { StorageError } from "../engine/error.ts";
import {
  isStorable,
  isUuid,
  nullable,
  type Row,
  readBoolean,
  readBytes,
  readInstant,
  readInteger,
  readText,
  writeInstant,
} from "../engine/values.ts";
import { readJson } from "./json.ts";

const OBSERVE = "select public.bakehouse_observe($1::jsonb, $2::integer, $3::integer, $4::integer) as cut";

const TREES = `
  select o.id, o.link, o.parent, o.caveat, o.agent, o.hands_on, o.first_seen::text, o.last_seen::text, o.allowed, o.refused,
    (select coalesce(sum(part.count), 0) from unnest(o.recent) with ordinality as part (count, place)
      where part.place <= 13 - ($3::bigint - o.recent_slot)) as last_hour,
    o.whole, array_to_json(o.approvals)::text as approvals
  from jsonb_array_elements_text($1::jsonb) as asked
  cross join lateral (
    select * from observed_links as one where one.id = asked::uuid order by one.depth, one.first_seen limit $2::integer) as o
  order by o.depth, o.first_seen, o.link limit $2::integer`;

const TREE_OF = "select id from observed_links where link = decode($1, 'hex') limit 1";

// As `bakehouse_charge` counts: of a rate, the sixtieths that have begun within the window.
const LEFT = `
  select trim_scale(greatest(n.most - coalesce(case when n.period is null then b.used else (
      select sum(u.count) from unnest(b.slots, b.counts) as u (slot, count)
      where u.slot >= greatest($3::bigint * 60000 / n.period, b.slots[cardinality(b.slots)]) - 60) end, 0), 0))::text as rest
  from jsonb_to_recordset($2::jsonb) as n (place integer, link text, most numeric, period bigint)
  left join lateral (
    select * from budgets as one where one.platform = $1 and one.link = decode(n.link, 'hex') limit 1) as b on true
  order by n.place`;

// The newest are looked at first, and only so many: of a platform with millions of tokens that are over, not all.
const LOOKED_AT = 2_000;
/** Principals of one person that are looked at: few people are on more platforms. */
const PRINCIPALS = 20;

const PRINCIPALS_OF = `select id from principals where issuer = $1 and subject = $2 limit ${PRINCIPALS + 1}`;

const NEWEST = `order by id desc limit ${LOOKED_AT}`;

/** A person is sought by each of their principals: a planner that sees their ids knows which one has very many tokens. */
type PlainSearch = Exclude<TreeSearch, { readonly kind: "principal" }>;

/** Ids of tokens, by the terms in the array `$1`. */
const SEARCHES = {
  token: "select ($1::jsonb ->> 0)::uuid as id",
  link: "select id from observed_links where link = decode($1::jsonb ->> 0, 'hex')",
  agent: `
    select distinct id from observed_links where hands_on
      and (agent = ($1::jsonb ->> 0) or (agent >= ($1::jsonb ->> 0) || '#' and agent < ($1::jsonb ->> 0) || '$')) ${NEWEST}`,
  approval: `
    select distinct id from observed_links
    where approvals is not null and approvals @> array[$1::jsonb ->> 0] ${NEWEST}`,
  principal_id: `select id from tokens where principal_id = ($1::jsonb ->> 0) ${NEWEST}`,
  platform: `select id from bakehouse_newest_tokens($1::jsonb ->> 0, ${LOOKED_AT}) as newest (id)`,
} as const satisfies Record<PlainSearch["kind"], string>;

const FIND = `
  select t.id, t.expires_at > $2::timestamptz and (($1::jsonb ->> 1) is null or t.key_id = ($1::jsonb ->> 1))
      and ($4::text is null or t.platform = $4) and ($5::text is null or (p.issuer = $5 and p.subject = $6::text)) as fits,
    count(*) over () as looked_at
  from (SEARCH) as found
  cross join lateral (select * from tokens as one where one.id = found.id limit 1) as t
  cross join lateral (select * from principals as one where one.id = t.principal_id limit 1) as p
  order by fits desc, t.id desc limit $3::integer + 1`;

const cutSchema = z.array(z.tuple([z.int(), z.boolean(), z.string()]));
const textsSchema = z.array(z.string());

/** The links that verify has seen, in the database. */
export function createLinkStore(run: Run): LinkStore {
  return {
    async observe(chains, { children, below, leastBelow }) {
      const values = [JSON.stringify(chains.map(toSeen)), children, below, leastBelow];
      const [row] = await run("links.observe", (session) => session.query(OBSERVE, values));
      if (row === undefined) throw new StorageError("links.observe");
      return readJson("links.cut", cutSchema, row["cut"]).map(([place, full, at]) => {
        return { place, full, at: new Uint8Array(Buffer.from(at, "hex")) };
      });
    },

    async trees(tokenIds, limit, now) {
      const ids = tokenIds.filter(isUuid);
      if (ids.length === 0) return [];
      const values = [JSON.stringify(ids), limit, Math.floor(now / SLOT)];
      const rows = await run("links.trees", (session) => session.query(TREES, values));
      return rows.map(toObserved);
    },

    async left(platform, budgets, now) {
      if (budgets.length === 0) return [];
      const asked = budgets.map(({ link, most, window }, place) => {
        return { place, link: hex(link), most, period: window === undefined ? null : window * 1000 };
      });
      const values = [platform, JSON.stringify(asked), Math.floor(now)];
      const rows = await run("links.left", (session) => session.query(LEFT, values));
      return rows.map((row) => readText(row["rest"]));
    },

    async treeOf(link) {
      const [row] = await run("links.treeOf", (session) => session.query(TREE_OF, [hex(link)]));
      return row && readText(row["id"]);
    },

    async find(search, ...rest) {
      if (search.kind !== "principal") return findPlain(run, search, ...rest);
      const { issuer, subject } = search;
      if (![issuer, subject].every(isStorable)) return NOTHING;
      const rows = await run("links.principals", (session) =>
        session.query(PRINCIPALS_OF, [issuer, subject]),
      );
      let whole = rows.length <= PRINCIPALS;
      const tokenIds: string[] = [];
      for (const row of rows.slice(0, PRINCIPALS)) {
        const found = await findPlain(run, { kind: "principal_id", id: readText(row["id"]) }, ...rest);
        whole &&= found.whole;
        tokenIds.push(...found.tokenIds);
      }
      const [, , limit] = rest;
      return {
        tokenIds: tokenIds.sort().reverse().slice(0, limit),
        whole: whole && tokenIds.length <= limit,
      };
    },
  };
}

async function findPlain(
  run: Run,
  search: PlainSearch,
  ...[scope, now, limit]: [...Parameters<LinkStore["find"]>] extends [unknown, ...infer Rest] ? Rest : never
): ReturnType<LinkStore["find"]> {
  const terms = termsOf(search);
  const platform = "platform" in scope ? scope.platform : null;
  const [issuer, subject] = scope.kind === "principal" ? [scope.issuer, scope.subject] : [null, null];
  if (![...terms, platform, issuer, subject].every((term) => isStorable(term ?? ""))) return NOTHING;
  const text = FIND.replace("SEARCH", () => SEARCHES[search.kind]);
  const values = [JSON.stringify(terms), writeInstant(now), limit, platform, issuer, subject];
  const rows = await run("links.find", (session) => session.query(text, values));
  const fitting = rows.filter((row) => readBoolean(row["fits"])).map((row) => readText(row["id"]));
  const lookedAt = rows[0] === undefined ? 0 : readInteger(rows[0]["looked_at"]);
  return { tokenIds: fitting.slice(0, limit), whole: fitting.length <= limit && lookedAt < LOOKED_AT };
}

const NOTHING = { tokenIds: [], whole: true };

/** Milliseconds of each part of the last hour. */
const SLOT = 300_000;

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

function termsOf(search: PlainSearch): readonly string[] {
  switch (search.kind) {
    case "link":
      return [hex(search.link)];
    case "token":
      return [search.tokenId];
    case "agent":
      return [search.agent];
    case "approval":
      return [search.approvalId];
    case "principal_id":
      return [search.id];
    case "platform":
      return search.keyId === undefined ? [search.platform] : [search.platform, search.keyId];
    default:
      return search satisfies never;
  }
}

function toSeen({ tokenId, issued, issuedAgent, links, approvals, ...counts }: SeenChain): object {
  return {
    t: tokenId,
    i: hex(issued),
    a: issuedAgent,
    ...("last" in links ? { k: hex(links.last) } : addedOf(links)),
    d: counts.allowed,
    r: counts.refused,
    f: counts.firstSeen,
    s: counts.lastSeen,
    ...(approvals.length > 0 && { p: approvals }),
  };
}

function addedOf({ above, added }: Exclude<SeenChain["links"], { readonly last: Uint8Array }>): object {
  const l = added.map(({ link, caveat, agent, handsOn, level }) => [
    hex(link),
    caveat,
    agent,
    handsOn,
    level,
  ]);
  return above === undefined ? { l } : { b: hex(above), l };
}

function toObserved(row: Row): ObservedLink {
  const approvals = nullable(readText)(row["approvals"]);
  return {
    tokenId: readText(row["id"]),
    link: readBytes(row["link"]),
    parent: nullable(readBytes)(row["parent"]),
    caveat: nullable(readText)(row["caveat"]),
    agent: nullable(readText)(row["agent"]),
    handsOn: readBoolean(row["hands_on"]),
    firstSeen: readInstant(row["first_seen"]),
    lastSeen: readInstant(row["last_seen"]),
    allowed: readInteger(row["allowed"]),
    refused: readInteger(row["refused"]),
    lastHour: readInteger(row["last_hour"]),
    whole: readBoolean(row["whole"]),
    approvals: approvals === null ? [] : readJson("links.approvals", textsSchema, JSON.parse(approvals)),
  };
}
