import { join } from "node:path";

import { calmNow } from "../support/calm-clock.ts";
import { type Ending, type Running, run } from "../support/process.ts";
import { createClient } from "../support/process-client.ts";
import { credential, freePort, type Home, newHome } from "../support/process-service.ts";
import { until } from "../support/until.ts";
import { type Caller, hasAccepted, noting } from "./arrivals.ts";
import type { Asked } from "./load.ts";

/** An issuer that nobody asks: the development identity provider remembers logins in one process. */
const ISSUER = {
  OIDC_ISSUER: "https://issuer.example",
  OIDC_CLIENT_ID: "bakehouse",
  OIDC_CLIENT_SECRET: "s3cret",
};

/** A service at one address, which can be stopped and started there again. */
export interface Member {
  readonly port: number;
  readonly url: string;
  start(): Promise<void>;
  /** Has its workers replaced one after the other. Resolves once that is done. */
  replaceWorkers(): Promise<void>;
  /** Ends it by SIGTERM. */
  stop(): Promise<Ending & { readonly milliseconds: number }>;
  /** Ends it in good order, if it runs: it notes then what it has accepted. */
  end(): Promise<void>;
  /** Whether it has ever accepted a connection; known once it has ended. */
  accepted(caller: Caller): boolean;
  /** Ends it at once, where it runs. */
  kill(): Promise<void>;
}

/** Services of one database. */
export interface Fleet {
  /** @param workers how many processes; one unless said */
  member(workers?: number): Promise<Member>;
  /** Makes what callers ask with. One member at least must be serving. */
  prepare(url: string): Promise<Asked>;
  close(): Promise<void>;
}

/**
 * Makes the first platform of a database, and services that use it.
 *
 * @param script the bundle
 * @param env settings of all of them
 */
export async function newFleet(
  script: string,
  databaseUrl: string,
  env: Readonly<Record<string, string>> = {},
): Promise<Fleet> {
  const home: Home = newHome(databaseUrl);
  const settings = { ...home.env, ...ISSUER, LOG_LEVEL: "info", ...env };
  const bootstrap = run(script, ["bootstrap"], { env: settings });
  if ((await bootstrap.ended).code !== 0) throw new Error(`bootstrap failed: ${bootstrap.stderr()}`);
  const members: Member[] = [];

  async function member(workers = 1): Promise<Member> {
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    let running: Running | undefined;
    const arrivals = join(home.dataDir, `arrivals-${port}`);
    const member: Member = {
      port,
      url,
      async start() {
        const args = workers === 1 ? ["serve"] : ["serve", "--workers", String(workers)];
        running = run(script, args, {
          env: { ...settings, ...noting(arrivals), PORT: String(port), PUBLIC_URL: url },
        });
        await running.said("bakehouse: ready");
      },
      async replaceWorkers() {
        if (running === undefined) throw new Error("it does not run");
        const done = () => running?.stdout().match(/"event":"workers restarted"/g)?.length ?? 0;
        const before = done();
        process.kill(running.pid, "SIGHUP");
        await until(() => done() > before);
      },
      async stop() {
        if (running === undefined) throw new Error("it does not run");
        const begun = calmNow();
        const ending = await running.end("SIGTERM");
        running = undefined;
        return { ...ending, milliseconds: calmNow() - begun };
      },
      async end() {
        await running?.end("SIGTERM");
        running = undefined;
      },
      accepted: (caller) => hasAccepted(arrivals, caller),
      async kill() {
        await running?.end("SIGKILL");
        running = undefined;
      },
    };
    members.push(member);
    return member;
  }

  return {
    member,
    async prepare(url) {
      const client = createClient(url);
      const admin = { token: credential(home, "admin.token") };
      const platform = { token: credential(home, "default.token") };
      const policy = { rules: [{ max_ttl: 3600, on_behalf_of: true }] };
      const changed = await client.call("PUT", "/v1/platforms/default/policy", { as: admin, body: policy });
      if (changed.status !== 200) throw new Error(`the policy was not changed: ${changed.status}`);
      const body = { platform: "default", on_behalf_of: { subject: "alice" } };
      const { token } = await client.issue(platform, body);
      return { credential: platform.token, token, pending: await askForever(client, platform, url) };
    },
    async close() {
      for (const each of members) await each.kill();
      home.remove();
    },
  };
}

/** Asks for a discharge that a person would have to grant. */
async function askForever(
  client: ReturnType<typeof createClient>,
  platform: { readonly token: string },
  url: string,
): Promise<Asked["pending"]> {
  const gate = [{ location: url, condition: "approved-by alice Nobody answers" }];
  const body = { platform: "default", on_behalf_of: { subject: "alice" }, third_party_caveats: gate };
  const { token } = await client.issue(platform, body);
  const refused = await client.verify(platform, token);
  const ticket = "undischarged" in refused ? refused.undischarged?.[0]?.caveat_id : undefined;
  const asked = await client.call("POST", "/v1/discharge", { body: { caveat_id: ticket, token } });
  const waiting: unknown = asked.body;
  if (asked.status !== 202 || typeof waiting !== "object" || waiting === null) {
    throw new Error(`no discharge can be waited for: ${asked.status}`);
  }
  const { id, secret } = waiting as Readonly<Record<string, unknown>>;
  if (typeof id !== "string" || typeof secret !== "string")
    throw new Error("a discharge without id or secret");
  return { id, secret };
}
