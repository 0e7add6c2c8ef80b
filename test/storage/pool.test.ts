import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import { createBreaker } from "../../src/storage/engine/breaker.ts";
import type { Connection } from "../../src/storage/engine/connection.ts";
import { ConnectTimeout, NoConnectionLeft } from "../../src/storage/engine/error.ts";
import { createPool, type Pool } from "../../src/storage/engine/pool.ts";
import { explainRefusal } from "../../src/storage/server/refusal.ts";
import { parseDatabaseUrl } from "../../src/storage/url/parse.ts";

function fakeConnection(): Connection {
  return {
    place: "fake",
    ownSession: true,
    get db(): never {
      throw new Error("not asked");
    },
    query: async () => [],
    begin: async () => {},
    commit: async () => {},
    lost: () => false,
    onLost: () => () => {},
    tookUnconfirmed: () => false,
    abandon: async () => true,
    close: async () => {},
  };
}

describe("a pool whose server has no room for all of it", () => {
  let room: number;
  let asked: number;
  let said: string[];
  let pool: Pool;
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["performance", "setTimeout", "clearTimeout"] });
    [asked, said] = [0, []];
    pool = createPool({
      size: 4,
      queue: 3,
      breaker: createBreaker({ threshold: 3, pause: 1_000, monotonic: () => 0, onOpen: () => {} }),
      unreachable: (reason) => said.push(`unreachable: ${reason}`),
      fewer: (reason) => said.push(`fewer: ${reason}`),
      async connect() {
        asked += 1;
        await Promise.resolve();
        if (room === 0) throw new NoConnectionLeft("full");
        room -= 1;
        return fakeConnection();
      },
    });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  const acquire = () => pool.acquire(performance.now() + 60_000);

  test("lends what there is in turn, asks for more only after a while, and then has it", async () => {
    room = 1;
    const first = await acquire();
    let second: Connection | undefined;
    const waiting = acquire().then((connection) => {
      second = connection;
    });
    await vi.advanceTimersByTimeAsync(1_000);
    expect([second, asked, said]).toEqual([undefined, 2, ["fewer: full"]]);
    pool.release(first);
    await waiting;
    expect(second).toBe(first);
    const third = acquire();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(asked).toBe(2);
    pool.release(first);
    await third;

    room = 1;
    await vi.advanceTimersByTimeAsync(10_000);
    const another = await acquire();
    expect([another === first, asked, said]).toEqual([false, 3, ["fewer: full"]]);
  });

  test("refuses at once one more than may wait, and says why", async () => {
    room = 1;
    const first = await acquire();
    const waiting = [acquire(), acquire(), acquire()];
    await vi.advanceTimersByTimeAsync(1_000);
    await expect(acquire()).rejects.toMatchObject({
      code: "unavailable",
      message: "too many requests wait for the database",
    });
    for (const one of waiting) {
      pool.release(first);
      expect(await one).toBe(first);
    }
  });

  test("refuses at once while there is none at all", async () => {
    room = 0;
    const all = await Promise.allSettled([acquire(), acquire(), acquire()]);
    expect(all.map(({ status }) => status)).toEqual(["rejected", "rejected", "rejected"]);
    expect(said.at(-1)).toBe("unreachable: full");
  });
});

describe("a pool behind a pooler that lets logins wait", () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["performance", "setTimeout", "clearTimeout"] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  /** The first login succeeds; the others are given up after three seconds. */
  function open(said: string[]): Pool {
    let asked = 0;
    return createPool({
      size: 4,
      queue: 3,
      breaker: createBreaker({ threshold: 1, pause: 1_000, monotonic: () => 0, onOpen: () => {} }),
      unreachable: (reason) => said.push(`unreachable: ${reason}`),
      fewer: (reason) => said.push(`fewer: ${reason}`),
      async connect() {
        asked += 1;
        if (asked === 1) return fakeConnection();
        await new Promise((resolve) => setTimeout(resolve, 3_000));
        throw new ConnectTimeout("late");
      },
    });
  }
  const acquire = (pool: Pool) => pool.acquire(performance.now() + 5_000);

  test("serves those who wait from what is given back, and does not take the database for down", async () => {
    const said: string[] = [];
    const pool = open(said);
    const first = await acquire(pool);
    const second = acquire(pool);
    await vi.advanceTimersByTimeAsync(1_000);
    pool.release(first);
    expect(await second).toBe(first);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(said).toEqual(["fewer: late"]);
    pool.release(first);
    expect(await acquire(pool)).toBe(first);
  });

  test("takes it for down if nobody was answered meanwhile", async () => {
    const said: string[] = [];
    const pool = open(said);
    await acquire(pool);
    const second = expect(acquire(pool)).rejects.toMatchObject({ code: "unavailable" });
    await vi.advanceTimersByTimeAsync(3_000);
    await second;
    expect(said).toEqual(["unreachable: late"]);
    await expect(acquire(pool)).rejects.toMatchObject({ code: "unavailable" });
  });
});

test.each([
  ["53300", "sorry, too many clients already", true],
  ["53300", "remaining connection slots are reserved for roles with the SUPERUSER attribute", true],
  ["08P01", "no more connections allowed (max_client_conn)", true],
  ["XX000", "MaxClientsInSessionMode: max clients reached - in Session mode max clients are limited", true],
  ["XX000", "Max client connections reached", true],
  ["08P01", "too many tcp connections (global limit)", true],
  ["08P01", "unsupported startup parameter: options", false],
  ["XX000", "tenant or user not found", false],
  ["57P03", "the database system is starting up", false],
  ["28P01", "too many connections", false],
])("whether there is no room: %s %s", (code, message, full) => {
  const refusal = explainRefusal(
    Object.assign(new Error(message), { code }),
    parseDatabaseUrl("postgres://h/d"),
  );
  expect(refusal.full).toBe(full);
  if (full)
    expect(refusal).toMatchObject({
      passing: true,
      text: expect.stringMatching(/^it has no connection left \(/),
    });
});
