import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { chownSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { z } from "zod";

import { freePort } from "../../support/process-service.ts";
import { scratchFolder } from "../../support/scratch.ts";

/** Postgres refuses to run as root: 65534 is `nobody` on every Linux. */
const UNPRIVILEGED = 65_534;
const PASSWORD = "drill";

/** Seconds. Patroni's least: a leader that is gone is replaced once its lease of `ttl` has run out. */
const TIMES = { ttl: 20, loop_wait: 2, retry_timeout: 5 };

/** One node: Patroni and the Postgres that it runs. */
export interface PatroniNode {
  readonly name: string;
  readonly url: string;
  /** Whether Patroni says that it leads. */
  leads(): Promise<boolean>;
  /** Ends Patroni and Postgres with SIGKILL; `patroni` leaves Postgres as it is, with nobody to tell it to stop. */
  kill(what: "both" | "patroni"): Promise<void>;
  /** Starts it anew, as a member without data. */
  rejoin(): Promise<void>;
}

/** etcd, Patroni's nodes, and HAProxy before them. */
export interface PatroniCluster {
  readonly nodes: readonly PatroniNode[];
  /** Through HAProxy, which leads to whoever leads. */
  readonly url: string;
  /** The one that leads now; undefined for none. */
  leader(): Promise<PatroniNode | undefined>;
  /** Waits until one leads, and as many others follow. */
  settle(followers: number): Promise<PatroniNode>;
  close(): Promise<void>;
}

/** The packages that are needed, by the command that each brings. */
const NEEDS = ["patroni", "etcd", "haproxy"];

/** The commands that this machine lacks for a cluster. */
export function lacking(): readonly string[] {
  return NEEDS.filter((command) => spawnSync("which", [command]).status !== 0);
}

function identity() {
  return process.getuid?.() === 0 ? { uid: UNPRIVILEGED, gid: UNPRIVILEGED } : {};
}

/** Starts a process of the cluster, with its output in a file. */
function start(folder: string, name: string, command: string, args: readonly string[]): ChildProcess {
  const out = openSync(join(folder, `${name}.log`), "a");
  return spawn(command, args, {
    ...identity(),
    cwd: folder,
    stdio: ["ignore", out, out],
    env: { PATH: process.env["PATH"], HOME: folder, LANG: "C.UTF-8" },
  });
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}

async function killed(pids: readonly number[]): Promise<void> {
  for (const pid of pids) if (alive(pid)) process.kill(pid, "SIGKILL");
  while (pids.some(alive)) await sleep(20);
}

/** A postmaster and its children. */
function postgresOf(dataDir: string): readonly number[] {
  const file = join(dataDir, "postmaster.pid");
  if (!existsSync(file)) return [];
  const pid = Number(readFileSync(file, "utf8").split("\n")[0]);
  const table = spawnSync("ps", ["-A", "-o", "pid=,ppid="], { encoding: "utf8" }).stdout;
  const children = table.split("\n").flatMap((line) => {
    const [child, parent] = line.trim().split(/\s+/).map(Number);
    return child !== undefined && parent === pid ? [child] : [];
  });
  return [pid, ...children];
}

function patroniConfig(node: {
  readonly name: string;
  readonly folder: string;
  readonly port: number;
  readonly restPort: number;
  readonly etcdPort: number;
  readonly binaries: string;
  readonly synchronous: boolean;
}): string {
  return `
scope: bakehouse
name: ${node.name}
restapi: { listen: "127.0.0.1:${node.restPort}", connect_address: "127.0.0.1:${node.restPort}" }
etcd3: { host: "127.0.0.1:${node.etcdPort}" }
bootstrap:
  dcs:
    ttl: ${TIMES.ttl}
    loop_wait: ${TIMES.loop_wait}
    retry_timeout: ${TIMES.retry_timeout}
    synchronous_mode: ${node.synchronous}
    postgresql: { use_pg_rewind: false }
  initdb: [{ encoding: UTF8 }, { locale: C }, no-sync]
  pg_hba:
    - host replication postgres 127.0.0.1/32 scram-sha-256
    - host all all 127.0.0.1/32 scram-sha-256
postgresql:
  listen: "127.0.0.1:${node.port}"
  connect_address: "127.0.0.1:${node.port}"
  data_dir: ${node.folder}/data
  bin_dir: ${node.binaries}/bin
  pgpass: ${node.folder}/pgpass
  authentication:
    superuser: { username: postgres, password: ${PASSWORD} }
    replication: { username: postgres, password: ${PASSWORD} }
  parameters: { unix_socket_directories: "${node.folder}", fsync: "off", max_connections: 100, jit: "off" }
`;
}

function haproxyConfig(
  port: number,
  nodes: readonly { readonly name: string; readonly port: number; readonly restPort: number }[],
): string {
  const servers = nodes.map(
    ({ name, port: at, restPort }) => `  server ${name} 127.0.0.1:${at} check port ${restPort}`,
  );
  return `
defaults
  mode tcp
  timeout connect 3s
  timeout client 1h
  timeout server 1h
  timeout check 3s
listen primary
  bind 127.0.0.1:${port}
  option httpchk OPTIONS /primary
  http-check expect status 200
  default-server inter 1s fall 2 rise 1 on-marked-down shutdown-sessions
${servers.join("\n")}
`;
}

const clusterSchema = z.object({ members: z.array(z.object({ role: z.string(), state: z.string() })) });

/** Starts a cluster of three nodes. @param binaries the folder above `bin` of Postgres */
export async function startPatroni(binaries: string, synchronous: boolean): Promise<PatroniCluster> {
  const root = scratchFolder("patroni");
  const folderOf = (name: string) => {
    const folder = join(root, name);
    mkdirSync(folder, { recursive: true, mode: 0o755 });
    const { uid, gid } = identity();
    if (uid !== undefined && gid !== undefined) for (const path of [root, folder]) chownSync(path, uid, gid);
    return folder;
  };
  const [etcdPort, peerPort, proxyPort] = [await freePort(), await freePort(), await freePort()];
  const client = `http://127.0.0.1:${etcdPort}`;
  const peer = `http://127.0.0.1:${peerPort}`;
  const etcd = start(folderOf("etcd"), "etcd", "etcd", [
    ...["--name", "one", "--data-dir", join(root, "etcd", "data"), "--unsafe-no-fsync"],
    ...["--listen-client-urls", client, "--advertise-client-urls", client],
    ...[
      "--listen-peer-urls",
      peer,
      "--initial-advertise-peer-urls",
      peer,
      "--initial-cluster",
      `one=${peer}`,
    ],
  ]);

  async function makeNode(name: string) {
    const folder = folderOf(name);
    const [port, restPort] = [await freePort(), await freePort()];
    const config = join(folder, "patroni.yml");
    writeFileSync(config, patroniConfig({ name, folder, port, restPort, etcdPort, binaries, synchronous }));
    const dataDir = join(folder, "data");
    let patroni: ChildProcess | undefined;
    const node: PatroniNode = {
      name,
      url: `postgres://postgres:${PASSWORD}@127.0.0.1:${port}/postgres`,
      async leads() {
        const answer = await fetch(`http://127.0.0.1:${restPort}/primary`).catch(() => undefined);
        return answer?.status === 200;
      },
      async kill(what) {
        await killed(patroni?.pid === undefined ? [] : [patroni.pid]);
        if (what === "both") await killed(postgresOf(dataDir));
      },
      async rejoin() {
        await killed(postgresOf(dataDir));
        rmSync(dataDir, { recursive: true, force: true });
        patroni = start(folder, "patroni", "patroni", [config]);
      },
    };
    await node.rejoin();
    return { node, name, port, restPort };
  }

  const made: Awaited<ReturnType<typeof makeNode>>[] = [];
  for (const name of ["one", "two", "three"]) made.push(await makeNode(name));
  const nodes = made.map(({ node }) => node);
  const haproxy = folderOf("haproxy");
  writeFileSync(join(haproxy, "haproxy.cfg"), haproxyConfig(proxyPort, made));
  const proxy = start(haproxy, "haproxy", "haproxy", ["-db", "-f", join(haproxy, "haproxy.cfg")]);

  async function leader(): Promise<PatroniNode | undefined> {
    const all = await Promise.all(nodes.map(async (node) => ((await node.leads()) ? node : undefined)));
    return all.find((node) => node !== undefined);
  }

  /** How many members replicate from the leader, in synchronous mode at least one of them as its synchronous standby. */
  async function following(): Promise<number> {
    for (const { restPort } of made) {
      const answer = await fetch(`http://127.0.0.1:${restPort}/cluster`).catch(() => undefined);
      if (answer?.ok !== true) continue;
      const { members } = clusterSchema.parse(await answer.json());
      const followers = members.filter(
        ({ role, state }) => role !== "leader" && ["running", "streaming"].includes(state),
      );
      const isSafe = !synchronous || followers.some(({ role }) => role === "sync_standby");
      return isSafe ? followers.length : 0;
    }
    return 0;
  }

  return {
    nodes,
    url: `postgres://postgres:${PASSWORD}@127.0.0.1:${proxyPort}/postgres`,
    leader,
    async settle(followers) {
      const until = performance.now() + 180_000;
      for (;;) {
        const found = await leader();
        if (found !== undefined && (await following()) >= followers) return found;
        if (performance.now() > until) throw new Error(`the cluster does not settle: see ${root}`);
        await sleep(250);
      }
    },
    async close() {
      for (const node of nodes) await node.kill("both");
      for (const child of [proxy, etcd]) await killed(child.pid === undefined ? [] : [child.pid]);
      rmSync(root, { recursive: true, force: true });
    },
  };
}
