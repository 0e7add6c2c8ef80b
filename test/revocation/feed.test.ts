import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";

import { beforeEach, describe, expect, test } from "vitest";

import type { Changes } from "../../src/domain/ports/changes.ts";
import type { PositionFile } from "../../src/domain/ports/position-file.ts";
import type {
  LogLoad,
  LogPosition,
  Revocation,
  RevocationStore,
} from "../../src/domain/ports/revocations.ts";
import {
  createRevocationFeed,
  type RevocationFeedOptions,
} from "../../src/domain/replica/revocation-feed.ts";
import { createRevocationKnowledge } from "../../src/domain/replica/revocation-knowledge.ts";
import type { RevocationSubject } from "../../src/domain/replica/revocation-subject.ts";
import { systemRandomness } from "../../src/run/system.ts";

const NOON = 1_795_168_800_000;
const DAY = 86_400_000;

/** A log in memory that can be replaced, be slow, and fail. */
function createLog(epoch = "a") {
  let entries: Revocation[] = [];
  let position: LogPosition = { epoch, number: 0 };
  let failing = false;
  let held: Promise<void> | undefined;
  let reads = 0;

  async function load(after: number, limit: number): Promise<LogLoad> {
    reads += 1;
    if (failing) throw new Error("planted: postgres://user:secret@host");
    const page = entries.filter(({ number }) => number > after).slice(0, limit);
    const answer: LogLoad = {
      position,
      through: page.length < limit ? position.number : (page.at(-1)?.number ?? 0),
      now: NOON,
      estimate: 0,
      links: page.flatMap(({ scope, target, lastMatchAt }) =>
        target.kind === "revocation_id" ? [{ scope, kind: target.kind, lastMatchAt, ids: target.id }] : [],
      ),
      wide: [],
    };
    await held;
    return answer;
  }

  return {
    store: { revocations: { load } as unknown as RevocationStore },
    reads: () => reads,
    add(id: Uint8Array, lastMatchAt = NOON + 90 * DAY): Revocation {
      position = { ...position, number: position.number + 1 };
      const entry: Revocation = {
        id: "",
        number: position.number,
        scope: { kind: "all" },
        target: { kind: "revocation_id", id },
        reason: null,
        author: "administrator",
        revokedAt: NOON,
        lastMatchAt,
      };
      entries = [...entries, entry];
      return entry;
    },
    replace(to: LogPosition, kept: readonly Revocation[] = []) {
      position = to;
      entries = [...kept];
    },
    fail(value: boolean) {
      failing = value;
    },
    hold() {
      let release = () => {};
      held = new Promise((resolve) => {
        release = () => {
          held = undefined;
          resolve();
        };
      });
      return () => release();
    },
  };
}

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
  beforeEach(() => {
    monotonic = 1_000;
    wall = NOON;
    problems = [];
  });
  /** A feed and the knowledge that it feeds. */
  function follow(
    log: ReturnType<typeof createLog>,
    {
      maxAgeMilliseconds = 100,
      ...over
    }: Partial<RevocationFeedOptions & { readonly maxAgeMilliseconds: number }> = {},
  ) {
    const clock = over.clock ?? { now: () => wall, monotonic: () => monotonic };
    const knowledge = createRevocationKnowledge({
      clock,
      randomness: systemRandomness,
      maxAgeMilliseconds,
      clockTolerance: Number.POSITIVE_INFINITY, // these tests hold the log's clock still
    });
    const feed = createRevocationFeed({
      knowledge,
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
    await sleep(1);
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
    await sleep(50);
    log.fail(false);
    await sleep(50);
    await feed.stop();
    expect(problems).toEqual(["the revocation log could not be read", undefined]);
  });

  test.each([
    { name: "another epoch", to: { epoch: "b", number: 9 }, says: "another epoch" },
    { name: "another epoch, and nothing in it", to: { epoch: "b", number: 0 }, says: "another epoch" },
    { name: "the same epoch and a shorter log", to: { epoch: "a", number: 1 }, says: "shorter than before" },
  ])(
    "$name: refuses and says why, reads all anew, then serves, and forgets nothing",
    async ({ to, says }) => {
      const log = createLog();
      const [known, restored] = [id(), id()];
      log.add(id());
      log.add(known);
      const { feed, knowledge } = follow(log, { ...NEVER, changes: undefined });
      await feed.start();
      const kept = { ...log.add(restored), number: Math.max(1, to.number) };
      log.replace(to, to.number === 0 ? [] : [kept]);
      const release = log.hold();
      const reaching = feed.reach({ epoch: "a", number: 99 }, 5_000).catch((error: Error) => error.message);
      await sleep(20);
      release();
      const again = log.hold();
      await sleep(20);
      expect(() => knowledge.requireFresh()).toThrow(says);
      expect(problems.at(-1)).toContain(says);
      again();
      await sleep(20);
      expect(() => knowledge.requireFresh()).not.toThrow();
      expect(knowledge.position()).toEqual(to);
      expect(knowledge.isRevoked(subject(known))).toBe(true);
      expect(knowledge.isRevoked(subject(restored))).toBe(to.number > 0);
      monotonic += 10_000;
      expect(await reaching).toMatch(/epoch|anew|too old/);
      await feed.stop();
    },
  );

  test("a read that began before this replica's own append does not pass for a shorter log", async () => {
    const log = createLog();
    const { feed, knowledge } = follow(log);
    await feed.start();
    const release = log.hold();
    await sleep(20); // a poll is under way, and has seen the log's end already
    const dead = id();
    feed.learn("a", [log.add(dead)]);
    expect(knowledge.position().number).toBe(1);
    release();
    await sleep(30);
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
    await sleep(5);
    log.add(id()); // after the snapshot of the read that is under way
    hint("a-1");
    hint("a-1");
    release();
    await sleep(20);
    expect(knowledge.position().number).toBe(1);
    const reads = log.reads();
    expect(reads).toBeLessThanOrEqual(4);
    for (const known of ["a-1", "a-0"]) hint(known);
    await sleep(5);
    expect(log.reads()).toBe(reads); // what is known needs no read
    for (const news of ["a-2", "b-1", "nonsense"]) hint(news);
    await sleep(5);
    expect(log.reads()).toBeGreaterThan(reads);
    await feed.stop();
  });

  test("a wait for a position is bounded", async () => {
    const log = createLog();
    const { feed } = follow(log, {
      ...NEVER,
      clock: { now: () => NOON, monotonic: () => performance.now() },
      maxAgeMilliseconds: 60_000,
    });
    await feed.start();
    const begun = performance.now();
    await expect(feed.reach({ epoch: "a", number: 5 }, 100)).rejects.toMatchObject({ code: "unavailable" });
    expect(performance.now() - begun).toBeLessThan(1_000);
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
      const { feed } = follow(log, { ...NEVER, positionFile });
      await feed.start();
      log.add(id());
      await feed.reach({ epoch: "a", number: 1 }, 1_000);
      await feed.stop();
      expect(positionFile.written).toEqual([
        { epoch: "a", number: 0 },
        { epoch: "a", number: 1 },
      ]);
    });

    test.each([
      { name: "the same", kept: { epoch: "a", number: 2 }, says: [] },
      { name: "further back", kept: { epoch: "a", number: 1 }, says: [] },
      {
        name: "further on",
        kept: { epoch: "a", number: 3 },
        says: [expect.stringContaining("restore-fence")],
      },
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
