import { afterAll, beforeAll, expect, test } from "vitest";

import { raw } from "../storage/raw.ts";
import { type PostgresServer, startPostgres } from "../support/postgres-server.ts";
import { run } from "../support/process.ts";
import { builtBundle } from "../support/process-bundle.ts";
import { createClient } from "../support/process-client.ts";
import {
  credential,
  type Home,
  newHome,
  type RunningService,
  startService,
} from "../support/process-service.ts";
import { until } from "../support/until.ts";

const TIMEOUT = 180_000;

let server: PostgresServer;
let home: Home;
let service: RunningService;

beforeAll(async () => {
  server = await startPostgres({ fsync: false });
  home = newHome(server.url);
  expect((await run(builtBundle(), ["bootstrap"], { env: home.env }).ended).code).toBe(0);
  service = await startService(builtBundle(), home, { REVOCATION_MAX_STALENESS: "10s" });
}, TIMEOUT);

afterAll(async () => {
  await service?.end("SIGTERM");
  home?.remove();
  await server?.stop();
});

type Checks = readonly { readonly name: string; readonly ok: boolean; readonly detail?: string }[];

/** The answer of `/readyz`, with the checks that failed. */
async function readiness(query = "", as?: { readonly token: string }) {
  const { status, body } = await createClient(service.url).call("GET", `/readyz${query}`, { as });
  const { checks = [] } = body as { readonly checks?: Checks };
  return { status, failed: checks.filter(({ ok }) => !ok) };
}

const isReady = async (query = "") => (await readiness(query)).status === 200;

async function issue(): Promise<number> {
  const as = { token: credential(home, "default.token") };
  const body = { platform: "default", on_behalf_of: { subject: "alice" } };
  return (await createClient(service.url).call("POST", "/v1/tokens", { as, body })).status;
}

async function allowOnBehalf(): Promise<void> {
  const as = { token: credential(home, "admin.token") };
  const body = { rules: [{ max_ttl: 3600, on_behalf_of: true }] };
  const { status } = await createClient(service.url).call("PUT", "/v1/platforms/default/policy", {
    as,
    body,
  });
  expect(status).toBe(200);
}

test("a full disk ends the readiness for writes alone, until there is room again", {
  timeout: TIMEOUT,
}, async () => {
  await allowOnBehalf();
  expect([await isReady(), await isReady("?for=write"), await issue()]).toEqual([true, true, 201]);
  await raw(
    server.url,
    `create function full_disk() returns trigger language plpgsql as
       $$ begin raise exception 'could not extend file' using errcode = '53100'; end $$;
     create trigger full_disk before insert on audit_events execute function full_disk()`,
  );
  // As many as would open the circuit breaker, if it took them for an outage.
  for (let time = 0; time < 5; time++) expect(await issue()).toBe(503);
  expect(await readiness("?for=write")).toEqual({ status: 503, failed: [{ name: "changes", ok: false }] });
  expect(await isReady()).toBe(true);
  const told = await readiness("?for=write", { token: credential(home, "default.token") });
  expect(told.failed).toEqual([
    { name: "changes", ok: false, detail: "the database has no room on its disk (sqlstate 53100)" },
  ]);
  await raw(server.url, "drop trigger full_disk on audit_events");
  await until(() => isReady("?for=write"));
  expect(await issue()).toBe(201);
});

test("a server that becomes read only ends it as well", { timeout: TIMEOUT }, async () => {
  const set = (to: string) =>
    raw(server.url, `alter system ${to}`).then(() => raw(server.url, "select pg_reload_conf()"));
  await set("set default_transaction_read_only = on");
  try {
    await until(async () => !(await isReady("?for=write")));
    expect((await readiness("?for=write")).failed).toEqual([{ name: "changes", ok: false }]);
    expect(await isReady()).toBe(true);
    // A new connection finds out and says in each transaction that it writes, as one at a start does.
    await until(() => isReady("?for=write"));
    expect(await issue()).toBe(201);
  } finally {
    await set("reset default_transaction_read_only");
  }
});

test("a database that dies ends it at once, and the one for verify at the bound", {
  timeout: TIMEOUT,
}, async () => {
  await until(() => isReady("?for=write"));
  await server.crash();
  const away = [
    { name: "database", ok: false },
    { name: "changes", ok: false },
  ];
  expect(await readiness("?for=write")).toEqual({ status: 503, failed: away });
  expect(await isReady()).toBe(true);
  await until(async () => !(await isReady()));
  expect((await readiness()).failed).toEqual([{ name: "revocations", ok: false }]);
  // What keeps it from knowing more is what an operator wants to be told.
  const told = await readiness("?for=write", { token: credential(home, "admin.token") });
  expect(told.failed.map(({ name, detail }) => `${name}: ${detail}`)).toEqual([
    "revocations: this replica's knowledge of revocations is too old to allow anything",
    "database: the database does not answer",
    "changes: the database does not answer",
  ]);
  await server.restart();
  await until(async () => (await isReady()) && (await isReady("?for=write")));
});
