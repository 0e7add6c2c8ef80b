import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import type { Connection } from "../../src/storage/engine/connection.ts";
import { ConnectError, ConnectTimeout, NoConnectionLeft } from "../../src/storage/engine/error.ts";
import { createSilence, type Silence } from "../../src/storage/engine/silence.ts";
import { soundOver } from "../../src/storage/engine/sounding.ts";
import { openStore } from "../../src/storage/open.ts";
import { calmNow } from "../support/calm-clock.ts";
import { startPostgres } from "../support/postgres-server.ts";
import { until } from "../support/until.ts";
import { platform } from "./samples.ts";

const never = new Promise<never>(() => {});
const UNAVAILABLE = { name: "DomainError", code: "unavailable", message: "the database did not answer" };

describe("a database that says nothing while it is asked", () => {
  let soundings: AbortSignal[];
  let answer: () => Promise<void>;
  let found: number;
  let silence: Silence;
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    [soundings, found, answer] = [[], 0, () => never];
    silence = createSilence({
      sound(signal) {
        soundings.push(signal);
        return answer();
      },
      onSilent() {
        found += 1;
      },
    });
    silence.connected(10);
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  async function pass(milliseconds: number): Promise<void> {
    await vi.advanceTimersByTimeAsync(milliseconds);
  }

  function ask(): { outcome: unknown } {
    const asked: { outcome: unknown } = { outcome: "waits" };
    silence.orSilent(never).catch((error: unknown) => {
      asked.outcome = error;
    });
    return asked;
  }

  test("is found silent within a second: all who wait are refused, and the sounding is ended", async () => {
    const asked = [ask(), ask()];
    await pass(700);
    expect(soundings).toHaveLength(1);
    expect([found, asked[0]?.outcome]).toEqual([0, "waits"]);
    await pass(200);
    expect(found).toBe(1);
    expect(soundings[0]?.aborted).toBe(true);
    for (const { outcome } of asked) expect(outcome).toMatchObject(UNAVAILABLE);
  });

  test("is sounded only while somebody waits", async () => {
    await pass(10_000);
    const answered = silence.orSilent(Promise.resolve("an answer"));
    await pass(10_000);
    expect(await answered).toBe("an answer");
    expect([soundings.length, found]).toEqual([0, 0]);
  });

  test("is sounded for a caller in the queue for a connection, too, who is refused by other means", async () => {
    let refused = false;
    silence.attend(never).catch(() => {
      refused = true;
    });
    await pass(1_000);
    expect([found, refused]).toEqual([1, false]);
  });

  test("is not found silent if it answers the sounding, which is repeated more and more seldom", async () => {
    answer = async () => {};
    const asked = ask();
    await pass(60_000);
    expect([found, asked.outcome]).toEqual([0, "waits"]);
    // After 0.4, 0.8, 1.6, 3.2 and then every 6.4 seconds.
    expect(soundings.length).toBeGreaterThan(8);
    expect(soundings.length).toBeLessThan(15);
  });

  test("is not found silent if anybody hears from it meanwhile", async () => {
    const asked = ask();
    await pass(600);
    silence.heard();
    expect(soundings[0]?.aborted).toBe(true);
    await pass(300);
    expect([found, asked.outcome]).toEqual([0, "waits"]);
    await pass(600);
    expect(found).toBe(1);
  });

  test("may take as long as three logins took lately", async () => {
    silence.connected(1_000);
    ask();
    await pass(3_300);
    expect([soundings.length, found]).toEqual([1, 0]);
    await pass(200);
    expect(found).toBe(1);
  });

  test("is not judged before the first login, of which nobody knows how long it takes", async () => {
    silence = createSilence({ sound: () => answer(), onSilent: () => (found += 1) });
    ask();
    await pass(60_000);
    expect(found).toBe(0);
  });

  test.each([
    { error: new NoConnectionLeft("full"), isSilent: false },
    { error: new ConnectError("a password is wrong", "28P01"), isSilent: false },
    { error: new ConnectTimeout("late"), isSilent: true },
    { error: new Error("a reset"), isSilent: false },
    {
      error: new AggregateError([new ConnectTimeout("late"), new Error("reset")], "several"),
      isSilent: false,
    },
    { error: new AggregateError([new ConnectTimeout("late")], "nothing but time"), isSilent: true },
  ])(
    "a login that ends in $error.message is an answer unless it says nothing",
    async ({ error, isSilent }) => {
      answer = () => Promise.reject(error);
      ask();
      await pass(500);
      expect(found > 0).toBe(isSilent);
    },
  );

  test("is sounded again for those who ask after it was found silent", async () => {
    ask();
    await pass(900);
    ask();
    await pass(900);
    expect([soundings.length, found]).toEqual([2, 2]);
  });
});

describe("a sounding", () => {
  const fakeConnection = (query: Connection["query"]): Connection => ({
    place: "fake",
    ownSession: true,
    get db(): never {
      throw new Error("not asked");
    },
    query,
    begin: async () => {},
    commit: async () => {},
    lost: () => false,
    onLost: () => () => {},
    tookUnconfirmed: () => false,
    abandon: async () => false,
    close: async () => {},
  });

  /** @returns the lead, and the ends of its connection: whether each was good */
  function leadOver(query: Connection["query"]) {
    const ends: boolean[] = [];
    const lead = { connection: fakeConnection(query), giveBack: (isGood: boolean) => void ends.push(isGood) };
    return { lead: Promise.resolve(lead), ends };
  }
  const unaborted = () => new AbortController().signal;

  test("gives back each connection once: good after an answer, and not if it is ended, whenever it comes", async () => {
    const quick = leadOver(async () => []);
    await soundOver([quick.lead], unaborted());
    expect(quick.ends).toEqual([true]);

    const slow = leadOver(() => never);
    const abort = new AbortController();
    void soundOver([slow.lead], abort.signal);
    await Promise.resolve();
    await Promise.resolve();
    abort.abort();
    expect(slow.ends).toEqual([false]);

    const late = leadOver(async () => []);
    await soundOver([late.lead], AbortSignal.abort());
    expect(late.ends).toEqual([false]);
  });

  test("is answered over any of its leads: a login may have no room, and an idle connection be forgotten", async () => {
    const abort = new AbortController();
    const idle = leadOver(async () => []);
    await soundOver([never, idle.lead], abort.signal);
    expect(idle.ends).toEqual([true]);

    const forgotten = leadOver(() => never);
    const login = leadOver(async () => []);
    await soundOver([login.lead, forgotten.lead], abort.signal);
    abort.abort();
    expect([login.ends, forgotten.ends]).toEqual([[true], [false]]);
    // Without any there is nothing to judge by.
    await soundOver([], abort.signal);
  });

  test("is answered by a statement that the server refuses, and not by a connection that breaks", async () => {
    const refused = leadOver(() => Promise.reject(Object.assign(new Error(), { code: "42501" })));
    await soundOver([refused.lead], unaborted());
    const broken = leadOver(() => Promise.reject(Object.assign(new Error(), { code: "ECONNRESET" })));
    const error = await soundOver([broken.lead], unaborted()).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ errors: [UNAVAILABLE] });
    expect([refused.ends, broken.ends]).toEqual([[true], [false]]);
  });
});

describe("[postgres] a server that is stopped with its connections open", () => {
  test("everybody is refused long before the deadline, and served once it goes on", async () => {
    const server = await startPostgres();
    const warned: string[] = [];
    const report = { failed() {}, unreachable() {}, warn: (text: string) => void warned.push(text) };
    const store = await openStore({ place: { kind: "server", url: server.url }, deadline: 60_000, report });
    try {
      await store.platforms.insert(platform("p"));
      server.freeze();
      const begun = calmNow();
      const calls = Array.from({ length: 30 }, (_, n) =>
        n % 2 === 0 ? store.platforms.find("p") : store.transaction("test", ({ now }) => now()),
      );
      for (const { status } of await Promise.allSettled(calls)) expect(status).toBe("rejected");
      await expect(store.platforms.find("p")).rejects.toMatchObject(UNAVAILABLE);
      expect(calmNow() - begun).toBeLessThan(10_000);
      expect(warned).toEqual([expect.stringContaining("answers nothing")]);
      server.thaw();
      await until(() => store.platforms.find("p").then(Boolean, () => false));
    } finally {
      server.thaw();
      await store.close();
      await server.stop();
    }
  });
});
