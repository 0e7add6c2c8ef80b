import { type PostgresServer, startPostgres } from "../../support/postgres-server.ts";
import { run } from "../../support/process.ts";
import { builtBundle } from "../../support/process-bundle.ts";
import { createClient } from "../../support/process-client.ts";
import { credential, newHome, type RunningService, startService } from "../../support/process-service.ts";
import { startTcpProxy, type TcpProxy } from "../../support/tcp-proxy.ts";

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
  /** A token that is good all the time. */
  readonly token: string;
  close(): Promise<void>;
}

/**
 * Starts a server and a service with one platform on it, whose policy lets it issue.
 *
 * @param bound seconds: how old a replica's knowledge of revocations may be
 */
export async function openStand(bound: number): Promise<Stand> {
  const bundle = builtBundle();
  const common = { LOG_LEVEL: "info", REVOCATION_MAX_STALENESS: `${bound}s` };
  const server = await startPostgres({ fsync: false });
  const proxy = await startTcpProxy(Number(new URL(server.url).port));
  const home = newHome(proxy.through(server.url));
  const bootstrap = run(bundle, ["bootstrap"], { env: home.env });
  if ((await bootstrap.ended).code !== 0)
    throw new Error(`no bootstrap: ${bootstrap.stderr().slice(-1_000)}`);
  const start = () => startService(bundle, home, common);
  let service = await start();
  const platform = { token: credential(home, "default.token") };
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
    platform,
    token,
    async close() {
      await service.end("SIGKILL");
      await proxy.close();
      await server.stop();
      home.remove();
    },
  };
}
