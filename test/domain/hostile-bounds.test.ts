/** Bounds on work that a stranger or a holder can ask for: each is counted before the work is begun. */
import { expect, test } from "vitest";

import { askedCaveats } from "../../src/domain/discharge/asked-caveats.ts";
import { createGathering } from "../../src/domain/parts/gathering.ts";
import { onBill, payerName } from "../../src/domain/parts/turn.ts";
import { createRevocationWriter } from "../../src/domain/revoke/append.ts";
import { attenuate, encodeBundle } from "../../src/macaroon/index.ts";
import { systemRandomness, unwatchedSteps } from "../../src/run/system.ts";
import { createGate } from "../support/service-steps.ts";
import { createWorld, root, verdict } from "./seen-world.ts";

test("caveats of an asker that are too long together are refused before any of them is read", () => {
  // None of them can be read, so that reading one would be another refusal.
  const unreadable = Array.from({ length: 2 }, () => "a within ".padEnd(3_000, ":"));
  const options = {
    life: undefined,
    authAge: undefined,
    acr: undefined,
    principalCounts: false,
    once: false,
  };
  expect(() => askedCaveats(unreadable, { ...options, exact: false })).toThrow(/at most 4096 bytes/);
});

test("a verdict explains no more than 250 failures, and refuses all the same", async () => {
  const world = createWorld();
  const token = encodeBundle([attenuate(root(), Array(254).fill("a = b"))]);
  const asked = { token, discharges: [], context: new Map(), now: 0, platform: "shop" };
  const answer = await verdict(world, asked);
  expect(answer.allowed).toBe(false);
  expect(!answer.allowed && answer.failures.length).toBe(250);
});

test("jobs go by turns of those that pay for them", async () => {
  const groups: (readonly string[])[] = [];
  const gate = createGate();
  const gathered = createGathering({
    run: async (jobs: readonly string[]) => {
      groups.push(jobs);
      await gate.opened;
      return jobs.map((value) => ({ ok: true, value }) as const);
    },
    weigh: () => 1,
    room: 1,
    atOnce: 1,
    lane: () => [payerName()],
  });
  const as = (name: string, job: string) =>
    onBill({ payer: { kind: "platform", name } }, () => gathered(job));
  const answers = ["a1", "a2", "a3", "a4"].map((job) => as("a", job));
  answers.push(as("b", "b1"));
  gate.open();
  await Promise.all(answers);
  expect(groups.flat().indexOf("b1")).toBeLessThan(3);
});

test("one caller's long revocations keep another's waiting for no more than one of them", async () => {
  const written: string[] = [];
  const gate = createGate();
  const revocations = {
    moment: async () => ({ now: 1_000_000 }),
    async append(entries: readonly { readonly author: string }[]) {
      written.push(entries[0]?.author ?? "");
      await gate.opened;
      return { epoch: "e", entries };
    },
    prepare: async (entries: readonly { readonly author: string }[]) => entries,
    async write(entries: readonly { readonly author: string }[]) {
      written.push(entries[0]?.author ?? "");
      await gate.opened;
      return entries;
    },
    standing: async (entries: readonly { readonly author: string }[]) => ({ epoch: "e", entries }),
  };
  const write = createRevocationWriter({
    store: {
      revocations,
      transaction: (_: string, work: (repositories: object) => unknown) => work({ revocations }),
    } as never,
    randomness: systemRandomness,
    steps: unwatchedSteps,
  });
  const revoke = (platform: string, count: number) =>
    onBill({ payer: { kind: "platform", name: platform } }, () =>
      write(
        Array.from({ length: count }, (_, n) => ({
          scope: { kind: "platform", platform } as const,
          target: () => ({ kind: "revocation_id", id: new Uint8Array(16).fill(n) }) as const,
          author: platform,
          actor: { kind: "service" } as const,
          member: "targets",
        })),
        { reason: undefined },
      ),
    );
  const answers = [1, 2, 3, 4].map(() => revoke("flooding", 1_000));
  answers.push(revoke("other", 1));
  gate.open();
  await Promise.all(answers);
  // A long one may be written in several statements.
  const turns = written.filter((author, index) => author !== written[index - 1]);
  expect(turns).toEqual(["flooding", "other", "flooding"]);
});

test("while ten thousand entries are written nothing else is done: the log is held for the statements alone", async () => {
  let inside = false;
  const meanwhile: string[] = [];
  const note = (what: string) => inside && meanwhile.push(what);
  const entryFor = (n: number) => ({
    scope: { kind: "platform", platform: "p" } as const,
    target: () => {
      note("dated");
      return { kind: "agent", agent: `a${n}`, tokenId: null, issuedBefore: 1 } as const;
    },
    author: "platform:p",
    actor: { kind: "service" } as const,
    member: "targets",
  });
  const revocations = {
    moment: async () => ({ now: 1_000_000 }),
    prepare: async (entries: readonly object[]) => note("prepared") || entries,
    write: async (entries: readonly object[]) => entries,
    standing: async (entries: readonly object[]) => note("read") || { epoch: "e", entries },
    append: async (entries: readonly object[]) => note("prepared") || { epoch: "e", entries },
  };
  const write = createRevocationWriter({
    store: {
      revocations,
      async transaction(_: string, work: (repositories: object) => Promise<unknown>) {
        inside = true;
        const result = await work({ revocations });
        inside = false;
        return result;
      },
    } as never,
    randomness: systemRandomness,
    steps: unwatchedSteps,
  });
  const written = await write(
    Array.from({ length: 10_000 }, (_, n) => entryFor(n)),
    { reason: undefined },
  );
  expect(written.entries).toHaveLength(10_000);
  expect(meanwhile).toEqual([]);
});
