import { spawnSync } from "node:child_process";
import { cpSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { get } from "node:http";
import { basename, dirname, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { numberOf, readExposition } from "../metrics/exposition.ts";
import { testDatabaseUrl } from "../support/database.ts";
import { atLength, casesOf } from "../support/form.ts";
import { type Running, run } from "../support/process.ts";
import { builtBundle } from "../support/process-bundle.ts";
import { createClient } from "../support/process-client.ts";
import { credential, freePort, type Home, newHome, SMALL_POOL } from "../support/process-service.ts";

/** The processes that a process has started. */
function childrenOf(pid: number): readonly number[] {
  const { stdout } = spawnSync("ps", ["-o", "pid=,ppid=", "-A"], { encoding: "utf8" });
  const rows = stdout.split("\n").map((line) => line.trim().split(/\s+/).map(Number));
  return rows.flatMap(([own = 0, parent]) => (parent === pid ? [own] : []));
}

/** Asks over a connection of its own, so that each may meet with a worker that is about to go. */
function statusOf(url: string): Promise<number | undefined> {
  return new Promise((resolve) => {
    // Of a connection that was on its way to a worker when that was killed, nobody hears again. An answer comes sooner,
    // however busy the machine is.
    const request = get(url, { agent: false, timeout: 20_000 }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    request.on("timeout", () => request.destroy(new Error("no answer")));
    request.on("error", () => resolve(undefined));
  });
}

/** An issuer that nobody asks: the development identity provider remembers logins in one process. */
const ISSUER = {
  OIDC_ISSUER: "https://issuer.example",
  OIDC_CLIENT_ID: "bakehouse",
  OIDC_CLIENT_SECRET: "s3cret",
};

describe("a service of two workers", () => {
  let home: Home;
  let service: Running;
  let port: string;
  let url: string;
  let metricsPort: string;
  let askings = 0;
  let failures = 0;
  let asking = true;
  let asked: Promise<void>;

  beforeAll(async () => {
    home = newHome(await testDatabaseUrl());
    const script = builtBundle();
    port = String(await freePort());
    url = `http://127.0.0.1:${port}`;
    metricsPort = String(await freePort());
    const METRICS_ADDRESS = `127.0.0.1:${metricsPort}`;
    const env = { ...home.env, ...SMALL_POOL, ...ISSUER, PORT: port, PUBLIC_URL: url, METRICS_ADDRESS };
    expect((await run(script, ["bootstrap"], { env }).ended).code).toBe(0);
    service = run(script, ["serve", "--workers", "2"], { env });
    await service.said("bakehouse: ready");
    asked = (async () => {
      while (asking) {
        const status = await statusOf(`${url}/healthz`);
        askings++;
        if (status !== 200) failures++;
        await pause(10); // two workers and a test have two cores
      }
    })();
  });

  afterAll(async () => {
    asking = false;
    await asked;
    await service.end("SIGKILL");
    home.remove();
  });

  const workers = () => childrenOf(service.pid);

  async function scrape() {
    const response = await fetch(`http://127.0.0.1:${metricsPort}/metrics`);
    return readExposition(await response.text());
  }
  /** Requests of one route, by all workers that there were. */
  const healthy = async () =>
    numberOf(await scrape(), "bakehouse_http_requests_total", { route: "/healthz", status: "200" }) ?? 0;

  test("answers as one: what one worker was told, the others know at once where they are asked to", async () => {
    expect(workers()).toHaveLength(2);
    const client = createClient(url);
    const admin = { token: credential(home, "admin.token") };
    const policy = { rules: [{ max_ttl: 3600, on_behalf_of: true }] };
    expect(
      (await client.call("PUT", "/v1/platforms/default/policy", { as: admin, body: policy })).status,
    ).toBe(200);
    const platform = { token: credential(home, "default.token") };
    const issued = await client.issue(platform, { platform: "default", on_behalf_of: { subject: "alice" } });
    const { sequence } = await client.revoke(platform, { token_id: issued.token_id });
    for (let time = 0; time < 8; time++) {
      const body = { token: issued.token, context: {}, min_sequence: sequence };
      const { body: verdict } = await client.call("POST", "/v1/verify", {
        as: platform,
        body,
        headers: { connection: "close" },
      });
      expect(verdict).toMatchObject({ allowed: false, code: "revoked" });
    }
  });

  test("has one address for the metrics of all workers, and none for those of one", async () => {
    const families = await scrape();
    expect(numberOf(families, "bakehouse_workers", { state: "serving" })).toBe(2);
    expect(numberOf(families, "bakehouse_worker_crashes_total")).toBe(0);
    expect(numberOf(families, "bakehouse_verify_total", { decision: "refused", code: "revoked" })).toBe(8);
    expect(numberOf(families, "bakehouse_issued_total", { how: "platform" })).toBe(1);
    expect((await fetch(`${url}/metrics`)).status).toBe(404);
  });

  test("replaces a worker that is killed, and counts it", async () => {
    const counted = await healthy();
    const [first = 0, second = 0] = workers();
    process.kill(first, "SIGKILL");
    await expect.poll(() => service.stdout()).toContain('"event":"worker replaced"');
    expect(service.stdout()).toMatch(/"event":"worker ended".*"signal":"SIGKILL","crashes":1/);
    expect(workers()).toHaveLength(2);
    expect(workers()).toContain(second);
    expect(workers()).not.toContain(first);
    const so = askings;
    await expect.poll(() => askings).toBeGreaterThan(so + 2);
    expect(await healthy()).toBeGreaterThanOrEqual(counted);
    await expect.poll(async () => numberOf(await scrape(), "bakehouse_worker_crashes_total")).toBe(1);
  });

  test("restarts one after the other at SIGHUP, and nobody is turned away", async () => {
    const before = workers();
    const [askedBefore, failedBefore] = [askings, failures];
    const counted = await healthy();
    process.kill(service.pid, "SIGHUP");
    await expect.poll(() => service.stdout()).toContain('"event":"workers restarted"');
    expect(workers()).toHaveLength(2);
    expect(workers().filter((pid) => before.includes(pid))).toEqual([]);
    expect(askings).toBeGreaterThan(askedBefore);
    expect(failures).toBe(failedBefore);
    // What those had counted that have left is still there.
    expect(await healthy()).toBeGreaterThanOrEqual(counted);
    const refused = { decision: "refused", code: "revoked" };
    expect(numberOf(await scrape(), "bakehouse_verify_total", refused)).toBe(8);
  });

  test("logs whole lines, each with the number of its worker, which is used again", () => {
    const lines = service.stdout().trimEnd().split("\n");
    const events = lines.map((line): { event?: string; worker?: number; route?: string } => JSON.parse(line));
    const serving = events.filter(({ event }) => event === "serving").map(({ worker }) => worker);
    // Two at first, one for the killed one, and of a restart the first beside both.
    const asked = events.filter(({ event }) => event === "request");
    expect(asked.length).toBeGreaterThan(2);
    expect(asked.filter(({ worker }) => worker === undefined)).toEqual([]);
    expect(serving.toSorted()).toEqual([1, 1, 2, 2, 3].toSorted());
  });

  test("stops with all its workers, however often each is told to, and loses no line", async () => {
    const all = workers();
    asking = false;
    await asked;
    // As a terminal does, or a supervisor: every process of the group is told, the workers by their primary again.
    for (const pid of all) process.kill(pid, "SIGINT");
    for (const pid of all) process.kill(pid, "SIGTERM");
    expect((await service.end("SIGTERM")).code).toBe(0);
    for (const pid of all) expect(() => process.kill(pid, 0)).toThrow("ESRCH");
    expect(service.stdout().match(/"event":"stopped"/g)).toHaveLength(4);
    expect(service.stdout()).toMatch(/"crashes":1\}/);
    expect(service.stdout()).not.toMatch(/"crashes":2/);
  });

  atLength(() => {
    test("leaves no worker behind where it is killed itself", async () => {
      const script = builtBundle();
      const again = run(script, ["serve", "--workers", "2"], { env: { ...home.env, ...ISSUER, PORT: port } });
      await again.said("(2 workers)");
      const all = childrenOf(again.pid);
      expect(all).toHaveLength(2);
      await again.end("SIGKILL");
      const isThere = (pid: number) => {
        try {
          return process.kill(pid, 0);
        } catch {
          return false;
        }
      };
      await expect.poll(() => all.some(isThere)).toBe(false);
    });
  });
});

atLength(() => {
  describe("a service of two workers whose program is replaced by one that does not start", () => {
    let home: Home;
    let service: Running;
    let script: string;
    let good: string;
    let url: string;

    beforeAll(async () => {
      home = newHome(await testDatabaseUrl());
      // Beside the bundle, where it finds what is not bundled.
      const folder = `${dirname(builtBundle())}-replaced-${process.pid}`;
      cpSync(dirname(builtBundle()), folder, { recursive: true });
      script = join(folder, basename(builtBundle()));
      good = readFileSync(script, "utf8");
      const port = String(await freePort());
      url = `http://127.0.0.1:${port}`;
      service = run(script, ["serve", "--workers", "2"], { env: { ...home.env, ...ISSUER, PORT: port } });
      await service.said("(2 workers)");
      writeFileSync(script, "process.exit(7);\n");
    });

    afterAll(async () => {
      await service.end("SIGKILL");
      rmSync(dirname(script), { recursive: true });
      home.remove();
    });

    const times = (event: string) =>
      service
        .stdout()
        .split("\n")
        .filter((line) => line.includes(`"event":"${event}"`))
        .map((line): number => Date.parse(JSON.parse(line).time));

    test("gives the restart up, and goes on with the workers that it has", async () => {
      const before = childrenOf(service.pid);
      process.kill(service.pid, "SIGHUP");
      await expect.poll(() => times("restart given up")).toHaveLength(1);
      expect(childrenOf(service.pid)).toEqual(before);
      expect(await statusOf(`${url}/healthz`)).toBe(200);
    });

    test("waits longer with each try to replace one that crashed, answers meanwhile, and recovers by itself", async () => {
      process.kill(childrenOf(service.pid)[0] ?? 0, "SIGKILL");
      await expect.poll(() => times("worker not replaced").length).toBeGreaterThan(3);
      expect(await statusOf(`${url}/healthz`)).toBe(200);
      const [first = 0, , , fourth = 0] = times("worker not replaced");
      expect(fourth - first).toBeGreaterThanOrEqual(200 + 400 + 800);
      writeFileSync(script, good);
      await expect.poll(() => times("worker replaced")).toHaveLength(1);
      expect(childrenOf(service.pid)).toHaveLength(2);
    });
  });
});

const NOWHERE = "postgres://nobody@127.0.0.1:1/none";

describe("workers are refused", () => {
  const refusals = [
    ["with the embedded database", ["serve", "--workers", "2"], "set DATABASE_URL", undefined],
    ["with the development identity provider", ["serve", "--workers", "2"], "set OIDC_ISSUER", NOWHERE],
    ["in no number", ["serve", "--workers", "two"], "from 1 to 64", NOWHERE],
    ["in too great a number", ["serve", "--workers", "65"], "from 1 to 64", NOWHERE],
    ["for what does not serve", ["migrate", "--workers", "2"], "--workers", NOWHERE],
  ] as const;
  test.each(casesOf(refusals, ([name]) => name === "with the embedded database"))(
    "%s",
    async (_name, args, reason, database) => {
      const home = newHome(database);
      try {
        const refused = run(builtBundle(), args, { env: home.env });
        expect((await refused.ended).code).toBe(2);
        expect(refused.stderr()).toContain(reason);
        expect(refused.stdout()).toBe("");
      } finally {
        home.remove();
      }
    },
  );

  atLength(() => {
    test("that cannot serve: the start fails", async () => {
      const home = newHome(NOWHERE);
      try {
        const env = { ...home.env, ...ISSUER, START_WAIT: "0s" };
        const failed = run(builtBundle(), ["serve", "--workers", "2"], { env });
        expect((await failed.ended).code).toBe(1);
        expect(failed.stderr()).toMatch(/^bakehouse: database .+: nothing listens there .+\n$/);
      } finally {
        home.remove();
      }
    });
  });
});
