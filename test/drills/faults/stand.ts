import { type PostgresServer, startPostgres } from "../../support/postgres-server.ts";
import { run } from "../../support/process.ts";
import { builtBundle } from "../../support/process-bundle.ts";
import { createClient } from "../../support/process-client.ts";
import {
  credential,
  type Home,
  newHome,
  type RunningService,
  startService,
} from "../../support/process-service.ts";
import { startTcpProxy, type TcpProxy } from "../../support/tcp-proxy.ts";

/** How a stand is made. */
interface StandOptions {
  /** Of the server. */
  readonly settings?: Readonly<Record<string, string>> | undefined;
  /** The service's script; this version's unless said. */
  readonly bundle?: string;
  /** Seconds: how old a replica's knowledge of revocations may be. */
  readonly bound: number;
}

/** A service in a process of its own, on a Postgres behind a proxy. */
export interface Stand {
  readonly server: PostgresServer;
  readonly proxy: TcpProxy;
  /** The service that runs now. */
  service(): RunningService;
  /** Starts another one in its place, once it has ended. */
  startAgain(): Promise<void>;
  /** The platform's credential. */
  readonly platform: { readonly token: string };
  /** Reads that credential anew, once it was issued again. */
  renewPlatform(): void;
  /** Starts another replica on the same database. It goes with the stand. */
  startBeside(env?: Readonly<Record<string, string>>, script?: string): Promise<RunningService>;
  /** Runs a command with the service's settings. */
  command(
    env: Readonly<Record<string, string>>,
    ...args: readonly string[]
  ): Promise<{ code: number | null; said: string }>;
  /** The master key that it was made with. */
  readonly masterKey: string;
  /** A token that is good all the time. */
  readonly token: string;
  close(): Promise<void>;
}

/** Starts a server and a service with one platform on it, whose policy lets it issue. */
export async function openStand(options: StandOptions): Promise<Stand> {
  const { settings = {}, bundle = builtBundle(), bound } = options;
  const common = { LOG_LEVEL: "info", REVOCATION_MAX_STALENESS: `${bound}s` };
  const server = await startPostgres({ fsync: false, settings });
  const proxy = await startTcpProxy(Number(new URL(server.url).port));
  const home = newHome(proxy.through(server.url));
  const others: { readonly service: RunningService; readonly home: Home }[] = [];
  async function command(env: Readonly<Record<string, string>>, ...args: readonly string[]) {
    const running = run(bundle, args, { env: { ...home.env, ...env } });
    return { code: (await running.ended).code, said: running.stderr() };
  }
  const made = await command({}, "bootstrap");
  if (made.code !== 0) throw new Error(`no bootstrap: ${made.said.slice(-1_000)}`);
  const start = () => startService(bundle, home, common);
  let service = await start();
  let platform = { token: credential(home, "default.token") };
  const client = createClient(service.url);
  const policy = { rules: [{ max_ttl: 86_400, on_behalf_of: true }] };
  const admin = { token: credential(home, "admin.token") };
  const changed = await client.call("PUT", "/v1/platforms/default/policy", { as: admin, body: policy });
  if (changed.status !== 200) throw new Error(`the policy was not changed: ${changed.text}`);
  const { token } = await client.issue(platform, { platform: "default", on_behalf_of: { subject: "alice" } });
  return {
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
    async close() {
      for (const other of others) {
        await other.service.end("SIGKILL");
        other.home.remove();
      }
      await service.end("SIGKILL");
      await proxy.close();
      await server.stop();
      home.remove();
    },
  };
}
