import { is } from "drizzle-orm";
import { getTableConfig, PgTable } from "drizzle-orm/pg-core";
import { expect, test } from "vitest";

import * as oauth from "../../src/storage/grants/schema.ts";
import * as schema from "../../src/storage/tables/schema.ts";
import { describeOn } from "../support/database.ts";
import { raw } from "./raw.ts";

const tables = [...Object.values(schema), ...Object.values(oauth)]
  .filter((value) => is(value, PgTable))
  .map(getTableConfig);

describeOn("postgres", "schema.ts and the migrated database", (open) => {
  test("agree on every table, column, type and nullability", async () => {
    const { url = "" } = await open();
    const rows = await raw(
      url,
      `select table_name, column_name, is_nullable = 'NO' as not_null,
         case data_type when 'timestamp with time zone' then format('timestamp(%s) with time zone', datetime_precision)
           else data_type end as type
       from information_schema.columns
       where table_schema = 'public' and table_name !~ '_(default|[0-9]{4}_[0-9]{2})$'
         and table_name not in (select relname from pg_class where relkind = 'v')
       order by table_name collate "C", column_name collate "C"`,
    );
    const expected = tables
      .flatMap((table) =>
        table.columns.map((column) => ({
          table_name: table.name,
          column_name: column.name,
          not_null: column.notNull,
          type: column.getSQLType(),
        })),
      )
      .toSorted((a, b) =>
        `${a.table_name}\0${a.column_name}` < `${b.table_name}\0${b.column_name}` ? -1 : 1,
      );
    expect(tables.length).toBeGreaterThan(8);
    expect(rows).toEqual(expected);
  });

  test("agree on primary keys, unique constraints and references", async () => {
    const { url = "" } = await open();
    const rows = await raw(
      url,
      `select c.conrelid::regclass::text as table, c.contype::text as kind, (
         select array_agg(a.attname::text order by array_position(c.conkey, a.attnum))
         from pg_attribute a where a.attrelid = c.conrelid and a.attnum = any (c.conkey)) as columns
       from pg_constraint c join pg_class t on t.oid = c.conrelid
       where c.contype in ('p', 'u', 'f') and c.connamespace = 'public'::regnamespace and not t.relispartition`,
    );
    const expected = tables.flatMap((table) => [
      ...table.columns
        .filter(({ primary }) => primary)
        .map(({ name }) => ({ table: table.name, kind: "p", columns: [name] })),
      ...table.columns
        .filter(({ isUnique }) => isUnique)
        .map(({ name }) => ({ table: table.name, kind: "u", columns: [name] })),
      ...table.primaryKeys.map(({ columns }) => ({
        table: table.name,
        kind: "p",
        columns: columns.map(({ name }) => name),
      })),
      ...table.uniqueConstraints.map(({ columns }) => ({
        table: table.name,
        kind: "u",
        columns: columns.map(({ name }) => name),
      })),
      ...table.foreignKeys.map((key) => ({
        table: table.name,
        kind: "f",
        columns: key.reference().columns.map(({ name }) => name),
      })),
    ]);
    const sorted = (list: readonly object[]) =>
      list.map((item) => JSON.stringify(Object.entries(item).sort())).sort();
    expect(sorted(rows)).toEqual(sorted(expected));
  });
});
