import { spawnSync } from "node:child_process";
import { existsSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { askLater, type Case, FENCE, fenceAndServe, onStage, refuseToStart, revokeAll } from "./case.ts";
import type { Server } from "./fleet.ts";
import { type Stage, sql } from "./stage.ts";

/** The same server, by the URL of another of its databases. */
function databaseOf(server: Server, name: string): Server {
  const url = new URL(server.url);
  url.pathname = `/${name}`;
  return { url: url.href };
}

/** Restores the service's database from a dump that is taken now, into a new database of the same server. */
async function dumpInto(stage: Stage, binaries: string, name: string): Promise<() => Promise<Server>> {
  const copy = databaseOf(stage.primary, name);
  const dump = spawnSync(join(binaries, "bin", "pg_dump"), [stage.primary.url], {
    encoding: "utf8",
    maxBuffer: 1e9,
  });
  if (dump.status !== 0) throw new Error(`pg_dump failed: ${dump.stderr}`);
  return async () => {
    await sql(stage.primary, `create database ${name} template template0`);
    const restored = spawnSync(join(binaries, "bin", "psql"), ["-q", "-v", "ON_ERROR_STOP=1", copy.url], {
      input: dump.stdout,
      encoding: "utf8",
    });
    if (restored.status !== 0) throw new Error(`the dump was not restored: ${restored.stderr}`);
    return copy;
  };
}

function restoredDump(fence: boolean): Case {
  const name = `a dump from before the last entries, restored; ${fence ? "fenced" : "not fenced"}`;
  return onStage(
    name,
    async (stage, seen, { binaries = "" }) => {
      const one = await stage.start("one", stage.primary);
      const tokens = await stage.issue(one, 3);
      await revokeAll(stage, seen, one, tokens.slice(0, 1));
      const restore = await dumpInto(stage, binaries, "restored");
      await revokeAll(stage, seen, one, tokens.slice(1));
      await one.stop();
      const copy = await restore();
      // Not even a replica that remembers nothing serves from it.
      await refuseToStart(stage, seen, copy, { tokens, says: FENCE });
      const again = await stage.start("one", copy);
      if (again.service === undefined) seen.says(again.refusal, FENCE);
      else seen.refuses(await stage.ask(again, tokens), FENCE);
      if (!fence) return;
      const fenced = await stage.command(copy, "restore-fence");
      seen.expect(fenced.code === 0, `no fence: ${fenced.said}`);
      const reissued = await stage.command(copy, "bootstrap", "--reissue");
      seen.expect(reissued.code === 0, `no new credentials: ${reissued.said}`);
      const third = await stage.start("one", copy);
      seen.expect(third.service !== undefined, `does not start after the fence: ${third.refusal}`);
      seen.dead(await stage.ask(third, tokens));
    },
    { needs: ({ binaries }) => binaries !== undefined && existsSync(join(binaries, "bin", "pg_dump")) },
  );
}

const copiedDatabase = onStage("create database … template, without a fence", async (stage, seen) => {
  const one = await stage.start("one", stage.primary);
  const tokens = await stage.issue(one, 3);
  await one.stop();
  await sql(
    databaseOf(stage.primary, "template1"),
    "select pg_terminate_backend(pid) from pg_stat_activity where datname = 'postgres'",
    "create database copied template postgres",
  );
  const again = await stage.start("one", stage.primary);
  await revokeAll(stage, seen, again, tokens);
  await refuseToStart(stage, seen, databaseOf(stage.primary, "copied"), { tokens, says: FENCE });
});

function restoredFiles(fence: boolean): Case {
  const name = `the data folder from before the last entries, put back; ${fence ? "fenced" : "not fenced"}`;
  return onStage(name, async (stage, seen) => {
    const one = await stage.start("one", stage.primary);
    const tokens = await stage.issue(one, 3);
    const { dataDir } = stage.primary;
    const backup = `${dataDir}-backup`;
    await stage.primary.halt();
    spawnSync("cp", ["-Rp", dataDir, backup]);
    await stage.primary.restart();
    await askLater(stage, one, []);
    await revokeAll(stage, seen, one, tokens);
    await stage.primary.halt();
    rmSync(dataDir, { recursive: true });
    renameSync(backup, dataDir);
    await stage.primary.restart();
    seen.dead(await askLater(stage, one, tokens));
    seen.refuses(await stage.ask(one, tokens), FENCE);
    // Nothing tells these files from what they were but the replica that remembers: it has written that into the log.
    await refuseToStart(stage, seen, stage.primary, { tokens, says: FENCE });
    if (fence) await fenceAndServe(stage, seen, stage.primary, { replicas: [one], tokens });
  });
}

/** Cases of databases that were copied or restored. */
export const COPIES: readonly Case[] = [
  restoredDump(false),
  restoredDump(true),
  copiedDatabase,
  restoredFiles(false),
  restoredFiles(true),
];
