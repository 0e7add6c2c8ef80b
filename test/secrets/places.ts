import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { PGlite } from "@electric-sql/pglite";
import postgres from "postgres";

/** Asks a database in plain SQL, past the service. */
export interface Database {
  query(text: string): Promise<readonly Readonly<Record<string, unknown>>[]>;
  close(): Promise<void>;
}

/** @param place the folder of the embedded database, which must not be in use, or a server's URL */
export async function openDatabase(
  place: { readonly folder: string } | { readonly url: string },
): Promise<Database> {
  if ("folder" in place) {
    const database = await PGlite.create({ dataDir: join(place.folder, "database") });
    return {
      query: async (text) => (await database.query<Record<string, unknown>>(text)).rows,
      close: () => database.close(),
    };
  }
  const sql = postgres(place.url, { max: 1, onnotice: () => {} });
  return { query: async (text) => await sql.unsafe(text), close: () => sql.end() };
}

/** What one column of one table holds, all rows together. */
export interface Column {
  readonly name: string;
  readonly contents: Uint8Array;
}

/** Every column of every table that is not the engine's own, as text and, where it holds bytes, as these. */
export async function readColumns(database: Database): Promise<readonly Column[]> {
  const columns = await database.query(`
    select format('%I.%I', n.nspname, c.relname) as "table", format('%I', a.attname) as "column",
      a.atttypid = 'bytea'::regtype as bytes
    from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p', 'm', 'S') and a.attnum > 0 and not a.attisdropped
      and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast')
    order by 1, a.attnum`);
  const read: Column[] = [];
  for (const { table, column, bytes } of columns) {
    const rows = await database.query(
      `select ${column}::text as value from only ${table} where ${column} is not null`,
    );
    const texts = rows.map(({ value }) => Buffer.from(String(value)));
    // As bytes too: what a text holds that was stored as bytes is not seen in its hex.
    const raw = bytes === true ? texts.map((text) => Buffer.from(text.subarray(2).toString(), "hex")) : [];
    const parts = [...texts, ...raw].flatMap((part) => [part, Buffer.from("\n")]);
    read.push({ name: `${table}.${column}`, contents: Buffer.concat(parts) });
  }
  return read;
}

/** Every file below a folder, by its path from there. */
export function* filesBelow(
  folder: string,
): Generator<{ readonly name: string; readonly contents: Uint8Array }> {
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    yield { name: path.slice(folder.length + 1), contents: readFileSync(path) };
  }
}
