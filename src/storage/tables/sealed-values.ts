import type { SealedTable, SealedValue, SealedValues } from "../../domain/upkeep/rewrap.ts";
import type { Run } from "../engine/connection.ts";
import { nullable, type Row, readBoolean, readBytes, readInteger, readText } from "../engine/values.ts";

/** Rows that one statement looks at: a full table takes many, and none of them holds anybody up. */
const PAGE = 500;

/** How a table's rows are named. Keys are compared and ordered by the primary key's own column. */
interface Named {
  readonly column: string;
  /** Writes the column as text. */
  readonly print: string;
  /** Reads it from text, as which a parameter `$1` or a member `key` comes. */
  readonly read: (text: string) => string;
  /** A key that comes before all others, as text. */
  readonly first: string;
  /** An expression for the platform that the value is tied to. */
  readonly platform?: string;
  readonly hasCaveats?: string;
}

const TEXT = { print: "t.id", read: (text: string) => text, first: "" };

const TABLES: Readonly<Record<SealedTable, Named>> = {
  root_keys: { ...TEXT, column: "id", platform: "t.platform" },
  discharge_keys: { ...TEXT, column: "id" },
  verdict_keys: { ...TEXT, column: "id" },
  audit_key: {
    column: "singleton",
    print: "t.singleton::text",
    read: (text) => `${text}::boolean`,
    first: "false",
  },
  discharge_requests: {
    column: "id",
    print: "t.id::text",
    read: (text) => `${text}::uuid`,
    first: "00000000-0000-0000-0000-000000000000",
    hasCaveats: "coalesce(jsonb_array_length(t.caveats), 0) > 0",
  },
  idempotency: {
    column: "hash",
    print: "encode(t.hash, 'hex')",
    read: (text) => `decode(${text}, 'hex')`,
    first: "",
  },
};

const toHex = (key: string) => Buffer.from(key, "base64url").toString("hex");
const toBase64url = (key: string) => Buffer.from(key, "hex").toString("base64url");

/** A key as SQL takes it: of a kept answer the hash in hex, which it is tied to in base64url. */
const written = (table: SealedTable, key: string) => (table === "idempotency" ? toHex(key) : key);
const told = (table: SealedTable, key: string) => (table === "idempotency" ? toBase64url(key) : key);

function pageOf({ column, print, read, platform = "null", hasCaveats = "false" }: Named, table: string) {
  return `
    with page as materialized (
      select t.* from public.${table} as t where t.${column} > ${read("$1")} order by t.${column} limit ${PAGE}
    ), looked as materialized (
      select count(*) as seen from page
    ), last as materialized (
      select ${print} as key from page as t order by t.${column} desc limit 1
    )
    select (select seen from looked) as seen, (select key from last) as last,
      t.key, t.platform, t.has_caveats, t.sealed
    from (select) as one left join lateral (
      select ${print} as key, ${platform}::text as platform, ${hasCaveats} as has_caveats, t.sealed, t.${column} as place
      from page as t where t.sealed is not null and substr(t.sealed, 2, 8) <> decode($2, 'hex')
    ) as t on true
    order by t.place`;
}

function replaceIn({ column, read }: Named, table: string) {
  return `
    update public.${table} as t set sealed = decode(v.after, 'base64')
    from jsonb_to_recordset($1::jsonb) as v (key text, before text, after text)
    where t.${column} = ${read("v.key")} and t.sealed = decode(v.before, 'base64')
    returning 1 as done`;
}

// Whatever was counted last; -1 for never.
const ESTIMATE = "select greatest(reltuples, 0)::bigint as count from pg_class where oid = $1::regclass";

/** All that rests sealed in the database. */
export function createSealedValues(run: Run): SealedValues {
  return {
    async estimate(table) {
      const [row] = await run("sealed.estimate", (session) => session.query(ESTIMATE, [`public.${table}`]));
      return row === undefined ? 0 : readInteger(row["count"]);
    },

    async page(table, keyId, after) {
      const named = TABLES[table];
      const from = after === undefined ? named.first : written(table, after);
      const text = pageOf(named, table);
      const values = [from, Buffer.from(keyId).toString("hex")];
      const rows = await run("sealed.page", (session) => session.query(text, values));
      const seen = rows[0] === undefined ? 0 : readInteger(rows[0]["seen"]);
      const last = nullable(readText)(rows[0]?.["last"] ?? null);
      return {
        seen,
        next: seen < PAGE || last === null ? undefined : told(table, last),
        others: rows.filter((row) => row["key"] !== null).map((row) => toValue(table, row)),
      };
    },

    async replace(table, changes) {
      const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64");
      const list = changes.map(({ key, before, after }) => ({
        key: written(table, key),
        before: base64(before),
        after: base64(after),
      }));
      const text = replaceIn(TABLES[table], table);
      const rows = await run("sealed.replace", (session) => session.query(text, [JSON.stringify(list)]));
      return rows.length;
    },
  };
}

function toValue(table: SealedTable, row: Row): SealedValue {
  return {
    key: told(table, readText(row["key"])),
    platform: nullable(readText)(row["platform"]),
    hasCaveats: readBoolean(row["has_caveats"]),
    sealed: readBytes(row["sealed"]),
  };
}
