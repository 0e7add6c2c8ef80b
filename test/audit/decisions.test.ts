import { describe, expect, test } from "vitest";

import { createDecisionLog, type RecordedDecisions } from "../../src/domain/audit/decision-log.ts";
import type { Caller } from "../../src/domain/caller.ts";
import type { AuditEvent } from "../../src/domain/ports/audit.ts";
import type { Verdict } from "../../src/domain/service.ts";
import { systemRandomness } from "../../src/run/system.ts";
import { describeService } from "../support/service.ts";
import { until } from "../support/until.ts";

const platform = (name: string): Caller => ({
  kind: "service",
  role: "platform",
  platform: name,
  credentialId: "019a8b3c-5d7e-7f10-8a2b-3c4d5e6f7081",
  links: [],
  narrowed: [],
  resource: undefined,
  refuses: () => undefined,
});

const verdict = (allowed: boolean): Verdict => ({ allowed, code: "caveat_failed" }) as unknown as Verdict;

function made(recorded: RecordedDecisions) {
  const written: AuditEvent[] = [];
  const gaps: number[] = [];
  let down = false;
  let answerLost = false;
  let now = 1_795_168_800_123;
  const log = createDecisionLog({
    store: {
      audit: {
        async append(events) {
          if (down) throw new Error("away");
          const known = new Set(written.map(({ id }) => id));
          if (events.some(({ id }) => known.has(id)))
            throw Object.assign(new Error("again"), { sqlstate: "23505" });
          written.push(...events);
          if (answerLost) throw new Error("the answer was lost");
        },
      },
    },
    clock: { now: () => now++, monotonic: () => now },
    randomness: systemRandomness,
    recorded,
    onGap: (count) => gaps.push(count),
    onProblem: () => {},
  });
  const noteUnsigned = (by: string) =>
    log.note(platform(by), { dryRun: false }, { allowed: false, code: "malformed" } as never, undefined);
  const note = (allowed: boolean, by = "default", dryRun = false) =>
    log.note(platform(by), { dryRun }, verdict(allowed), undefined);
  return {
    log,
    written,
    gaps,
    note,
    noteUnsigned,
    passTime: (milliseconds: number) => {
      now += milliseconds;
    },
    setDown: (value: boolean) => {
      down = value;
    },
    loseAnswers: (value: boolean) => {
      answerLost = value;
    },
  };
}

describe("which decisions are recorded", () => {
  test.each([
    ["none", []],
    ["refused", ["verify.refused"]],
    ["all", ["verify.allowed", "verify.refused"]],
  ] as const)("%s", async (recorded, actions) => {
    const { log, written, note } = made(recorded);
    note(true);
    note(false);
    note(false, "default", true);
    await log.flush();
    expect(written.map(({ action }) => action)).toEqual(actions);
  });

  test("a share of all", async () => {
    const { log, written, note } = made(0.1);
    for (let n = 0; n < 5_000; n++) note(n % 2 === 0);
    await log.flush();
    // Within eight standard deviations.
    expect(written.length).toBeGreaterThan(330);
    expect(written.length).toBeLessThan(670);
    expect(new Set(written.map(({ action }) => action)).size).toBe(2);
  });
});

describe("a database that is away", () => {
  test("loses nothing that the queue holds", async () => {
    const { log, written, note, setDown, gaps } = made("all");
    setDown(true);
    for (let n = 0; n < 3_000; n++) note(true);
    await expect(log.flush()).rejects.toThrow("away");
    expect(written).toEqual([]);
    setDown(false);
    await log.flush();
    expect([written.length, new Set(written.map(({ id }) => id)).size, gaps]).toEqual([3_000, 3_000, []]);
  });

  test("makes a gap beyond that, which is on record with its count, platform and time", async () => {
    const { log, written, note, setDown, gaps } = made("all");
    setDown(true);
    for (let n = 0; n < 15_007; n++) note(true, "loud");
    note(false, "quiet");
    await expect(log.flush()).rejects.toThrow("away");
    setDown(false);
    await log.flush();
    const decisions = written.filter(({ action }) => action !== "audit.gap");
    expect(decisions.filter((event) => event.platform === "loud")).toHaveLength(15_000);
    expect(decisions.filter((event) => event.platform === "quiet")).toHaveLength(1);
    const [gap, ...more] = written.filter(({ action }) => action === "audit.gap");
    expect(more).toEqual([]);
    expect(gap).toMatchObject({ platform: "loud", details: { missing: 7 } });
    expect(Date.parse(String(gap?.details["from"]))).toBeLessThan(Date.parse(String(gap?.details["to"])));
    expect(gaps).toEqual([7]);
    note(true, "loud");
    await log.flush();
    expect(written.filter(({ action }) => action === "audit.gap")).toHaveLength(1);
  });

  test("records nothing twice where only its answer was lost", async () => {
    const { log, written, note, loseAnswers } = made("all");
    loseAnswers(true);
    for (let n = 0; n < 1_500; n++) note(true);
    await expect(log.flush()).rejects.toThrow("lost");
    loseAnswers(false);
    await log.flush();
    expect([written.length, new Set(written.map(({ id }) => id)).size]).toEqual([1_500, 1_500]);
  });
});

describe("refusals of what nobody signed", () => {
  test("are recorded at a rate, counted beyond it once a minute, and take no place of others", async () => {
    const { log, written, note, noteUnsigned, passTime, setDown, gaps } = made("refused");
    for (let n = 0; n < 5_000; n++) noteUnsigned("loud");
    noteUnsigned("quiet");
    note(false, "loud");
    await log.flush();
    const of = (name: string) => written.filter((event) => event.platform === name);
    const recorded = of("loud").length;
    expect(recorded).toBeLessThan(120);
    expect(of("quiet")).toHaveLength(1);
    expect(written.every(({ action }) => action === "verify.refused")).toBe(true);
    passTime(60_000);
    setDown(true);
    await expect(log.flush()).rejects.toThrow("away");
    setDown(false);
    await log.flush();
    await log.flush();
    const [counted, ...more] = written.filter(({ action }) => action === "audit.gap");
    expect(more).toEqual([]);
    expect(counted).toMatchObject({
      platform: "loud",
      details: { missing: 5_001 - recorded, unsigned: true },
    });
    expect(gaps).toEqual([]);
  });

  test("that are still counted when the service stops are told of then", async () => {
    const { log, written, noteUnsigned } = made("refused");
    const stop = log.start();
    for (let n = 0; n < 200; n++) noteUnsigned("loud");
    await stop();
    expect(written.filter(({ action }) => action === "audit.gap")).toHaveLength(1);
  });
});

describeService(
  "decisions on record",
  (service) => {
    test("say who asked, of which token, and why it was refused; verify waits for none of it", async () => {
      const { token, token_id, revocation_id } = await service().issue({ caveats: ["action = read"] });
      await service().verify(token, { action: "read" });
      // The database takes no event until every verify has been answered.
      let open = () => {};
      const answered = new Promise<void>((resolve) => {
        open = resolve;
      });
      service().watched.intercept((call) => (call.startsWith("audit.") ? answered : undefined));
      await service().verify(token, { action: "write" });
      await service().verify(token, { action: "write" }, { dry_run: true });
      await service().verify("nonsense", {});
      // Events of one millisecond come in any order.
      const said = Date.now();
      await until(() => Date.now() > said);
      const batch = {
        requests: [
          { token, context: { action: "read" } },
          { token, context: {} },
        ],
      };
      await service().send("POST", "/v1/verify/batch", batch, service().asPlatform());
      open();
      service().watched.intercept(undefined);
      await service().audit.decisionLog.flush();
      const { items } = (
        await service().get("/v1/audit?actor=platform:default", service().asPlatform())
      ).json<{
        items: { action: string; details: Record<string, unknown> }[];
      }>();
      const about = { token_id, revocation_id };
      expect(items.map(({ action, details }) => ({ action, details })).reverse()).toMatchObject([
        { action: "verify.allowed", details: about },
        { action: "verify.refused", details: { ...about, code: "caveat_failed" } },
        { action: "verify.refused", details: { code: expect.any(String) } },
        { action: expect.stringMatching(/^verify\./), details: about },
        { action: expect.stringMatching(/^verify\./), details: about },
      ]);
      expect(items.filter(({ action }) => action.startsWith("verify."))).toHaveLength(5);
      const byToken = await service().get(
        `/v1/audit?token_id=${token_id}&action=verify.refused`,
        service().asAdmin(),
      );
      expect(byToken.json<{ items: object[] }>().items).toHaveLength(2);
    });

    test("with the database away verify goes on", async () => {
      const { token } = await service().issue();
      await service().verify(token, {});
      service().watched.setDown(true);
      try {
        expect(await service().verify(token, {})).toMatchObject({ allowed: true });
        await expect(service().audit.decisionLog.flush()).rejects.toThrow();
      } finally {
        service().watched.setDown(false);
      }
      await service().audit.decisionLog.flush();
    });
  },
  { audit: { decisions: "all" } },
);
