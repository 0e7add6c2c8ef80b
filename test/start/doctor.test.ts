/** `bakehouse doctor` finds what is wrong, says what to do, and changes nothing; `bakehouse rewrap` ends as scripts need it. */
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";

import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";

import { findingText } from "../../src/run/operator/finding.ts";
import { replicationFinding } from "../../src/run/operator/replication.ts";
import { lockFolder } from "../../src/storage/engine/folder-lock.ts";
import { raw } from "../storage/raw.ts";
import { emptyDatabaseUrl } from "../support/database.ts";
import { copyEmbedded } from "../support/embedded-template.ts";
import { type FakeIssuer, startFakeIssuer } from "../support/fake-issuer.ts";
import { atLength } from "../support/form.ts";
import { ownCommand } from "../support/own-command.ts";
import { scratchFolder } from "../support/scratch.ts";

type Environment = Readonly<Record<string, string>>;

interface Checked {
  readonly name: string;
  readonly state: string;
  readonly detail: string;
  readonly cure?: string;
}

/** What the doctor finds, by name, and how it ends. */
async function doctor(environment: Environment) {
  const { code, said, stdout } = await ownCommand(["doctor", "--json"], environment);
  const { ok, checks }: { readonly ok: boolean; readonly checks: readonly Checked[] } = JSON.parse(stdout);
  expect(ok).toBe(code === 0);
  return { code, said, checks, states: Object.fromEntries(checks.map(({ name, state }) => [name, state])) };
}

const of = (checks: readonly Checked[], name: string) => checks.filter((check) => check.name === name);

const newKey = () => randomBytes(32).toString("base64");

/** A port at which nobody listens. */
async function closedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** What a command said besides its progress, of which a busy machine has more. */
const results = (said: readonly string[]) => said.filter((line) => !line.includes(" looked at; "));

/** A receiver of notices, which answers so. */
async function receiver(status: number): Promise<string> {
  const server = createServer((_, response) => response.writeHead(status).end());
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook-with-a-secret`;
}

describe("[pglite] the doctor of a service with the embedded database", () => {
  let dataDir: string;
  let environment: Environment;
  beforeAll(async () => {
    dataDir = scratchFolder("doctor");
    environment = { DATA_DIR: dataDir, LOG_LEVEL: "silent" };
    // Made once for all tests: a database that is made anew takes half a minute on a busy machine.
    await copyEmbedded(join(dataDir, "database"));
    expect((await ownCommand(["bootstrap"], environment)).code).toBe(0);
  });
  /** Settings of a service that has no database yet: nothing is opened. */
  const beforeTheFirstStart = () => ({ DATA_DIR: join(dataDir, "elsewhere"), LOG_LEVEL: "silent" });
  afterAll(() => rmSync(dataDir, { recursive: true, force: true }));

  test("has nothing to look at before the first start, and makes nothing", async () => {
    const { code, states } = await doctor(beforeTheFirstStart());
    expect({ code, states }).toMatchObject({ code: 0, states: { database: "skipped", node: "ok" } });
    expect(existsSync(beforeTheFirstStart().DATA_DIR)).toBe(false);
  });

  test("finds all in order, and warns of the development identity provider", async () => {
    const { code, said, states } = await doctor(environment);
    expect(states).toEqual({
      node: "ok",
      configuration: "ok",
      database: "ok",
      clock: "ok",
      schema: "ok",
      changes: "ok",
      "revocation log": "ok",
      "master key": "ok",
      issuer: "warning",
      webhook: "skipped",
    });
    expect([code, said]).toEqual([0, []]);
  });

  test("prints a line for each, for people", async () => {
    const { stdout, code } = await ownCommand(["doctor"], beforeTheFirstStart());
    expect(code).toBe(0);
    const lines = stdout.split("\n");
    expect(lines).toHaveLength(5);
    expect(lines[0]).toMatch(/^ok {7}node: version /);
    expect(lines).toContainEqual(
      "warning  issuer: the development identity provider: anyone on this machine signs in as anyone; set OIDC_ISSUER before anybody relies on the tokens",
    );
  });

  test("says every problem of the settings, and that it looked at nothing else", async () => {
    const { code, checks, said } = await doctor({
      ...environment,
      PORT: "many",
      RETENTION: "1d",
      OIDC_ISUER: "x",
    });
    expect(code).toBe(1);
    expect(checks.map(({ name, state }) => `${name} ${state}`)).toEqual([
      "node ok",
      "configuration failed",
      "configuration failed",
      "configuration warning",
      "configuration skipped",
    ]);
    expect(said).toEqual(["bakehouse: 2 of 5 checks failed"]);
  });

  test("says that a Node is too old", async () => {
    const { stdout, code } = await ownCommand(["doctor"], beforeTheFirstStart(), "22.1.0");
    expect(code).toBe(1);
    expect(stdout).toContain(
      "FAILED   node: version 22.1.0; the service runs on Node 26 or later: install one",
    );
  });

  test("leaves a database alone that a service has", async () => {
    const lock = lockFolder(join(dataDir, "database"));
    onTestFinished(() => lock.release());
    const { code, checks } = await doctor(environment);
    expect(code).toBe(0);
    expect(of(checks, "database")).toMatchObject([
      { state: "skipped", cure: expect.stringContaining("/readyz") },
    ]);
  });

  test("misses the master key, and tells keys that no key opens", async () => {
    const path = join(dataDir, "master.key");
    renameSync(path, `${path}.away`);
    onTestFinished(() => renameSync(`${path}.away`, path));
    expect(of((await doctor(environment)).checks, "master key")).toMatchObject([
      { state: "failed", detail: `${dataDir} has no file master.key` },
    ]);
    expect(existsSync(path)).toBe(false);
    const { code, checks } = await doctor({ ...environment, MASTER_KEY: newKey() });
    expect(code).toBe(1);
    expect(of(checks, "master key")).toMatchObject([{ state: "failed", detail: "root keys: 2 do not open" }]);
  });

  test("looks at the webhook, and repeats nothing of its address but the origin", async () => {
    const webhook = { WEBHOOK_SECRET: newKey() };
    for (const [status, state] of [
      [405, "ok"],
      [503, "warning"],
      [301, "warning"],
    ] as const) {
      const url = await receiver(status);
      const { checks } = await doctor({ ...beforeTheFirstStart(), ...webhook, WEBHOOK_URL: url });
      expect(of(checks, "webhook"), String(status)).toMatchObject([{ state }]);
      expect(JSON.stringify(checks)).not.toContain("hook-with-a-secret");
    }
    const gone = await closedPort();
    const nobody = { WEBHOOK_URL: `http://127.0.0.1:${gone}/`, ...webhook };
    expect(of((await doctor({ ...beforeTheFirstStart(), ...nobody })).checks, "webhook")).toMatchObject([
      { state: "failed", detail: `http://127.0.0.1:${gone}: it refuses connections (ECONNREFUSED)` },
    ]);
  });

  atLength(() => {
    test("a master key is changed by rewrap, and the doctor says where that stands", async () => {
      const folder = scratchFolder("rewrap");
      onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
      const [old, fresh] = [newKey(), newKey()];
      const base = { DATA_DIR: folder, LOG_LEVEL: "silent" };
      await copyEmbedded(join(folder, "database"));
      expect((await ownCommand(["bootstrap"], { ...base, MASTER_KEY: old })).code).toBe(0);
      const both = { ...base, MASTER_KEY: fresh, MASTER_KEY_PREVIOUS: old };
      expect(of((await doctor(both)).checks, "master key")).toMatchObject([
        { state: "warning", cure: "keep it; `bakehouse rewrap` seals them under MASTER_KEY" },
      ]);
      // With a wrong one nothing is changed.
      const wrong = await ownCommand(["rewrap"], { ...base, MASTER_KEY: fresh });
      expect(wrong.code).toBe(1);
      expect(results(wrong.said)[0]).toBe(
        "bakehouse: 0 values were sealed anew, and MASTER_KEY_PREVIOUS must not be dropped yet",
      );
      expect(results(wrong.said)[1]).toMatch(/^bakehouse: 2 root keys open under neither /);

      const done = await ownCommand(["rewrap"], both);
      expect(done).toMatchObject({ code: 0 });
      expect(results(done.said)).toEqual([
        expect.stringMatching(/^bakehouse: all is sealed under MASTER_KEY: [2-9] values were not before$/),
        expect.stringMatching(/^bakehouse: MASTER_KEY_PREVIOUS may be dropped, /),
      ]);
      expect(await ownCommand(["rewrap", "--json"], both)).toMatchObject({
        code: 0,
        stdout: JSON.stringify({ done: true, resealed: 0, unopened: {} }),
      });
      expect((await doctor({ ...base, MASTER_KEY: fresh })).code).toBe(0);
    });
  });

  test("rewrap has nothing to do before the first start", async () => {
    const folder = scratchFolder("none");
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    mkdirSync(folder, { recursive: true });
    expect(await ownCommand(["rewrap"], { DATA_DIR: folder, LOG_LEVEL: "silent" })).toMatchObject({
      code: 0,
      said: ["bakehouse: there is no master key yet, and nothing that is sealed"],
    });
    expect((await ownCommand(["rewrap", "now"], { DATA_DIR: folder })).code).toBe(2);
  });
});

describe("[postgres] the doctor of a service with a server", () => {
  let issuer: FakeIssuer;
  let url: string;
  let environment: Environment;
  let dataDir: string;
  const roles: string[] = [];

  beforeAll(async () => {
    issuer = await startFakeIssuer();
    url = await emptyDatabaseUrl();
    dataDir = scratchFolder("doctor-server");
    environment = {
      DATABASE_URL: url,
      DATA_DIR: dataDir,
      MASTER_KEY: newKey(),
      OIDC_ISSUER: issuer.issuer,
      OIDC_CLIENT_ID: issuer.clientId,
      LOG_LEVEL: "silent",
    };
  });
  afterAll(async () => {
    await issuer.close();
    for (const role of roles) await raw(url, `drop owned by ${role}; drop role ${role}`);
    rmSync(dataDir, { recursive: true, force: true });
  });

  /** A role that logs in, and the URL by which it does. */
  async function login(more = ""): Promise<string> {
    const role = `bakehouse_doctor_${randomBytes(4).toString("hex")}`;
    roles.push(role);
    await raw(url, `create role ${role} login password 'test' ${more}`);
    const own = new URL(url);
    own.username = role;
    own.password = "test";
    return own.href;
  }

  test("says that nothing is there yet, whose work that is, and then that all is in order", async () => {
    const before = await doctor({ ...environment, DATABASE_URL: await login() });
    expect(before.states).toMatchObject({ database: "ok", schema: "failed", contents: "skipped" });
    const asOwner = await doctor(environment);
    expect(asOwner.states).toMatchObject({ schema: "warning", contents: "skipped", issuer: "ok" });
    expect(asOwner.code).toBe(0);

    expect((await ownCommand(["bootstrap"], environment)).code).toBe(0);
    const after = await doctor(environment);
    expect(after.states).toEqual({
      node: "ok",
      configuration: "ok",
      database: "ok",
      clock: "ok",
      schema: "ok",
      rights: "warning",
      changes: "ok",
      "revocation log": "ok",
      replication: "ok",
      "master key": "ok",
      issuer: "ok",
      webhook: "skipped",
    });
    expect(after.code).toBe(0);
  });

  test("a role of bakehouse_app has all rights, and one without them is told the first it lacks", async () => {
    const member = await doctor({ ...environment, DATABASE_URL: await login("in role bakehouse_app") });
    expect([member.code, of(member.checks, "rights")]).toMatchObject([0, [{ state: "ok" }]]);
    const nobody = await doctor({ ...environment, DATABASE_URL: await login() });
    expect(nobody.code).toBe(1);
    expect(of(nobody.checks, "rights")).toMatchObject([
      {
        state: "failed",
        detail: expect.stringMatching(/^role bakehouse_doctor_\w+ lacks \w+ on [\w.()]+, and \d+ more$/),
        cure: expect.stringContaining("grant bakehouse_app"),
      },
    ]);
  });

  test("names a server that does not answer, and a password that is wrong, without the password", async () => {
    const wrong = new URL(url);
    wrong.username = (await login()).split("/")[2]?.split(":")[0] ?? "";
    wrong.password = "cAnArY";
    for (const DATABASE_URL of ["postgres://u:cAnArY@127.0.0.1:1/db", wrong.href]) {
      const { code, checks } = await doctor({ ...environment, DATABASE_URL });
      expect(code).toBe(1);
      expect(of(checks, "database")).toMatchObject([
        { state: "failed", detail: expect.stringContaining("127.0.0.1") },
      ]);
      expect(JSON.stringify(checks)).not.toContain("cAnArY");
    }
  });

  test("reads what the issuers say of themselves", async () => {
    const other = await startFakeIssuer({ clientId: "jobs" });
    onTestFinished(() => other.close());
    const trusted = JSON.stringify([{ issuer: other.issuer, audiences: ["jobs"] }]);
    const settings = { ...environment, OIDC_TRUSTED_ISSUERS: trusted };
    expect((await doctor(settings)).states).toMatchObject({ issuer: "ok", "trusted issuer": "ok" });
    await other.close();
    const down = await doctor(settings);
    expect(down.code).toBe(1);
    expect(of(down.checks, "trusted issuer")).toMatchObject([
      {
        state: "failed",
        detail: expect.stringContaining("ECONNREFUSED"),
        cure: expect.stringContaining("firewall"),
      },
    ]);
    issuer.faults.metadata = { token_endpoint: undefined };
    onTestFinished(() => void delete issuer.faults.metadata);
    expect(of((await doctor(environment)).checks, "issuer")).toMatchObject([{ state: "failed" }]);
  });
});

describe("replication", () => {
  const standby = { name: "b", state: "streaming", sync: "sync", lag: 20 };
  const hidden = { name: "b", state: null, sync: null, lag: null };
  test.each([
    [
      "none",
      [],
      "",
      undefined,
      "ok       replication: no standby follows: after a loss a backup is restored, and fenced",
    ],
    [
      "one that confirms",
      [standby],
      "b",
      "synchronous",
      "ok       replication: one standby follows, 1 confirming each commit",
    ],
    [
      "one that nobody waits for",
      [{ ...standby, sync: "async" }],
      "b",
      "synchronous",
      "FAILED   replication: no standby confirms commits now; changes wait until one does: look at the standbys",
    ],
    [
      "a setting that the server lacks",
      [standby],
      "",
      "synchronous",
      "FAILED   replication: FAILOVER=synchronous is set, and the server's synchronous_standby_names is not; set it there, or unset FAILOVER: a standby that lags would be taken for whole",
    ],
    [
      "one that is late",
      [{ ...standby, lag: 61_000 }],
      "",
      undefined,
      "warning  replication: standby b is 61.0 s behind; promoted now it would lack the last revocations, and the log would have to be fenced",
    ],
    [
      "what the role may not see",
      [hidden],
      "b",
      "synchronous",
      "ok       replication: one standby follows; a role in pg_read_all_stats sees how far behind",
    ],
  ] as const)("%s", (_, standbys, synchronousNames, failover, text) => {
    const settings = { failover, restoreFence: "refuse" } as const;
    expect(findingText(replicationFinding({ standbys, synchronousNames }, settings))).toBe(text);
  });
});
