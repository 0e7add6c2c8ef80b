import { type PostgresServer, startPostgres } from "../../support/postgres-server.ts";
import { run } from "../../support/process.ts";
import { builtBundle } from "../../support/process-bundle.ts";
import { createClient } from "../../support/process-client.ts";
import { noteSecret } from "../../support/process-logs.ts";
import {
  credential,
  type Home,
  newHome,
  type RunningService,
  startService,
} from "../../support/process-service.ts";
import { startTcpProxy, type TcpProxy } from "../../support/tcp-proxy.ts";

/** Seconds that the stand's token is good: longer than any drill. */
const LONGEST = 86_400;

/** How a stand is made. */
export interface StandOptions {
  /** Seconds: how old a replica's knowledge of revocations may be. */
  readonly bound: number;
  /** Connections that the server takes; 200 unless said. */
  readonly places?: number | undefined;
  /** Further settings of the server. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Whether the service's log is thrown away. */
  readonly isMute?: boolean;
  /** The service's script; this version's unless said. */
  readonly bundle?: string;
}

/** A service in a process of its own, on a Postgres behind a proxy. */
export interface Stand {
  /** Seconds: how old a replica's knowledge of revocations may be. */
  readonly bound: number;
  readonly server: PostgresServer;
  readonly proxy: TcpProxy;
  /** The service that runs now. */
  service(): RunningService;
  /** Starts another one in its place, once it has ended. */
  startAgain(): Promise<void>;
  /** Starts another replica on the same database. It goes with the stand. */
  startBeside(env?: Readonly<Record<string, string>>, script?: string): Promise<RunningService>;
  /** Runs a command with the service's settings. */
  command(
    env: Readonly<Record<string, string>>,
    ...args: readonly string[]
  ): Promise<{ readonly code: number | null; readonly said: string }>;
  /** The master key that it was made with. */
  readonly masterKey: string;
  /** The platform's credential. */
  readonly platform: { readonly token: string };
  /** Reads that credential anew, once it was issued again. */
  renewPlatform(): void;
  /** A token that is good all the time. */
  readonly token: string;
  /** Has something done once the server has stopped. */
  atEnd(work: () => void): void;
  close(): Promise<void>;
}

/** Starts a server and a service with one platform on it, whose policy lets it issue. */
export async function openStand(options: StandOptions): Promise<Stand> {
  const { bound, places, settings = {}, isMute, bundle = builtBundle() } = options;
  const common = { LOG_LEVEL: "info", REVOCATION_MAX_STALENESS: `${bound}s` };
  const server = await startPostgres({ fsync: false, places, settings });
  const proxy = await startTcpProxy(Number(new URL(server.url).port));
  const home = newHome(proxy.through(server.url));
  const others: { readonly service: RunningService; readonly home: Home }[] = [];
  const endings: (() => void)[] = [];
  async function command(env: Readonly<Record<string, string>>, ...args: readonly string[]) {
    const running = run(bundle, args, { env: { ...home.env, ...env } });
    return { code: (await running.ended).code, said: running.stderr() };
  }
  const made = await command({}, "bootstrap");
  if (made.code !== 0) throw new Error(`no bootstrap: ${made.said.slice(-1_000)}`);
  const start = () => startService(bundle, home, common, isMute);
  let service = await start();
  let platform = { token: credential(home, "default.token") };
  const client = createClient(service.url);
  const policy = { rules: [{ max_ttl: LONGEST, on_behalf_of: true }] };
  const admin = { token: credential(home, "admin.token") };
  const changed = await client.call("PUT", "/v1/platforms/default/policy", { as: admin, body: policy });
  if (changed.status !== 200) throw new Error(`the policy was not changed: ${changed.text}`);
  // Only the token is read: an older version answers with less besides.
  const body = { platform: "default", on_behalf_of: { subject: "alice" }, ttl: LONGEST };
  const issued = await client.call("POST", "/v1/tokens", { as: platform, body });
  const token: unknown = Reflect.get(Object(issued.body), "token");
  if (typeof token !== "string") throw new Error(`nothing was issued: ${issued.status} ${issued.text}`);
  noteSecret(token);
  return {
    bound,
    server,
    proxy,
    service: () => service,
    async startAgain() {
      service = await start();
    },
    async startBeside(env = {}, script = bundle) {
      const own = newHome(proxy.through(server.url));
      const settingsOfAll = { ...home.env, DATA_DIR: own.dataDir, ...common, ...env };
      const other = await startService(script, own, settingsOfAll);
      others.push({ service: other, home: own });
      return other;
    },
    command,
    masterKey: home.env["MASTER_KEY"] ?? "",
    get platform() {
      return platform;
    },
    renewPlatform() {
      platform = { token: credential(home, "default.token") };
    },
    token,
    atEnd: (work) => void endings.push(work),
    async close() {
      for (const other of others) {
        await other.service.end("SIGKILL");
        other.home.remove();
      }
      await service.end("SIGKILL");
      await proxy.close();
      await server.stop();
      for (const end of endings) end();
      home.remove();
    },
  };
}
