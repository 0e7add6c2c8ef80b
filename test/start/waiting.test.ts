import { afterEach, beforeAll, describe, expect, test } from "vitest";

import { testDatabaseUrl } from "../support/database.ts";
import { atLength, casesOf } from "../support/form.ts";
import { type Running, run } from "../support/process.ts";
import { builtBundle } from "../support/process-bundle.ts";
import { freePort, type Home, newHome } from "../support/process-service.ts";
import { startTcpProxy, type TcpProxy } from "../support/tcp-proxy.ts";

const TIMEOUT = 120_000;

/** An issuer that nobody asks: several workers take no development identity provider. */
const ISSUER = {
  OIDC_ISSUER: "https://issuer.example",
  OIDC_CLIENT_ID: "bakehouse",
  OIDC_CLIENT_SECRET: "s3cret",
};

describe("a start without a database", { timeout: TIMEOUT }, () => {
  let home: Home;
  let running: Running | undefined;
  let proxy: TcpProxy | undefined;
  let database: string;
  let away: string;

  beforeAll(async () => {
    builtBundle();
    database = await testDatabaseUrl();
  }, TIMEOUT);

  afterEach(async () => {
    await running?.end("SIGKILL");
    await proxy?.close();
    home.remove();
    [running, proxy] = [undefined, undefined];
  });

  /** Starts a service whose database is at an address that leads nowhere yet. */
  async function start(
    env: Readonly<Record<string, string>>,
    args: readonly string[] = ["serve"],
  ): Promise<Running> {
    proxy = await startTcpProxy(undefined);
    away = proxy.through(database);
    home = newHome(away);
    const port = String(await freePort());
    running = run(builtBundle(), args, { env: { ...home.env, ...ISSUER, PORT: port, ...env } });
    return running;
  }

  const come = () => proxy?.lead(Number(new URL(database).port));
  const awaited = (service: Running) => service.stdout().match(/"event":"database awaited"/g)?.length ?? 0;

  const services = [
    ["a single process", ["serve"], 1],
    ["workers", ["serve", "--workers", "2"], 2],
  ] as const;
  test.each(casesOf(services, ([name]) => name === "workers"))(
    "%s waits, says why, and serves once it is there",
    async (_, args, processes) => {
      const service = await start({}, args);
      await expect.poll(() => awaited(service), { timeout: 60_000 }).toBeGreaterThanOrEqual(processes);
      expect(service.stdout()).toMatch(
        /"detail":"database 127\.0\.0\.1:\d+\/[^"]*it closed the connection[^"]*","seconds_left":\d+/,
      );
      expect(service.stdout()).not.toContain(new URL(away).password);
      come();
      await service.said("bakehouse: ready");
    },
  );

  atLength(() => {
    test("ends once the time is over, with the reason", async () => {
      const begun = performance.now();
      const service = await start({ START_WAIT: "3s" });
      expect((await service.ended).code).toBe(1);
      expect(performance.now() - begun).toBeGreaterThan(3_000);
      expect(service.stderr()).toMatch(/^bakehouse: database 127\.0\.0\.1:\d+\/.*it closed the connection/m);
      expect(awaited(service)).toBeGreaterThanOrEqual(1);
    });
  });

  atLength(() => {
    test("waits for nothing where it is told not to", async () => {
      const service = await start({ START_WAIT: "0s" });
      expect((await service.ended).code).toBe(1);
      expect(awaited(service)).toBe(0);
    });
  });

  test.each(casesOf(services, ([name]) => name === "a single process"))(
    "%s ends in order when it is told to while it waits",
    async (_, args) => {
      const service = await start({ START_WAIT: "10m", SHUTDOWN_DELAY: "10m" }, args);
      await expect.poll(() => awaited(service), { timeout: 60_000 }).toBeGreaterThan(0);
      expect(await service.end("SIGTERM")).toEqual({ code: 0, signal: null });
    },
  );

  test("does not wait for what will not pass by itself", async () => {
    const wrong = new URL(database);
    wrong.password = "wrong";
    const service = await start({ DATABASE_URL: wrong.href, START_WAIT: "10m" });
    expect((await service.ended).code).toBe(1);
    expect(awaited(service)).toBe(0);
  });

  atLength(() => {
    test("the commands beside it do not wait: whoever typed them is there to try again", async () => {
      const service = await start({ START_WAIT: "10m" }, ["migrate"]);
      expect((await service.ended).code).toBe(1);
    });
  });
});
