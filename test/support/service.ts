import { randomBytes } from "node:crypto";
import { readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

import { getRequestListener } from "@hono/node-server";
import { afterAll, beforeAll, expect } from "vitest";
import type { z } from "zod";
import type { AuditSettings } from "../../src/domain/audit/open.ts";
import type { WaitingLimits } from "../../src/domain/discharge/limits.ts";
import { createSealing } from "../../src/domain/keys/sealing.ts";
import { Secret } from "../../src/domain/keys/secret.ts";
import type { DocumentFetch } from "../../src/domain/oauth/outside.ts";
import type { Assertions, IdTokens, RelyingParty } from "../../src/domain/ports/identity.ts";
import type { Randomness } from "../../src/domain/ports/randomness.ts";
import type { Steps } from "../../src/domain/ports/steps.ts";
import type { Webhook } from "../../src/domain/ports/webhook.ts";
import type { CredentialFiles } from "../../src/domain/upkeep/credential-files.ts";
import { createApp } from "../../src/http/app.ts";
import { createListener } from "../../src/http/fast/direct.ts";
import type { FaultEvent } from "../../src/http/log/log.ts";
import { createDeparture } from "../../src/http/serving/departure.ts";
import type { policySchema } from "../../src/http/wire/policy.ts";
import type { problemSchema } from "../../src/http/wire/problem.ts";
import type { revocationSchema } from "../../src/http/wire/revocation.ts";
import type { issuedTokenSchema } from "../../src/http/wire/token.ts";
import type { allowedSchema, refusedSchema } from "../../src/http/wire/verdict.ts";
import { clientAssertions } from "../../src/oidc/client-assertion.ts";
import { type Composed, compose } from "../../src/run/compose.ts";
import { credentialFiles } from "../../src/run/data-dir.ts";
import { systemRandomness, unwatchedSteps } from "../../src/run/system.ts";
import { breaches, OPENAPI_TEXT } from "./contract.ts";
import { type DatabaseKind, databasesOfRun, describeOn, openTestStore, type TestStore } from "./database.ts";
import { SMALL_POOL } from "./process-service.ts";
import { scratchFolder } from "./scratch.ts";
import { createTestClock, type TestClock } from "./service-clock.ts";
import {
  noAssertions,
  noDocuments,
  noRelyingParty,
  OWN_ISSUER,
  stubIdToken,
  stubIdTokens,
  type TestHuman,
} from "./service-people.ts";
import { type WatchedStore, watchStore } from "./service-store.ts";

export type Issued = z.infer<typeof issuedTokenSchema>;
export type Allowed = z.infer<typeof allowedSchema>;
export type Refused = z.infer<typeof refusedSchema>;
export type Problem = z.infer<typeof problemSchema>;
export type Policy = z.infer<typeof policySchema>;
export type Revoked = {
  readonly revocations: readonly z.infer<typeof revocationSchema>[];
  readonly sequence: string;
};
type Headers = Readonly<Record<string, string>>;

/** An answer that openapi.yaml describes: that was checked before a test sees it. */
export interface Answer {
  readonly status: number;
  readonly headers: Response["headers"];
  readonly text: string;
  /** The body as JSON, taken for what the test expects it to be. */
  json<T = Readonly<Record<string, unknown>>>(): T;
}

/** What of a service a test may choose. */
export interface ReplicaOptions {
  /** Whether this start has the development identity provider; its principals get marked. */
  readonly isDevelopment?: boolean;
  readonly webhook?: Webhook;
  readonly idTokens?: IdTokens;
  /** Nobody asserts anything unless said. */
  readonly assertions?: Assertions;
  readonly relyingParty?: RelyingParty;
  /** What OAuth clients say of themselves; nothing is fetched unless said. */
  readonly documents?: DocumentFetch;
  readonly ownIssuer?: string;
  /** Issuers that people log in with besides the own one. */
  readonly otherTenants?: readonly string[];
  readonly masterKey?: Secret;
  readonly previousMasterKey?: Secret;
  readonly randomness?: Randomness;
  readonly steps?: Steps;
  readonly files?: CredentialFiles;
  readonly stalenessMilliseconds?: number;
  /** How many requests for discharges may wait, where that differs from the usual. */
  readonly waiting?: Partial<WaitingLimits>;
  /** How long a client of macaroon-bakery waits in one request, milliseconds. */
  readonly waitMilliseconds?: number;
  /** How far the service's clock and the database's may be apart, milliseconds. */
  readonly clockTolerance?: number;
  /** Pause between two heartbeats of a stream of the log. */
  readonly heartbeatMilliseconds?: number;
  readonly publicUrl?: string;
  /** Of the audit log; no replica of a test grows the tree by itself unless said, and no decision is recorded. */
  readonly audit?: AuditSettings;
  /** Where its credential files lie; a folder of its own for a replica on another machine. */
  readonly folder?: string;
}

export interface TestServiceOptions extends ReplicaOptions {
  readonly kind: DatabaseKind;
  /** When the test begins, unix milliseconds: both clocks are moved there. The machine's time unless said. */
  readonly beginAt?: number;
  /** Whether the first platforms are made and the service is started; true unless said. */
  readonly start?: boolean;
}

/** One service in this process. */
export interface TestReplica extends Composed {
  readonly publicUrl: string;
  readonly faults: readonly FaultEvent[];
  /** What reporting has heard: problems of the feed and of maintenance. */
  readonly reports: readonly string[];
  /** Sends a request through the app. The header `x-test-peer` says from where. */
  request(path: string, init?: RequestInit): Promise<Answer>;
  /** Sends JSON; a text is sent as it is. */
  send(method: string, path: string, body: unknown, headers?: Headers): Promise<Answer>;
  get(path: string, headers?: Headers): Promise<Answer>;
  /** Waits until the log has been read recently, so that a test has most of the bound before it. */
  fresh(): Promise<void>;
  /** Serves on a port of 127.0.0.1 until the returned function is called. */
  listen(): Promise<{ readonly url: string; close(): Promise<void> }>;
}

/** A service on a database of its own, with two platforms made as a first start makes them. */
export interface TestService extends TestReplica {
  readonly kind: DatabaseKind;
  readonly database: TestStore;
  readonly watched: WatchedStore;
  readonly clock: TestClock;
  readonly masterKey: Secret;
  /** Where the credential files are. */
  readonly folder: string;
  /** The administrator's credential. */
  readonly adminToken: string;
  asAdmin(): Headers;
  /** The credential of a platform that was made here. */
  asPlatform(name?: string): Headers;
  asHuman(human: string | TestHuman): Headers;
  /** Makes a platform with a credential; everyone of the own issuer is admitted unless said otherwise. */
  createPlatform(name: string, policy?: Policy): Promise<string>;
  /** Issues for alice on `default`, unless said otherwise. */
  issue(request?: Readonly<Record<string, unknown>>, as?: string | TestHuman): Promise<Issued>;
  verify(token: string, context?: object, more?: object, platform?: string): Promise<Allowed | Refused>;
  /** Revokes and expects that it worked. */
  revoke(targets: readonly object[], headers?: Headers): Promise<Revoked>;
  /** Moves the service's clocks and the database's, and waits until the log has been read again. */
  advance(milliseconds: number): Promise<void>;
  /** Another service on the same database, as on another machine or after a restart; not started yet. */
  replica(options?: ReplicaOptions): TestReplica;
  /** Stops everything that was started here. */
  close(): Promise<void>;
}

/** A policy that admits everyone of the service's own issuer, and the platform's word. */
const OPEN_POLICY: Policy = { rules: [{ max_ttl: 7_776_000, on_behalf_of: true }] };

const DOCS_FOLDER = dirname(fileURLToPath(import.meta.resolve("swagger-ui-dist/package.json")));

/** The staleness bound of most tests, milliseconds: a busy machine may stand still for seconds. */
const STALENESS = 10_000;

/**
 * Between two reads of the log, milliseconds, or a tenth of the bound where that is less. A test that moves the clock has the log
 * read by itself: with many services in a run, reading all the time costs more than what they are asked.
 */
const POLL = 1_000;

export function bearer(token: string): Headers {
  return { authorization: `Bearer ${token}` };
}

interface Shared {
  readonly watched: WatchedStore;
  readonly clock: TestClock;
  readonly folder: string;
  readonly masterKey: Secret;
}

function createReplica({ watched, clock, ...shared }: Shared, options: ReplicaOptions): TestReplica {
  const {
    isDevelopment = false,
    ownIssuer = OWN_ISSUER,
    randomness = systemRandomness,
    stalenessMilliseconds = STALENESS,
    publicUrl = "http://127.0.0.1:8080",
    folder = shared.folder,
  } = options;
  const reports: string[] = [];
  const composed = compose({
    store: watched.store,
    sealing: createSealing({
      masterKey: options.masterKey ?? shared.masterKey,
      previous: options.previousMasterKey,
      randomness,
    }),
    clock,
    randomness,
    steps: options.steps ?? unwatchedSteps,
    idTokens: options.idTokens ?? stubIdTokens(isDevelopment),
    assertions: options.assertions ?? noAssertions,
    relyingParty: options.relyingParty ?? noRelyingParty,
    documents: options.documents ?? noDocuments,
    clientAssertions,
    files: options.files ?? credentialFiles(folder),
    publicUrl,
    webhook: options.webhook,
    ownIssuer,
    loginIssuers: new Set([ownIssuer, ...(options.otherTenants ?? [])]),
    isDevelopment,
    adminGroups: ["admins"],
    stalenessMilliseconds,
    audit: { decisions: "none", integrates: false, ...options.audit },
    waiting: options.waiting,
    ...(options.waitMilliseconds !== undefined && { waitMilliseconds: options.waitMilliseconds }),
    ...(options.clockTolerance !== undefined && { clockTolerance: options.clockTolerance }),
    follow: {
      pollMilliseconds: Math.min(POLL, stalenessMilliseconds / 10),
      ...(options.heartbeatMilliseconds !== undefined && {
        heartbeatMilliseconds: options.heartbeatMilliseconds,
      }),
    },
    report: {
      feed: (problem) => reports.push(`feed: ${problem ?? "works again"}`),
      clocks: (problem) => reports.push(`clocks: ${problem ?? "agree again"}`),
      fenced: () => reports.push("fenced"),
      full: (limit, most) => reports.push(`full: ${limit} ${most}`),
      maintenance: (task, error) =>
        reports.push(`${task}: ${error instanceof Error ? error.message : "unknown"}`),
    },
  });

  const faults: FaultEvent[] = [];
  const parts = {
    service: composed.service,
    publicUrl,
    log: { request: () => {}, fault: (event: FaultEvent) => void faults.push(event), failure: () => {} },
    clock,
    version: "0.0.0",
    openapi: OPENAPI_TEXT,
    docsFolder: DOCS_FOLDER,
  };
  const app = createApp({ ...parts, peer: (c) => c.req.header("x-test-peer") ?? "192.0.2.7" });

  async function request(path: string, init: RequestInit = {}): Promise<Answer> {
    const url = new URL(path, publicUrl);
    const response = await app.request(url.href, init);
    const method = init.method ?? "GET";
    expect(await breaches(method, url.pathname, response), `${method} ${path}`).toEqual([]);
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      text,
      json: <T>() => JSON.parse(text) as T,
    };
  }

  return {
    ...composed,
    publicUrl,
    faults,
    reports,
    request,
    send: (method, path, body, headers = {}) =>
      request(path, {
        method,
        headers: { "content-type": "application/json", ...headers },
        body: typeof body === "string" ? body : JSON.stringify(body),
      }),
    get: (path, headers = {}) => request(path, { headers }),
    async fresh() {
      while (composed.knowledge.age() > stalenessMilliseconds / 4) {
        watched.wake();
        await sleep(10);
      }
    },
    async listen() {
      const handled = getRequestListener(createApp(parts).fetch);
      const server = createServer(
        createListener(parts, (incoming, outgoing) => void handled(incoming, outgoing), createDeparture()),
      );
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      const address = server.address();
      if (address === null || typeof address === "string") throw new Error("no port");
      return {
        url: `http://127.0.0.1:${address.port}`,
        close: () =>
          new Promise((resolve) => {
            server.close(() => resolve());
            server.closeAllConnections();
          }),
      };
    },
  };
}

/** Starts a service in this process on an empty database; whoever asked must close it. */
export async function startTestService({
  kind,
  beginAt,
  start = true,
  ...options
}: TestServiceOptions): Promise<TestService> {
  const database = await openTestStore({ kind, connections: Number(SMALL_POOL.DATABASE_POOL) });
  const clock = createTestClock();
  if (beginAt !== undefined) {
    const shift = beginAt - Date.now();
    clock.shiftWall(shift);
    database.shift(shift);
  }
  const watched = watchStore(database.store);
  const folder = options.folder ?? scratchFolder("service");
  const masterKey = options.masterKey ?? new Secret(new Uint8Array(randomBytes(32)));
  const shared: Shared = { watched, clock, folder, masterKey };
  const replicas: TestReplica[] = [];
  const credentials = new Map<string, string>();

  function replica(more: ReplicaOptions = {}): TestReplica {
    const made = createReplica(shared, { ...options, ...more });
    replicas.push(made);
    return made;
  }

  const first = replica();
  if (start) {
    await first.bootstrap.run(false);
    await first.start();
  }
  const readToken = (file: string) => readFileSync(join(folder, file), "utf8").trim();

  function asPlatform(name = "default"): Headers {
    const token = name === "default" ? readToken("default.token") : credentials.get(name);
    if (token === undefined) throw new Error(`no credential of ${name}`);
    return bearer(token);
  }
  const asAdmin = () => bearer(readToken("admin.token"));
  const asHuman = (human: string | TestHuman) =>
    bearer(stubIdToken(typeof human === "string" ? { subject: human } : human));

  async function expectStatus(status: number, answer: Answer): Promise<Answer> {
    expect(answer.status, answer.text).toBe(status);
    return answer;
  }

  return {
    ...first,
    kind,
    database,
    watched,
    clock,
    masterKey,
    folder,
    get adminToken() {
      return readToken("admin.token");
    },
    asAdmin,
    asPlatform,
    asHuman,
    replica,

    async createPlatform(name, policy = OPEN_POLICY) {
      await expectStatus(201, await first.send("POST", "/v1/platforms", { name, policy }, asAdmin()));
      const made = await first.send("POST", `/v1/platforms/${name}/credentials`, {}, asAdmin());
      const { token } = (await expectStatus(201, made)).json<Issued>();
      credentials.set(name, token);
      return token;
    },

    async issue(request = {}, as = "alice") {
      const answer = await first.send("POST", "/v1/tokens", { platform: "default", ...request }, asHuman(as));
      return (await expectStatus(201, answer)).json<Issued>();
    },

    async verify(token, context = {}, more = {}, platform = "default") {
      const answer = await first.send(
        "POST",
        "/v1/verify",
        { token, context, ...more },
        asPlatform(platform),
      );
      return (await expectStatus(200, answer)).json<Allowed | Refused>();
    },

    async revoke(targets, headers = {}) {
      const answer = await first.send("POST", "/v1/revocations", { targets }, headers);
      return (await expectStatus(200, answer)).json<Revoked>();
    },

    async advance(milliseconds) {
      database.shift(milliseconds);
      clock.advance(milliseconds);
      await first.fresh();
    },

    async close() {
      for (const { stop } of replicas) await stop();
      await database.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/**
 * Runs a suite against a service on each database, as `[pglite] name` and `[postgres] name`. The tests of
 * a suite share the service, so each makes what it needs; and none of them may cause a fault.
 *
 * @param options of the service, and the databases: those of the run unless said
 */
export function describeService(
  name: string,
  suite: (service: () => TestService, kind: DatabaseKind) => void,
  {
    kinds = databasesOfRun(),
    ...options
  }: Omit<TestServiceOptions, "kind"> & { readonly kinds?: readonly DatabaseKind[] } = {},
): void {
  for (const kind of kinds) {
    describeOn(kind, name, () => {
      let started: TestService | undefined;
      beforeAll(async () => {
        started = await startTestService({ ...options, kind });
      });
      afterAll(async () => {
        await started?.close();
        expect(started?.faults).toEqual([]);
      });
      suite(() => {
        if (started === undefined) throw new Error("the service has not been started");
        return started;
      }, kind);
    });
  }
}
