import { once } from "node:events";
import { chmodSync, mkdirSync, readdirSync, rmSync, statSync } from "node:fs";
import { createServer, request } from "node:http";
import { connect } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as pause } from "node:timers/promises";

import { afterEach, beforeAll, describe, expect, test } from "vitest";

import { calmNow } from "../support/calm-clock.ts";
import { emptyDatabaseUrl } from "../support/database.ts";
import { atLength } from "../support/form.ts";
import { run } from "../support/process.ts";
import { builtBundle } from "../support/process-bundle.ts";
import { createClient } from "../support/process-client.ts";
import {
  credential,
  freePort,
  type Home,
  newEmbeddedHome,
  newHome,
  type RunningService,
  startService,
} from "../support/process-service.ts";
import { reach } from "../support/reach.ts";
import { scratchFolder } from "../support/scratch.ts";

/** Milliseconds that a request has to finish once the service stops, and that the whole stop takes at most. */
const PATIENCE = 3_000;
const LONGEST = 5_000;

let bundle: string;
beforeAll(() => {
  bundle = builtBundle();
});

const running: RunningService[] = [];
const homes: Home[] = [];
afterEach(async () => {
  for (const service of running.splice(0)) await service.end("SIGKILL");
  for (const home of homes.splice(0)) home.remove();
});

async function embedded(): Promise<Home> {
  const home = await newEmbeddedHome();
  homes.push(home);
  return home;
}

async function start(home: Home, env?: Record<string, string>): Promise<RunningService> {
  const service = await startService(bundle, home, env);
  running.push(service);
  return service;
}

async function command(home: Home, args: readonly string[], env: Record<string, string> = {}) {
  const child = run(bundle, args, { env: { ...home.env, ...env } });
  const { code } = await child.ended;
  return { code, stderr: child.stderr() };
}

/** A request of which the service has the head and no body yet; `finish` sends that. */
async function halfSent(service: RunningService, token: string) {
  const body = JSON.stringify({ token, context: {} });
  const sent = request(`${service.url}/v1/verify`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${token}`,
      "content-type": "application/json",
      "content-length": String(Buffer.byteLength(body)),
      // The service says when it has read the head.
      expect: "100-continue",
    },
  });
  const answered = new Promise<{ readonly status: number | undefined; readonly body: string }>(
    (resolve, reject) => {
      sent.on("error", reject);
      sent.on("response", (response) => {
        text(response).then((read) => resolve({ status: response.statusCode, body: read }), reject);
      });
    },
  );
  answered.catch(() => {}); // looked at only once it is awaited
  sent.flushHeaders();
  await once(sent, "continue");
  return { answered, finish: () => sent.end(body) };
}

const refusesConnections = (port: number) =>
  new Promise<boolean>((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => resolve(false));
    socket.once("error", () => resolve(true));
    socket.once("close", () => socket.destroy());
  });

async function server(): Promise<Home> {
  const home = newHome(reach(await emptyDatabaseUrl()).owner);
  homes.push(home);
  return home;
}

describe("[postgres] the built service", () => {
  async function bootstrapped(): Promise<Home> {
    const home = await server();
    expect(await command(home, ["bootstrap"])).toMatchObject({ code: 0 });
    return home;
  }

  test("lets a request finish after SIGTERM, takes no new one, and ends with 0", async () => {
    const home = await bootstrapped();
    const service = await start(home);
    const half = await halfSent(service, credential(home, "default.token"));
    const ended = service.end("SIGTERM");
    await service.said("stopping (SIGTERM)");
    while (!(await refusesConnections(service.port))) await pause(20);
    half.finish();
    // A credential of the service is no token of the platform's: that is the right answer.
    const { status, body } = await half.answered;
    expect({ status, code: JSON.parse(body).code }).toEqual({ status: 200, code: "unknown_key" });
    expect(await ended).toEqual({ code: 0, signal: null });
    expect(service.stdout()).toContain('"event":"stopped"');
  });

  atLength(() => {
    test("does not wait longer than five seconds for a request that never finishes", async () => {
      const home = await bootstrapped();
      const service = await start(home);
      const half = await halfSent(service, credential(home, "default.token"));
      const [from, calmFrom] = [performance.now(), calmNow()];
      expect(await service.end("SIGTERM")).toEqual({ code: 0, signal: null });
      expect(performance.now() - from).toBeGreaterThan(PATIENCE - 500);
      expect(calmNow() - calmFrom).toBeLessThan(LONGEST);
      await expect(half.answered).rejects.toThrow();
    });
  });

  atLength(() => {
    test("stops at once where nothing is asked, and when it is asked twice", async () => {
      const home = await bootstrapped();
      const first = await start(home);
      // A connection that is kept alive, as every client's, is no reason to wait.
      await createClient(first.url).call("GET", "/healthz");
      const from = calmNow();
      expect(await first.end("SIGINT")).toEqual({ code: 0, signal: null });
      expect(calmNow() - from).toBeLessThan(LONGEST);

      const second = await start(home);
      await halfSent(second, credential(home, "default.token"));
      const ended = second.end("SIGTERM");
      await second.said("stopping (SIGTERM)");
      expect(await second.end("SIGTERM")).toEqual({ code: 1, signal: null });
      expect(await ended).toEqual({ code: 1, signal: null });
    });
  });
});

atLength(() => {
  describe("[pglite] the built service", () => {
    test("refuses a data folder that another process has, and says which has it", async () => {
      const home = await embedded();
      const service = await start(home);
      for (const name of ["serve", "migrate", "bootstrap"]) {
        const second = await command(home, [name], { PORT: "0" });
        expect(second.code).toBe(1);
        expect(second.stderr).toMatch(
          /^bakehouse: folder .+ is in use by another process \(pid \d+\): stop that one, or set DATA_DIR to another folder\n$/,
        );
        expect(second.stderr).toContain(`(pid ${service.pid})`);
      }
      expect((await createClient(service.url).call("GET", "/readyz")).status).toBe(200);
      // The folder is free again however its holder ended.
      await service.end("SIGKILL");
      expect(await command(home, ["migrate"])).toMatchObject({ code: 0 });
    });

    test("refuses a port that is taken, and gives the folder back", async () => {
      const home = await embedded();
      const other = createServer();
      const port = await new Promise<number>((resolve) => {
        other.listen(0, "127.0.0.1", () => {
          const address = other.address();
          resolve(typeof address === "object" && address !== null ? address.port : 0);
        });
      });
      try {
        const { code, stderr } = await command(home, ["serve"], { PORT: String(port) });
        expect(code).toBe(1);
        expect(stderr.trimEnd().split("\n")).toEqual([
          `bakehouse: address 127.0.0.1:${port} is in use by another process (EADDRINUSE): stop that one, or set PORT to another port`,
        ]);
      } finally {
        other.close();
      }
      await start(home);
    });

    // One start for all three: made from nothing, the embedded database takes seconds of a processor.
    test("works from any folder, and keeps all files to its own user, whatever the umask and the folder were", async () => {
      const elsewhere = scratchFolder("elsewhere");
      const data = join(elsewhere, "data");
      mkdirSync(data);
      chmodSync(data, 0o777);
      const before = process.umask(0);
      const service = run(bundle, ["serve"], { cwd: elsewhere, env: { PORT: String(await freePort()) } });
      process.umask(before);
      try {
        await service.said("bakehouse: ready");
        expect(readdirSync(elsewhere)).toEqual(["data"]);
        const mode = (name: string) => (statSync(join(data, name)).mode & 0o777).toString(8);
        expect(mode(".")).toBe("700");
        // The folder of the database is not there before.
        expect(mode("database")).toBe("700");
        expect(statSync(join(data, "database", "lock.sqlite")).size).toBe(0);
        const files = readdirSync(data).filter((name) => name !== "database");
        expect(files.sort()).toEqual([
          "admin.token",
          "bootstrap.lock",
          "default.token",
          "dev-idp.jwks",
          "master.key",
        ]);
        expect(new Set(files.map(mode))).toEqual(new Set(["600"]));
      } finally {
        await service.end("SIGTERM");
        rmSync(elsewhere, { recursive: true });
      }
    });
  });
});

atLength(() => {
  describe("[postgres] the built command", () => {
    test("migrates, and once more", async () => {
      const home = await server();
      const done = { code: 0, stderr: "bakehouse: the schema is up to date\n" };
      expect(await command(home, ["migrate"])).toEqual(done);
      expect(await command(home, ["migrate"])).toEqual(done);
    });
  });

  atLength(() => {
    test("bootstraps once, and renews credentials when asked", async () => {
      const home = await server();
      const paths = ["admin.token", "default.token"].map((name) => join(home.dataDir, name));
      const wrote = { code: 0, stderr: paths.map((path) => `bakehouse: wrote ${path}\n`).join("") };

      // Before it, a replica serves, and says what is missing.
      const early = await start(home);
      await early.said("bakehouse: ready");
      await expect.poll(() => early.stdout()).toContain("bakehouse bootstrap");

      expect(await command(home, ["bootstrap"])).toEqual(wrote);
      for (const path of paths) expect(statSync(path).mode & 0o777).toBe(0o600);
      const first = credential(home, "admin.token");
      const again = await command(home, ["bootstrap"]);
      expect(again).toEqual({
        code: 0,
        stderr: "bakehouse: bootstrapped before; --reissue writes new credentials\n",
      });
      expect(credential(home, "admin.token")).toBe(first);
      expect(await command(home, ["bootstrap", "--reissue"])).toEqual(wrote);
      const second = credential(home, "admin.token");
      expect(second).not.toBe(first);
      expect(readdirSync(home.dataDir).filter((name) => name.includes("staged"))).toEqual([]);

      // Both are good, at the replica that was there before too.
      const { call } = createClient(early.url);
      for (const token of [first, second]) {
        expect((await call("GET", "/v1/platforms", { as: { token } })).status).toBe(200);
      }
    });
  });

  atLength(() => {
    test("has one winner where many bootstrap at once", async () => {
      const shared = newHome(reach(await emptyDatabaseUrl()).owner);
      homes.push(shared);
      // A folder each, as on machines of their own.
      const folders = [1, 2, 3, 4].map((number) => join(shared.dataDir, String(number)));
      const outcomes = await Promise.all(
        folders.map((folder) => command(shared, ["bootstrap"], { DATA_DIR: folder })),
      );
      expect(outcomes.map(({ code }) => code)).toEqual([0, 0, 0, 0]);
      expect(outcomes.filter(({ stderr }) => stderr.includes("wrote"))).toHaveLength(1);
      const kept = folders.flatMap((folder) => readdirSync(folder));
      expect(kept.filter((name) => name.includes(".token")).sort()).toEqual(["admin.token", "default.token"]);
    });
  });
});
