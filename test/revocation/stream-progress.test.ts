import { beforeEach, describe, expect, test } from "vitest";

import type {
  LogPosition,
  LogRead,
  Revocation,
  RevocationStore,
} from "../../src/domain/ports/revocations.ts";
import { createSharedPages } from "../../src/domain/revoke/shared-pages.ts";
import { createStreamProgress } from "../../src/domain/revoke/stream-progress.ts";
import { OWN_SERVER } from "../support/log-server.ts";

const entry = (number: number): Revocation => ({
  id: "",
  number,
  scope: { kind: "all" },
  target: { kind: "key_id", id: "k" },
  reason: null,
  author: "administrator",
  revokedAt: 0,
  lastMatchAt: 0,
});

const page = (end: number, ...numbers: readonly number[]): LogRead => ({
  position: { epoch: "a", number: end },
  hashAt: undefined,
  server: OWN_SERVER,
  entries: numbers.map(entry),
  oldest: 1,
});

let monotonic = 0;
let known: LogPosition = { epoch: "a", number: 0 };
let knownFor = 0;
beforeEach(() => {
  monotonic = 1_000;
  known = { epoch: "a", number: 0 };
  knownFor = 0;
});
const clock = { now: () => 0, monotonic: () => monotonic };
const knowledge = { position: () => known, age: () => knownFor };
const agentKeys = () => new Uint8Array(32);
const progressAfter = (after?: LogPosition) =>
  createStreamProgress(after, { knowledge, clock, view: { kind: "all" }, agentKeys });

describe("what a reader of the log has been sent", () => {
  test("is infinitely old until a page has reached the log's end", () => {
    const progress = progressAfter();
    progress.beginRead();
    const items = progress.take(page(5, 1, 2), false, monotonic);
    expect(items.map(({ sequence }) => sequence)).toEqual(["a-1", "a-2"]);
    expect([progress.position(), progress.isBehind()]).toEqual([{ epoch: "a", number: 2 }, true]);
    expect(progress.age()).toBe(Number.POSITIVE_INFINITY);
    progress.beginRead();
    progress.take(page(5, 3), true, monotonic);
    expect([progress.position(), progress.isBehind()]).toEqual([{ epoch: "a", number: 5 }, false]);
    expect(progress.age()).toBe(0);
  });

  test("is as old as the start of its last read, or as this replica's own knowledge where that is newer", () => {
    const progress = progressAfter();
    progress.beginRead();
    progress.take(page(1, 1), true, monotonic - 70);
    knownFor = 1_000;
    expect(progress.age()).toBe(70);
    knownFor = 20;
    expect(progress.age()).toBe(20);
  });

  test.each([{ during: true }, { during: false }])(
    "does not count as this replica's knowledge once the log has grown (during the read: $during)",
    ({ during }) => {
      const progress = progressAfter();
      progress.beginRead();
      if (during) progress.grew();
      progress.take(page(1, 1), true, monotonic - 70);
      if (!during) progress.grew();
      knownFor = 20;
      expect([progress.isBehind(), progress.age()]).toEqual([true, 70]);
    },
  );

  test("names a position from the start on", () => {
    expect(progressAfter().sequence()).toBe("a-0");
    expect(progressAfter({ epoch: "a", number: 7 }).sequence()).toBe("a-7");
  });
});

describe("readers of one view at one position", () => {
  const FROM = { epoch: "a", number: 0 };
  const ALL = { kind: "all" } as const;
  function shared() {
    let reads = 0;
    let answer = (_: LogRead) => {};
    const read = () => {
      reads += 1;
      return new Promise<LogRead>((resolve) => {
        answer = resolve;
      });
    };
    const store = { revocations: { read } as unknown as RevocationStore };
    const ask = createSharedPages({ store, knowledge, clock, limit: 10 });
    return { ask, reads: () => reads, answer: (read: LogRead) => answer(read) };
  }

  test("share a read while it is under way, and not its answer later", async () => {
    const { ask, reads, answer } = shared();
    const first = ask(FROM, ALL);
    expect(ask(FROM, ALL)).toBe(first);
    answer(page(1, 1));
    await first.page;
    await Promise.resolve();
    void ask(FROM, ALL);
    expect(reads()).toBe(2);
  });

  test("share none that began before the log grew, and none of another view or position", () => {
    const { ask, reads } = shared();
    void ask(FROM, ALL);
    void ask(FROM, { kind: "platform", platform: "shop" });
    void ask({ epoch: "a", number: 1 }, ALL);
    void ask(undefined, ALL);
    expect(reads()).toBe(4);
    known = { epoch: "a", number: 1 };
    void ask(FROM, ALL);
    expect(reads()).toBe(5);
  });
});
