import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";

import { give } from "../../support/postgres-server.ts";
import { scratchFolder } from "../../support/scratch.ts";
import { outageDrill } from "./outage.ts";
import { superuser } from "./sql.ts";

/** Megabytes of the disk that is filled. */
const SIZE = 24;

function done(command: string, ...args: readonly string[]): void {
  const { status, stderr } = spawnSync(command, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`${command} failed, which only root may do: ${stderr}`);
}

/** The disk on which tokens and audit events are kept is full: a small one of its own, which only root can mount. */
export const FULL = outageDrill({
  name: "postgres-disk-full",
  about: "the disk with the tables of tokens and audit events is full",
  async begin({ server, atEnd }) {
    const folder = scratchFolder("disk");
    give(folder);
    const disk = join(folder, "mounted");
    mkdirSync(disk);
    done("mount", "-t", "tmpfs", "-o", `size=${SIZE}m`, "tmpfs", disk);
    atEnd(() => {
      done("umount", disk);
      rmSync(folder, { recursive: true });
    });
    give(disk);
    const sql = superuser(server.url);
    await sql.unsafe(`create tablespace small location '${disk}'`);
    const parts = await sql.unsafe(
      `select inhrelid::regclass::text as name from pg_inherits
       where inhparent in ('public.tokens'::regclass, 'public.audit_events'::regclass)`,
    );
    for (const { name } of parts) await sql.unsafe(`alter table ${name} set tablespace small`);
    // Nobody may tidy up what the failed statements leave.
    const kept = "with (autovacuum_enabled = false, toast.autovacuum_enabled = false)";
    await sql.unsafe(`create table public.filler (bytes text) ${kept} tablespace small`);
    await sql.unsafe("alter table public.filler alter bytes set storage external");
    for (let size = 1_000_000; size > 1_000; ) {
      try {
        await sql.unsafe(`insert into public.filler values (repeat('x', ${size}))`);
      } catch {
        size = Math.floor(size / 4);
      }
    }
    return async () => {
      await sql.unsafe("drop table public.filler");
      await sql.end({ timeout: 1 });
    };
  },
});
