import { createServer, type Server, type Socket } from "node:net";
import { dirname } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";

import type { Store } from "../../src/domain/ports/store.ts";
import { openStore } from "../../src/storage/open.ts";
import { calmNow } from "../support/calm-clock.ts";
import { type PostgresServer, startPostgres } from "../support/postgres-server.ts";
import { until } from "../support/until.ts";
import { platform, revocation } from "./samples.ts";

const UNAVAILABLE = { name: "DomainError", code: "unavailable", message: "the database did not answer" };

describe("[postgres] a server of its own", () => {
  let server: PostgresServer;
  let store: Store;
  beforeAll(async () => {
    server = await startPostgres();
    store = await openStore({
      place: { kind: "server", url: server.url },
      deadline: 3_000,
      transactionDeadline: 4_000,
      connectTimeout: 1_000,
    });
    await store.platforms.insert(platform("p"));
  });
  afterAll(async () => {
    await store?.close();
    await server?.stop();
  });

  test("killed under load: calls fail as unavailable within the bound, acknowledged revocations survive, and the same process recovers", async () => {
    let n = 0;
    let running = true;
    let slowest = 0;
    const acknowledged: string[] = [];
    const errors: unknown[] = [];

    const failed = new Set<number>();

    async function caller(_: unknown, which: number): Promise<void> {
      while (running) {
        n += 1;
        const entry = revocation(n);
        const started = calmNow();
        try {
          await store.transaction("revoke", ({ revocations }) => revocations.append([entry]));
          acknowledged.push(entry.id);
        } catch (error) {
          errors.push(error);
          failed.add(which);
          await pause(5);
        }
        slowest = Math.max(slowest, calmNow() - started);
      }
    }

    const callers = Array.from({ length: 24 }, caller);
    const haveAllFailed = async () => {
      failed.clear();
      await until(() => failed.size === callers.length);
    };
    await until(() => acknowledged.length > 50);
    await server.crash();
    await haveAllFailed(); // by now each has the last answer that was on its way
    const before = acknowledged.length;
    await haveAllFailed();
    await haveAllFailed();
    expect(acknowledged.length).toBe(before);

    // While it is down a caller is told at once, not after a deadline.
    const asked = calmNow();
    await expect(store.platforms.find("p")).rejects.toMatchObject(UNAVAILABLE);
    expect(calmNow() - asked).toBeLessThan(1_500);
    await expect(store.refusesChanges()).rejects.toMatchObject(UNAVAILABLE);

    await server.restart();
    await until(() => acknowledged.length > before + 50);
    running = false;
    await Promise.all(callers);

    for (const error of errors) expect(error).toMatchObject(UNAVAILABLE);
    expect(slowest).toBeLessThan(6_000);
    const { entries, position } = await store.revocations.read(0, 1_000_000, { kind: "all" });
    expect(entries.map(({ number }) => number)).toEqual(
      Array.from({ length: position.number }, (_, i) => i + 1),
    );
    const kept = new Set(entries.map(({ id }) => id));
    expect(acknowledged.filter((id) => !kept.has(id))).toEqual([]);
    await expect(store.refusesChanges()).resolves.toBeUndefined();
  });

  test("a unix socket is found in the folder that the url names as host", async () => {
    const url = new URL(server.url);
    url.searchParams.set("host", dirname(server.dataDir));
    url.hostname = "nowhere.invalid";
    const other = await openStore({ place: { kind: "server", url: url.href } });
    await expect(other.refusesChanges()).resolves.toBeUndefined();
    await other.close();
  });
});

describe("a server that is no server", () => {
  let listener: Server | undefined;
  const sockets = new Set<Socket>();
  afterEach(() => {
    for (const socket of sockets) socket.destroy();
    listener?.close();
  });

  async function listen(onConnection: (socket: Socket) => void): Promise<string> {
    listener = createServer((socket) => {
      sockets.add(socket);
      socket.on("error", () => {});
      onConnection(socket);
    });
    await new Promise<void>((resolve) => listener?.listen(0, "127.0.0.1", resolve));
    const address = listener.address();
    if (address === null || typeof address === "string") throw new Error("no port");
    return `postgres://user:secret-password@127.0.0.1:${address.port}/db`;
  }

  async function open(url: string, migrate = true): Promise<Store> {
    return openStore({ place: { kind: "server", url }, connectTimeout: 500, deadline: 800, migrate });
  }

  async function timed(
    work: () => Promise<unknown>,
  ): Promise<{ readonly error: unknown; readonly took: number }> {
    const started = calmNow();
    const error = await work().then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    return { error, took: calmNow() - started };
  }

  test.each([
    { name: "accepts and never answers", behave: () => {} },
    { name: "closes at once", behave: (socket: Socket) => socket.end() },
    {
      name: "closes once it is spoken to",
      behave: (socket: Socket) => socket.once("data", () => socket.end()),
    },
    { name: "resets", behave: (socket: Socket) => socket.resetAndDestroy() },
    {
      name: "speaks another language",
      behave: (socket: Socket) => socket.write("HTTP/1.1 400 Bad Request\r\n\r\n"),
    },
    {
      name: "stops in the middle of start-up",
      behave: (socket: Socket) =>
        socket.once("data", () => socket.write(Buffer.from([82, 0, 0, 0, 8, 0, 0, 0, 0]))),
    },
  ])("$name: opening and every query fail within the bound", async ({ behave }) => {
    const url = await listen(behave);
    const opening = await timed(() => open(url));
    expect(opening.error).toMatchObject({ name: "DomainError", code: "unavailable" });
    expect(opening.took).toBeLessThan(3_000);

    const store = await open(url, false);
    const queries = await Promise.all(
      Array.from({ length: 30 }, () => timed(() => store.platforms.find("p"))),
    );
    for (const { error, took } of queries) {
      expect(error).toMatchObject(UNAVAILABLE);
      expect(took).toBeLessThan(3_000);
    }
    // By now it is known to be down, and nobody waits.
    const next = await timed(() => store.transaction("test", async () => {}));
    expect(next.error).toMatchObject(UNAVAILABLE);
    expect(next.took).toBeLessThan(400);
    await store.close();
  });

  test("a server that closes during start-up is dialled once, not for ever", async () => {
    let dialled = 0;
    const url = await listen((socket) => {
      dialled += 1;
      socket.once("data", () => socket.end());
    });
    const work = openStore({ place: { kind: "server", url }, connectTimeout: 2_000 });
    await expect(work).rejects.toMatchObject({ code: "unavailable" });
    await pause(300); // long enough for many more, were they made
    expect(dialled).toBe(1);
  });

  test("a server without TLS is not spoken to in clear where the url asks for TLS", async () => {
    let heard = "";
    const url = await listen((socket) => {
      socket.once("data", () => {
        socket.write("N");
        socket.on("data", (bytes) => {
          heard += bytes.toString("latin1");
        });
      });
    });
    const { error } = await timed(() => open(`${url}?sslmode=require`));
    expect(error).toMatchObject({ name: "ConnectError", message: expect.stringContaining("offers no TLS") });
    expect(heard).not.toContain("user");
  });

  test("nobody listens: opening fails at once, and says why", async () => {
    const { error, took } = await timed(() => open("postgres://user@127.0.0.1:1/db"));
    expect(error).toMatchObject({
      code: "unavailable",
      message:
        "database 127.0.0.1:1/db: nothing listens there (ECONNREFUSED): start the server, or correct the host and port in the URL",
    });
    expect(took).toBeLessThan(3_000);
  });

  test.each([
    { url: "mysql://a:secret-password@one/db" },
    { url: "secret-password" },
    { url: "postgres://a:secret-password@one/db?schema=other" },
  ])("a url that cannot be served is refused, without a word of it: $url", async ({ url }) => {
    const { error } = await timed(() => open(url));
    expect(error).toMatchObject({ name: "DatabaseUrlError" });
    expect(String(error)).not.toContain("secret-password");
  });
});
