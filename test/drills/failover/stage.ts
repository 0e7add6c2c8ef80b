import { setTimeout as sleep } from "node:timers/promises";

import postgres from "postgres";

import { type PostgresServer, type PostgresSettings, startPostgres } from "../../support/postgres-server.ts";
import { type Fleet, openFleet, type Server } from "./fleet.ts";

/** A primary with a hot standby, and replicas of one service on them. */
export interface Stage extends Fleet {
  readonly primary: PostgresServer;
  readonly standby: PostgresServer;
  /** Waits until the standby has all that the primary has, and then cuts it off. */
  cutReplication(): Promise<void>;
  /** Waits until the standby has replayed all that the primary has written. */
  caughtUp(): Promise<void>;
}

/** Runs SQL on a server as its superuser. @returns the rows of the last statement */
export async function sql(
  server: Server,
  ...statements: readonly string[]
): Promise<readonly Record<string, unknown>[]> {
  const client = postgres(server.url, { max: 1, onnotice: () => {}, connect_timeout: 5 });
  try {
    let rows: readonly Record<string, unknown>[] = [];
    for (const text of statements) rows = [...(await client.unsafe(text))];
    return rows;
  } finally {
    await client.end({ timeout: 1 });
  }
}

/** Promotes a standby and waits until it takes writes. */
export async function promote(server: Server): Promise<void> {
  await sql(server, "select pg_promote(true, 60)");
}

/** Settings of a stage. */
export interface StageOptions {
  /** The bundled command that is drilled. */
  readonly script: string;
  readonly binaries: string | undefined;
  /** The bundled command of version 0.1.0. */
  readonly old?: string | undefined;
  /** Which of the two makes the database. */
  readonly bootstrapBy?: "script" | "old";
  readonly settings?: PostgresSettings["settings"];
}

/** Starts a primary with a hot standby, and makes the service's first platforms. */
export async function openStage(options: StageOptions): Promise<Stage> {
  const { script, old, binaries, settings } = options;
  const common = {
    ...(binaries === undefined ? {} : { binaries }),
    fsync: false,
    // Version 0.1.0 is a thousand times slower with it, and that is another fault than those that are drilled.
    settings: { wal_level: "replica", wal_keep_size: "256MB", jit: "off", ...settings },
  };
  const primary = await startPostgres(common);
  const standby = await startPostgres({
    ...common,
    standbyOf: primary.url,
    settings: { ...common.settings, cluster_name: "standby" },
  });
  const byOld = options.bootstrapBy === "old" && old !== undefined;
  const fleet = await openFleet(script, primary, byOld ? old : script);

  async function caughtUp(): Promise<void> {
    const [at] = await sql(primary, "select pg_current_wal_lsn()::text as lsn");
    for (;;) {
      const [row] = await sql(standby, `select pg_last_wal_replay_lsn() >= '${at?.["lsn"]}' as done`);
      if (row?.["done"] === true) return;
      await sleep(50);
    }
  }

  return {
    ...fleet,
    primary,
    standby,
    caughtUp,
    async cutReplication() {
      await caughtUp();
      await sql(standby, "alter system set primary_conninfo = ''", "select pg_reload_conf()");
      for (;;) {
        const [row] = await sql(standby, "select count(*)::int as n from pg_stat_wal_receiver");
        if (row?.["n"] === 0) return;
        await sleep(50);
      }
    },
    async close() {
      await fleet.close();
      await standby.stop();
      await primary.stop();
    },
  };
}
