import { randomBytes } from "node:crypto";

import { beforeEach, describe, expect, test } from "vitest";

import type { Changes } from "../../src/domain/ports/changes.ts";
import type { LogPosition, PositionFile } from "../../src/domain/ports/revocations.ts";
import { createLogCustody } from "../../src/domain/replica/log-custody.ts";
import { BY_HAND, type FailoverSettings } from "../../src/domain/replica/log-problem.ts";
import {
  createRevocationFeed,
  type RevocationFeedOptions,
} from "../../src/domain/replica/revocation-feed.ts";
import { createRevocationKnowledge } from "../../src/domain/replica/revocation-knowledge.ts";
import type { RevocationSubject } from "../../src/domain/replica/revocation-subject.ts";
import { systemRandomness } from "../../src/run/system.ts";
import { OWN_SERVER, PROMOTED } from "../support/log-server.ts";
import { turn, until } from "../support/until.ts";
import { createLog, DAY, NOON } from "./fake-log.ts";

const id = () => new Uint8Array(randomBytes(16));
const subject = (...revocationIds: readonly Uint8Array[]): RevocationSubject => ({
  platform: "p",
  issuer: "i",
  subject: "s",
  principalId: "x",
  keyId: "k",
  tokenId: "019a8b3c-5d7e-7f10-8a2b-3c4d5e6f7081",
  issuedAt: NOON,
  agents: [],
  approvals: [],
  revocationIds,
});

describe("following the log", () => {
  let monotonic = 0;
  let wall = NOON;
  let problems: (string | undefined)[] = [];
  let did: string[] = [];
  let mayNotFence = false;
  beforeEach(() => {
    did = [];
    mayNotFence = false;
    monotonic = 1_000;
    wall = NOON;
    problems = [];
  });
  /** A feed and the knowledge that it feeds. */
  function follow(
    log: ReturnType<typeof createLog>,
    {
      maxAgeMilliseconds = 100,
      failover = BY_HAND,
      ...over
    }: Partial<
      RevocationFeedOptions & { readonly maxAgeMilliseconds: number; readonly failover: FailoverSettings }
    > = {},
  ) {
    const clock = over.clock ?? { now: () => wall, monotonic: () => monotonic };
    const knowledge = createRevocationKnowledge({
      clock,
      randomness: systemRandomness,
      maxAgeMilliseconds,
      clockTolerance: Number.POSITIVE_INFINITY, // these tests hold the log's clock still
      failover,
    });
    const custody = createLogCustody({
      revocations: log.store.revocations,
      failover,
      adopt: async () => void did.push("adopt"),
      fence: async (epoch) => {
        did.push(`fence ${epoch}`);
        if (mayNotFence) throw new Error("planted: permission denied");
        log.keep(log.end().number, "fenced");
      },
      onFailure: (step) => void did.push(`failed: ${step}`),
    });
    const feed = createRevocationFeed({
      knowledge,
      custody,
      store: log.store,
      clock,
      pollMilliseconds: 5,
      changes: undefined,
      positionFile: undefined,
      onProblem: (problem) => void problems.push(problem),
      onClockProblem: () => {},
      ...over,
    });
    return { feed, knowledge };
  }
  const NEVER = { pollMilliseconds: 2_000_000_000 };

  /** Waits until so many more reads have begun. */
  async function reads(log: ReturnType<typeof createLog>, count: number): Promise<void> {
    const from = log.reads();
    await until(() => log.reads() >= from + count);
  }

  function isFresh(knowledge: ReturnType<typeof createRevocationKnowledge>): boolean {
    try {
      knowledge.requireFresh();
      return true;
    } catch {
      return false;
    }
  }

  test("before the first read nothing may be allowed; where that fails, so does the start", async () => {
    const log = createLog();
    const { feed, knowledge } = follow(log);
    expect(knowledge.age()).toBe(Number.POSITIVE_INFINITY);
    expect(() => knowledge.requireFresh()).toThrow("too old");
    log.fail(true);
    await expect(feed.start()).rejects.toThrow();
    expect(() => knowledge.requireFresh()).toThrow("too old");
  });

  test("knowledge is as old as the start of the last read that came to the end, not as its answer", async () => {
    const log = createLog();
    const { feed, knowledge } = follow(log, NEVER);
    const release = log.hold();
    const starting = feed.start();
    await until(() => log.reads() === 1);
    monotonic += 70;
    release();
    await starting;
    expect(knowledge.age()).toBe(70);
    monotonic += 30;
    expect(() => knowledge.requireFresh()).not.toThrow();
    monotonic += 1;
    expect(() => knowledge.requireFresh()).toThrow("too old");
    await feed.stop();
  });

  test.each([3_600_000, -3_600_000, 400 * DAY])(
    "a wall clock that steps by %d ages nothing and forgets nothing",
    async (step) => {
      const log = createLog();
      const dead = id();
      log.add(dead);
      const { feed, knowledge } = follow(log, NEVER);
      await feed.start();
      wall += step;
      expect(knowledge.age()).toBe(0);
      await knowledge.sweep(NOON);
      expect(knowledge.isRevoked(subject(dead))).toBe(true);
      wall = NOON;
      await knowledge.sweep(NOON + 400 * DAY);
      expect(knowledge.isRevoked(subject(dead))).toBe(true);
      await feed.stop();
    },
  );

  test("an entry leaves memory an hour after it can last match, when both clocks say so", async () => {
    const log = createLog();
    const dead = id();
    log.add(dead, NOON);
    const { feed, knowledge } = follow(log, NEVER);
    await feed.start();
    expect(knowledge.size).toBe(1);
    wall = NOON + 2 * DAY;
    await knowledge.sweep(wall);
    expect([knowledge.size, knowledge.isRevoked(subject(dead))]).toEqual([0, false]);
    await feed.stop();
  });

  test("a failure is told once, in words of ours, and so is that it is over", async () => {
    const log = createLog();
    const { feed } = follow(log);
    await feed.start();
    log.fail(true);
    await until(() => problems.length > 0);
    await reads(log, 2);
    log.fail(false);
    await until(() => problems.length > 1);
    await reads(log, 2);
    await feed.stop();
    expect(problems).toEqual(["the revocation log could not be read", undefined]);
  });

  test.each([0, 1, 3])(
    "another epoch, with %d entries: refuses and says why, reads all anew, then serves, and forgets nothing",
    async (count) => {
      const log = createLog();
      const [known, other] = [id(), id()];
      log.add(id());
      log.add(known);
      const { feed, knowledge } = follow(log, NEVER);
      await feed.start();
      log.keep(0, "b");
      for (let n = 0; n < count; n += 1) log.add(other);
      const release = log.hold();
      const reaching = feed.reach({ epoch: "a", number: 99 }, 5_000).catch((error: Error) => error.message);
      await until(() => log.reads() === 2);
      release();
      const again = log.hold();
      await until(() => log.reads() === 3);
      expect(() => knowledge.requireFresh()).toThrow("another epoch");
      expect(problems.at(-1)).toContain("another epoch");
      again();
      await until(() => isFresh(knowledge));
      expect(() => knowledge.requireFresh()).not.toThrow();
      expect(knowledge.position()).toEqual(log.end());
      expect(knowledge.isRevoked(subject(known))).toBe(true);
      expect(knowledge.isRevoked(subject(other))).toBe(count > 0);
      monotonic += 10_000;
      expect(await reaching).toMatch(/epoch|anew|too old/);
      await feed.stop();
      expect(did).toEqual([]);
    },
  );

  describe("a log that lacks what was read of it", () => {
    /** Follows a log of two entries, of which the second is lost then; `again` are put in its place. */
    async function lose(again: number, over: Parameters<typeof follow>[1] = {}) {
      const log = createLog();
      const [first, lost] = [id(), id()];
      log.add(first);
      log.add(lost);
      const fed = follow(log, over);
      await fed.feed.start();
      const known = knowledgeSequence(fed.knowledge.position());
      log.keep(1);
      for (let n = 0; n < again; n += 1) log.add(id());
      await until(() => problems.length + did.length > 0);
      await reads(log, 3);
      return { ...fed, log, first, lost, known };
    }
    const knowledgeSequence = ({ epoch, hash, number }: LogPosition) => `${epoch}-${hash}-${number}`;

    test.each([
      { name: "shorter", again: 0, says: "shorter than before" },
      { name: "as long, with another entry", again: 1, says: "has forked" },
      { name: "longer, with other entries", again: 5, says: "has forked" },
    ])(
      "$name: is refused until it is fenced, the others are told, and nothing is forgotten",
      async ({ again, says }) => {
        const { feed, knowledge, log, lost, known } = await lose(again);
        for (const text of [says, "run `bakehouse restore-fence`"]) {
          expect(() => knowledge.requireFresh()).toThrow(text);
          expect(problems.at(-1)).toContain(text);
        }
        expect(log.disputes).toEqual([known]);
        expect(problems).toHaveLength(1);
        expect(knowledge.age()).toBe(Number.POSITIVE_INFINITY);
        log.keep(1, "b");
        log.serveFrom(OWN_SERVER);
        await until(() => isFresh(knowledge));
        expect(() => knowledge.requireFresh()).not.toThrow();
        expect(knowledge.isRevoked(subject(lost))).toBe(true);
        await feed.stop();
      },
    );

    test("is fenced by the replica itself where it may", async () => {
      const { feed, knowledge, log } = await lose(1, {
        failover: { failover: undefined, restoreFence: "auto" },
      });
      expect(did).toEqual(["fence a"]);
      expect(log.disputes).toEqual([]);
      expect(() => knowledge.requireFresh()).not.toThrow();
      expect(knowledge.position().epoch).toBe("fenced");
      await feed.stop();
    });

    test("is refused, and the others are told, where the fence is not allowed to the role; that is told once", async () => {
      mayNotFence = true;
      const { feed, knowledge, log, known } = await lose(1, {
        failover: { failover: undefined, restoreFence: "auto" },
      });
      expect(() => knowledge.requireFresh()).toThrow("has forked");
      expect(log.disputes).toEqual([known]);
      expect(did.filter((done) => done.startsWith("failed"))).toEqual(["failed: fence the revocation log"]);
      expect(did.filter((done) => done === "fence a").length).toBeGreaterThan(1);
      await feed.stop();
    });

    test("is served again where it has turned out to be all there", async () => {
      const log = createLog();
      log.add(id());
      const { feed, knowledge } = follow(log);
      await feed.start();
      log.serveFrom({ ...OWN_SERVER, inRecovery: true });
      await until(() => !isFresh(knowledge));
      expect(() => knowledge.requireFresh()).toThrow("standby in recovery");
      log.serveFrom(OWN_SERVER);
      await until(() => isFresh(knowledge));
      expect(() => knowledge.requireFresh()).not.toThrow();
      await feed.stop();
    });
  });

  const bySynchrony = { failover: "synchronous", restoreFence: "refuse" } as const;
  const synchronous = { ...PROMOTED, wasSynchronous: true };

  test.each([
    { name: "a standby", server: { ...OWN_SERVER, inRecovery: true }, says: "must lead to the primary" },
    { name: "a standby of it, promoted", server: PROMOTED, says: "timeline 1 then, 2 now" },
    { name: "a disputed log", server: { ...OWN_SERVER, disputed: "a-9" }, says: "lacks entry a-9" },
    {
      name: "another database",
      server: { ...OWN_SERVER, here: { ...OWN_SERVER.here, database: "6.16" } },
      says: "database 5.16 then, 6.16 now",
    },
    {
      name: "another cluster, in which a synchronous promotion cannot be",
      server: { ...synchronous, here: { ...PROMOTED.here, systemIdentifier: "72" } },
      failover: bySynchrony,
      says: "system identifier 71 then, 72 now",
    },
    {
      name: "a standby whose last entry no standby was waited for",
      server: PROMOTED,
      failover: bySynchrony,
      says: "FAILOVER=synchronous does not cover it",
    },
  ])(
    "$name is no server to start on, and none to go on with",
    async ({ server, says, failover = BY_HAND }) => {
      const log = createLog();
      const running = follow(log, { failover });
      await running.feed.start();
      log.serveFrom(server);
      await until(() => !isFresh(running.knowledge));
      expect(() => running.knowledge.requireFresh()).toThrow(says);
      const starting = follow(log, { failover });
      await expect(starting.feed.start()).rejects.toMatchObject({
        name: "LogRefusedError",
        message: expect.stringContaining(says),
      });
      expect(() => starting.knowledge.requireFresh()).toThrow(says);
      for (const { feed } of [running, starting]) await feed.stop();
      expect(did).toEqual([]);
      expect(log.disputes).toEqual([]);
    },
  );

  test.each([
    {
      name: "but a synchronous standby that was promoted is taken over",
      failover: bySynchrony,
      takes: ["adopt"],
    },
    { name: "and is not where nobody says that it was one", failover: BY_HAND, takes: [] },
  ])("$name", async ({ failover, takes }) => {
    const log = createLog();
    const { feed } = follow(log, { ...NEVER, failover });
    log.serveFrom(synchronous);
    await expect(feed.start()).rejects.toThrow("timeline 1 then, 2 now");
    expect(did).toEqual(takes);
    await feed.stop();
  });

  test("a server that does not tell what it is proves nothing", async () => {
    const log = createLog();
    const { feed, knowledge } = follow(log, NEVER);
    log.serveFrom({ ...OWN_SERVER, here: { systemIdentifier: null, database: "5.16", timeline: null } });
    await feed.start();
    expect(() => knowledge.requireFresh()).not.toThrow();
    await feed.stop();
  });

  describe("min_sequence", () => {
    test("is answered for an entry of this log, and refused for one of another history", async () => {
      const log = createLog();
      const [first, second] = [log.add(id()), log.add(id())];
      const { feed } = follow(log, NEVER);
      await feed.start();
      const third = log.add(id());
      feed.learn("a", [third]);
      for (const { number, hash } of [first, second, third]) {
        await feed.reach({ epoch: "a", number, hash }, 100);
        await feed.reach({ epoch: "a", number }, 100); // as version 0.1.0 gave them out
        await expect(feed.reach({ epoch: "a", number, hash: "0".repeat(16) }, 100)).rejects.toMatchObject({
          code: "unavailable",
          message: expect.stringContaining("not of this log"),
        });
      }
      await feed.stop();
    });

    test("is refused where its entry is not kept any more", async () => {
      const log = createLog();
      log.add(id());
      const { feed } = follow(log, NEVER);
      await feed.start();
      const wanted = { epoch: "a", number: 0, hash: "0".repeat(16) };
      await feed.reach(wanted, 100); // the beginning is before every entry
      log.add(id());
      const last = log.add(id());
      await feed.reach({ epoch: "a", number: 3, hash: last.hash }, 1_000);
      await expect(feed.reach({ ...wanted, number: 2 }, 100)).rejects.toThrow("not of this log");
      await feed.stop();
    });
  });

  test("a read that began before this replica's own append does not pass for a shorter log", async () => {
    const log = createLog();
    const { feed, knowledge } = follow(log);
    await feed.start();
    const release = log.hold();
    const before = log.reads();
    await until(() => log.reads() > before); // a poll is under way, and has seen the log's end already
    const dead = id();
    feed.learn("a", [log.add(dead)]);
    expect(knowledge.position().number).toBe(1);
    release();
    await until(() => log.reads() > before + 1); // what that poll has read has been taken in
    expect(problems).toEqual([]);
    expect([knowledge.position().number, knowledge.isRevoked(subject(dead))]).toEqual([1, true]);
    await feed.stop();
  });

  test("its own entries hold at once; its position moves only over what has no gap", async () => {
    const log = createLog();
    const { feed, knowledge } = follow(log, NEVER);
    await feed.start();
    const [foreign, own] = [id(), id()];
    log.add(foreign);
    feed.learn("a", [log.add(own)]);
    expect(knowledge.position().number).toBe(0);
    expect([knowledge.isRevoked(subject(own)), knowledge.isRevoked(subject(foreign))]).toEqual([true, false]);
    await feed.reach({ epoch: "a", number: 2 }, 1_000);
    expect(knowledge.isRevoked(subject(foreign))).toBe(true);
    await feed.stop();
  });

  test("a hint that comes during a read is not taken for answered by it", async () => {
    const log = createLog();
    let hint = (_: string | undefined) => {};
    const changes: Changes = {
      listen(onChange) {
        hint = onChange;
        return () => {};
      },
      announce: () => {},
    };
    const { feed, knowledge } = follow(log, { ...NEVER, changes });
    await feed.start();
    const release = log.hold();
    hint(undefined);
    await until(() => log.reads() === 2);
    log.add(id()); // after the snapshot of the read that is under way
    hint("a-1");
    hint("a-1");
    release();
    await until(() => knowledge.position().number === 1);
    await turn();
    const reads = log.reads();
    expect(reads).toBeLessThanOrEqual(4);
    for (const known of ["a-1", "a-0"]) hint(known);
    await turn();
    expect(log.reads()).toBe(reads); // what is known needs no read
    for (const news of ["a-2", "b-1", "nonsense"]) hint(news);
    await until(() => log.reads() > reads);
    await feed.stop();
  });

  test("a wait for a position is bounded", async () => {
    const log = createLog();
    const { feed } = follow(log, { ...NEVER, maxAgeMilliseconds: 60_000 });
    await feed.start();
    let settled = false;
    const reaching = feed.reach({ epoch: "a", number: 5 }, 100).finally(() => {
      settled = true;
    });
    reaching.catch(() => {}); // looked at only once it is awaited
    monotonic += 99;
    await until(() => log.reads() > 3); // it looks again and again
    expect(settled).toBe(false);
    monotonic += 1;
    await expect(reaching).rejects.toMatchObject({ code: "unavailable" });
    await feed.stop();
  });

  describe("the position that is kept", () => {
    function createFile(kept?: LogPosition): PositionFile & { readonly written: LogPosition[] } {
      const written: LogPosition[] = [];
      return {
        written,
        read: async () => kept,
        async write(position) {
          written.push(position);
        },
      };
    }

    test("is written when it has moved, and at the end", async () => {
      const log = createLog();
      const positionFile = createFile();
      const beginning = log.end();
      const { feed } = follow(log, { ...NEVER, positionFile });
      await feed.start();
      log.add(id());
      await feed.reach({ epoch: "a", number: 1 }, 1_000);
      await feed.stop();
      expect(positionFile.written).toEqual([{ ...beginning }, { ...log.end() }]);
    });

    test.each([
      { name: "the same", kept: { epoch: "a", number: 2 }, says: [] },
      { name: "further back", kept: { epoch: "a", number: 1 }, says: [] },
      {
        name: "of another epoch",
        kept: { epoch: "z", number: 1 },
        says: [expect.stringContaining("another epoch")],
      },
    ])("$name: what a restart says of it", async ({ kept, says }) => {
      const log = createLog();
      log.add(id());
      log.add(id());
      const { feed, knowledge } = follow(log, { ...NEVER, positionFile: createFile(kept) });
      await feed.start();
      expect(problems).toEqual(says);
      expect(() => knowledge.requireFresh()).not.toThrow();
      await feed.stop();
    });

    test.each([
      { name: "further on", kept: { epoch: "a", number: 3 }, says: "shorter than before" },
      {
        name: "in another history",
        kept: { epoch: "a", number: 2, hash: "0".repeat(16) },
        says: "has forked",
      },
    ])("$name: a restart is refused", async ({ kept, says }) => {
      const log = createLog();
      log.add(id());
      log.add(id());
      const { feed, knowledge } = follow(log, { ...NEVER, positionFile: createFile(kept) });
      await expect(feed.start()).rejects.toThrow(says);
      expect(() => knowledge.requireFresh()).toThrow("restore-fence");
      expect(log.disputes).toHaveLength(1);
      await feed.stop();
    });

    test("cannot stop a replica by not being writable", async () => {
      const log = createLog();
      const positionFile = {
        read: async () => undefined,
        write: () => Promise.reject(new Error("disk full")),
      };
      const { feed } = follow(log, { ...NEVER, positionFile });
      await feed.start();
      await feed.stop();
      expect(problems).toEqual([]);
    });
  });
});
