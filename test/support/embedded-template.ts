import { createHash } from "node:crypto";
import { cpSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { PGlite } from "@electric-sql/pglite";

import { defaultMigrationsFolder, readMigrations } from "../../src/storage/migrate/migrations.ts";
import { openStore } from "../../src/storage/open.ts";
import { madeOnceAsync } from "./made-once.ts";

/**
 * Puts a fresh, migrated embedded database into a folder.
 *
 * The first start of the embedded database takes seconds. It is done once for each state of the migrations and
 * kept, and every test starts from a copy.
 */
export async function copyEmbedded(folder: string): Promise<void> {
  cpSync(await template(), folder, { recursive: true });
}

async function template(): Promise<string> {
  const state = createHash("sha256");
  for (const { hash } of readMigrations(defaultMigrationsFolder())) state.update(hash);
  const uid = process.getuid?.() ?? 0;
  const target = join(tmpdir(), `bakehouse-embedded-slim-${uid}-${state.digest("hex").slice(0, 24)}`);
  return await madeOnceAsync(target, uid, async (folder) => {
    const store = await openStore({ place: { kind: "folder", folder }, deadline: 60_000 });
    await store.close();
    await dropTemplates(join(folder, "database"));
  });
}

/** Drops Postgres' own template databases: more than half of the files, and of the time that a copy takes. */
async function dropTemplates(dataDir: string): Promise<void> {
  const client = await PGlite.create({ dataDir });
  await client.exec("update pg_database set datistemplate = false");
  for (const name of ["template0", "template1"]) await client.exec(`drop database ${name}`);
  await client.close();
}
