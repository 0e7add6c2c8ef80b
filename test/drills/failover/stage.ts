import { setTimeout as sleep } from "node:timers/promises";

import postgres from "postgres";

import { type PostgresServer, type PostgresSettings, startPostgres } from "../../support/postgres-server.ts";
import { run } from "../../support/process.ts";
import { type Answer, createClient } from "../../support/process-client.ts";
import {
  credential,
  type Home,
  newHome,
  type RunningService,
  startService,
} from "../../support/process-service.ts";
import { startTcpProxy, type TcpProxy } from "../../support/tcp-proxy.ts";

/** Milliseconds: how old a replica's knowledge may be in this drill. */
export const BOUND = 4_000;

/** A replica in a process of its own, whose way to the database can be led elsewhere. */
export interface Replica {
  readonly name: string;
  /** Leads it to a database server, or nowhere. */
  lead(server: PostgresServer | undefined): void;
  /** Undefined if it did not come up; then `refusal` says why. */
  readonly service: RunningService | undefined;
  readonly refusal: string;
  stop(): Promise<void>;
}

/** What a replica said of some tokens. */
export interface Answers {
  readonly allowed: number;
  readonly refused: number;
  /** 503: could not answer. */
  readonly unanswered: number;
  /** The detail of the last 503. */
  readonly reason: string;
}

/** What became of a revocation. */
export interface Revoked {
  /** Undefined if it was not acknowledged. */
  readonly sequence: string | undefined;
  readonly reason: string;
}

/** Database servers, and replicas of one service on them. */
export interface Stage {
  readonly primary: PostgresServer;
  readonly standby: PostgresServer;
  /**
   * Starts a replica. The data folder is its name's, so that a replica of the same name remembers what this one knew.
   *
   * @param otherScript a bundled command in place of the one that is drilled
   */
  start(
    name: string,
    server: PostgresServer,
    env?: Readonly<Record<string, string>>,
    otherScript?: string,
  ): Promise<Replica>;
  /** Runs a command of the service against a server. */
  command(
    server: PostgresServer,
    ...args: readonly string[]
  ): Promise<{ readonly code: number | null; readonly said: string }>;
  issue(at: Replica, count: number): Promise<readonly string[]>;
  /** Asks a replica of each token. */
  ask(at: Replica, tokens: readonly string[], minSequence?: string): Promise<Answers>;
  revoke(at: Replica, token: string): Promise<Revoked>;
  /** Waits until the standby has all that the primary has, and then cuts it off. */
  cutReplication(): Promise<void>;
  /** Waits until the standby has replayed all that the primary has written. */
  caughtUp(): Promise<void>;
  close(): Promise<void>;
}

/** Runs SQL on a server as its superuser. */
export async function sql(
  server: { readonly url: string },
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
export async function promote(server: PostgresServer): Promise<void> {
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
export async function openStage({
  script,
  old,
  bootstrapBy = "script",
  binaries,
  settings = {},
}: StageOptions): Promise<Stage> {
  const common = { ...(binaries === undefined ? {} : { binaries }), fsync: false };
  const primary = await startPostgres({
    ...common,
    settings: {
      wal_level: "replica",
      max_wal_senders: "10",
      wal_keep_size: "256MB",
      jit: "off",
      ...settings,
    },
  });
  const standby = await startPostgres({
    ...common,
    standbyOf: primary.url,
    settings: { cluster_name: "standby", jit: "off", ...settings },
  });
  const owner = newHome(primary.url);
  const homes = new Map<string, Home>();
  const replicas: Replica[] = [];
  const proxies: TcpProxy[] = [];
  const platform = () => ({ token: credential(owner, "default.token") });
  const client = (at: Replica) => createClient(at.service?.url ?? "http://127.0.0.1:1");

  function homeOf(name: string): Home {
    const home = homes.get(name) ?? newHome(primary.url);
    homes.set(name, home);
    return home;
  }

  async function commandOf(by: string, server: PostgresServer, ...args: readonly string[]) {
    const running = run(by, args, { env: { ...owner.env, DATABASE_URL: server.url } });
    const { code } = await running.ended;
    return { code, said: running.stderr() };
  }

  async function start(
    name: string,
    server: PostgresServer,
    env: Readonly<Record<string, string>> = {},
    otherScript = script,
  ) {
    const proxy = await startTcpProxy(Number(new URL(server.url).port));
    proxies.push(proxy);
    const home = homeOf(name);
    const settings = {
      MASTER_KEY: owner.env["MASTER_KEY"] ?? "",
      DATABASE_URL: proxy.through(server.url),
      REVOCATION_MAX_STALENESS: `${BOUND}ms`,
      LOG_LEVEL: "info",
      ...env,
    };
    let service: RunningService | undefined;
    let refusal = "";
    try {
      service = await startService(otherScript, home, settings);
    } catch (error) {
      refusal = error instanceof Error ? error.message : "";
    }
    const replica: Replica = {
      name,
      service,
      refusal: refusal.slice(refusal.lastIndexOf("bakehouse: ") + "bakehouse: ".length).trim(),
      lead: (to) => proxy.lead(to === undefined ? undefined : Number(new URL(to.url).port)),
      async stop() {
        await service?.end("SIGKILL");
      },
    };
    replicas.push(replica);
    return replica;
  }

  async function verify(at: Replica, token: string, minSequence: string | undefined): Promise<Answer> {
    const body = { token, context: {}, ...(minSequence === undefined ? {} : { min_sequence: minSequence }) };
    return client(at).call("POST", "/v1/verify", { as: platform(), body });
  }

  async function caughtUp(): Promise<void> {
    const [at] = await sql(primary, "select pg_current_wal_lsn()::text as lsn");
    for (;;) {
      const [row] = await sql(standby, `select pg_last_wal_replay_lsn() >= '${at?.["lsn"]}' as done`);
      if (row?.["done"] === true) return;
      await sleep(50);
    }
  }

  const made = await commandOf(
    bootstrapBy === "old" && old !== undefined ? old : script,
    primary,
    "bootstrap",
  );
  if (made.code !== 0) throw new Error(`no bootstrap: ${made.said}`);
  return {
    primary,
    standby,
    start,
    command: (server, ...args) => commandOf(script, server, ...args),
    async issue(at, count) {
      const tokens: string[] = [];
      for (let n = 0; n < count; n += 1) {
        const body = { platform: "default", on_behalf_of: { subject: `person ${n}` } };
        tokens.push((await client(at).issue(platform(), body)).token);
      }
      return tokens;
    },
    async ask(at, tokens, minSequence) {
      const count = { allowed: 0, refused: 0, unanswered: 0, reason: "" };
      for (const token of tokens) {
        const { status, body } = await verify(at, token, minSequence);
        const member = (name: string): unknown => Reflect.get(Object(body), name);
        if (status === 200 && member("allowed") === true) count.allowed += 1;
        else if (status === 200) count.refused += 1;
        else {
          count.unanswered += 1;
          count.reason = `${status}: ${member("detail") ?? ""}`;
        }
      }
      return count;
    },
    async revoke(at, token) {
      const { status, body } = await client(at).call("POST", "/v1/revocations", {
        body: { targets: [{ token }] },
      });
      const sequence: unknown = status === 200 ? Reflect.get(Object(body), "sequence") : undefined;
      return {
        sequence: typeof sequence === "string" ? sequence : undefined,
        reason: status === 200 ? "" : `${status}: ${Reflect.get(Object(body), "detail") ?? ""}`,
      };
    },
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
      for (const replica of replicas) await replica.stop();
      for (const proxy of proxies) await proxy.close();
      await standby.stop();
      await primary.stop();
      for (const home of [owner, ...homes.values()]) home.remove();
    },
  };
}
