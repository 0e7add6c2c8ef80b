import { cpSync, existsSync, mkdtempSync, renameSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { defaultMigrationsFolder, readMigrations } from "../../src/storage/migrate/migrations.ts";
import { openStore } from "../../src/storage/open.ts";

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
  const hashes = readMigrations(defaultMigrationsFolder()).map(({ hash }) => hash.slice(0, 8));
  const uid = process.getuid?.() ?? 0;
  const target = join(tmpdir(), `bakehouse-embedded-${uid}-${hashes.join("")}`);
  if (existsSync(target)) {
    // The name can be guessed: another user may have put something else there.
    if (statSync(target).uid !== uid) throw new Error(`${target} is not ours`);
    return target;
  }
  const making = mkdtempSync(`${target}-`);
  const store = await openStore({ place: { kind: "folder", folder: making }, deadline: 60_000 });
  await store.close();
  try {
    renameSync(making, target);
  } catch {
    rmSync(making, { recursive: true, force: true }); // another worker was first
  }
  return target;
}
