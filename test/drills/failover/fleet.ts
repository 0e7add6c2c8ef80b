import { run } from "../../support/process.ts";
import { type Answer, createClient } from "../../support/process-client.ts";
import { noteSecret } from "../../support/process-logs.ts";
import {
  credential,
  type Home,
  newHome,
  type RunningService,
  startService,
} from "../../support/process-service.ts";
import { startTcpProxy, type TcpProxy } from "../../support/tcp-proxy.ts";

/** Milliseconds: how old a replica's knowledge may be in drills. */
export const BOUND = 4_000;

/** A database server. */
export interface Server {
  readonly url: string;
}

/** A replica in a process of its own, whose way to the database can be led elsewhere. */
export interface Replica {
  readonly name: string;
  /** Leads it to a database server, or nowhere. */
  lead(server: Server | undefined): void;
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

/** Replicas of one service, each a bundled command in a process of its own. */
export interface Fleet {
  /**
   * Starts a replica. The data folder is its name's, so that a replica of the same name remembers what this one knew.
   *
   * @param otherScript a bundled command in place of the one that is drilled
   */
  start(
    name: string,
    server: Server,
    env?: Readonly<Record<string, string>>,
    otherScript?: string,
  ): Promise<Replica>;
  /** Runs a command of the service against a server. */
  command(
    server: Server,
    ...args: readonly string[]
  ): Promise<{ readonly code: number | null; readonly said: string }>;
  /** The platform's credential as it is now. */
  platform(): { readonly token: string };
  /** Rejects where a token is not issued. */
  issue(at: Replica, count: number): Promise<readonly string[]>;
  /** Asks a replica of each token. Where it does not answer at all, that counts as a 503. */
  ask(at: Replica, tokens: readonly string[], minSequence?: string): Promise<Answers>;
  revoke(at: Replica, token: string): Promise<Revoked>;
  close(): Promise<void>;
}

/** Makes a service's first platforms, and replicas of it. @param bootstrapBy the bundled command that makes the database */
export async function openFleet(script: string, server: Server, bootstrapBy = script): Promise<Fleet> {
  const owner = newHome(server.url);
  const homes = new Map<string, Home>();
  const replicas: Replica[] = [];
  const proxies: TcpProxy[] = [];
  const platform = () => ({ token: credential(owner, "default.token") });
  const client = (at: Replica) => createClient(at.service?.url ?? "http://127.0.0.1:1");
  const portOf = ({ url }: Server) => Number(new URL(url).port);
  const member = ({ body }: Answer, name: string): unknown => Reflect.get(Object(body), name);

  function homeOf(name: string): Home {
    const home = homes.get(name) ?? newHome(server.url);
    homes.set(name, home);
    return home;
  }

  async function commandOf(by: string, at: Server, args: readonly string[]) {
    const running = run(by, args, { env: { ...owner.env, DATABASE_URL: at.url } });
    const { code } = await running.ended;
    return { code, said: running.stderr() };
  }

  async function call(
    at: Replica,
    path: string,
    body: unknown,
    as?: { readonly token: string },
  ): Promise<Answer> {
    return client(at)
      .call("POST", path, { as, body })
      .catch((error: unknown) => ({
        status: 0,
        headers: new Headers(),
        text: "",
        body: { detail: `no connection (${String(error)})` },
      }));
  }

  const made = await commandOf(bootstrapBy, server, ["bootstrap"]);
  if (made.code !== 0) throw new Error(`no bootstrap: ${made.said}`);
  return {
    async start(name, at, env = {}, otherScript = script) {
      const proxy = await startTcpProxy(portOf(at));
      proxies.push(proxy);
      const settings = {
        MASTER_KEY: owner.env["MASTER_KEY"] ?? "",
        DATABASE_URL: proxy.through(at.url),
        REVOCATION_MAX_STALENESS: `${BOUND}ms`,
        LOG_LEVEL: "info",
        ...env,
      };
      let service: RunningService | undefined;
      let refusal = "";
      try {
        service = await startService(otherScript, homeOf(name), settings);
      } catch (error) {
        refusal = error instanceof Error ? error.message : "";
      }
      const replica: Replica = {
        name,
        service,
        refusal: refusal.slice(refusal.lastIndexOf("bakehouse: ") + "bakehouse: ".length).trim(),
        lead: (to) => proxy.lead(to === undefined ? undefined : portOf(to)),
        async stop() {
          await service?.end("SIGKILL");
        },
      };
      replicas.push(replica);
      return replica;
    },
    platform,
    command: (at, ...args) => commandOf(script, at, args),
    async issue(at, count) {
      const tokens: string[] = [];
      for (let n = 0; n < count; n += 1) {
        const body = { platform: "default", on_behalf_of: { subject: `person ${n}` } };
        // Only the token is read: an older version answers with less besides.
        const answer = await call(at, "/v1/tokens", body, platform());
        const token = member(answer, "token");
        if (typeof token !== "string") throw new Error(`nothing was issued: ${answer.status} ${answer.text}`);
        noteSecret(token);
        tokens.push(token);
      }
      return tokens;
    },
    async ask(at, tokens, minSequence) {
      const count = { allowed: 0, refused: 0, unanswered: 0, reason: "" };
      for (const token of tokens) {
        const body = {
          token,
          context: {},
          ...(minSequence === undefined ? {} : { min_sequence: minSequence }),
        };
        const answer = await call(at, "/v1/verify", body, platform());
        if (answer.status === 200 && member(answer, "allowed") === true) count.allowed += 1;
        else if (answer.status === 200) count.refused += 1;
        else {
          count.unanswered += 1;
          count.reason = `${answer.status}: ${member(answer, "detail") ?? ""}`;
        }
      }
      return count;
    },
    async revoke(at, token) {
      const answer = await call(at, "/v1/revocations", { targets: [{ token }] });
      const sequence = answer.status === 200 ? member(answer, "sequence") : undefined;
      return {
        sequence: typeof sequence === "string" ? sequence : undefined,
        reason: answer.status === 200 ? "" : `${answer.status}: ${member(answer, "detail") ?? ""}`,
      };
    },
    async close() {
      for (const replica of replicas) await replica.stop();
      for (const proxy of proxies) await proxy.close();
      for (const home of [owner, ...homes.values()]) home.remove();
    },
  };
}
