import { expect, test } from "vitest";

import type { Caller, HumanCaller } from "../../src/domain/caller.ts";
import { createDischargeLimits, type WaitingLimits } from "../../src/domain/discharge/limits.ts";
import type { DischargeRequestStore } from "../../src/domain/ports/discharge-requests.ts";
import type { Repositories } from "../../src/domain/ports/store.ts";
import { createManualClock } from "./manual.ts";

const REQUEST = {
  callerHash: new Uint8Array(32),
  link: "AAAA",
  place: { depth: 1, branch: ["token", "agent"] },
  approverKeys: ["alice"],
  protocol: "native",
  platform: "shop",
  assertedBy: "issuer",
} as const;

/** Limits over a store in which so many wait. */
function limitsWith(waiting: Partial<WaitingLimits> | undefined) {
  const { clock, advance } = createManualClock();
  const told: string[] = [];
  const limits = createDischargeLimits({
    clock,
    waiting,
    onFull: (limit, most) => told.push(`${limit} ${most}`),
  });
  const ask = (
    ofLink: number,
    ofAsker: number,
    all = 1,
    protocol: "native" | "bakery" = "native",
    ofBranch: readonly number[] = [],
  ) => {
    const store: Pick<DischargeRequestStore, "waitingOf" | "waitingFor"> = {
      waitingOf: async () => ({ ofLink, ofAsker, ofAll: ofAsker, ofBranch }),
      waitingFor: async () => [{ all, ofAsker: 1, ofPlatform: 1, ofWord: 1, ofBranch: [] }],
    };
    const liveDischarges = { take: async () => true };
    const repositories = { dischargeRequests: store, liveDischarges } as unknown as Repositories;
    return limits.requireRoom(repositories, { ...REQUEST, protocol }, 0);
  };
  return { limits, ask, told, advance };
}

test.each([
  ["usually", undefined, 5, 50, 1_000],
  ["as configured", { link: 2, asker: 3, approver: 4 }, 2, 3, 4],
  ["what is left out stays", { asker: 60 }, 5, 60, 1_000],
])("%s: as many may wait, and none more", async (_, waiting, link, asker, approver) => {
  const { ask, told } = limitsWith(waiting);
  await ask(link, asker, approver);
  await expect(ask(link + 1, 1)).rejects.toMatchObject({
    code: "rate_limited",
    message: `${link} requests of this token wait already: wait until some are answered or have expired`,
  });
  await expect(ask(1, asker + 1)).rejects.toMatchObject({ code: "rate_limited" });
  await expect(ask(1, 1, approver + 1)).rejects.toMatchObject({ code: "rate_limited" });
  expect(told).toEqual([`link ${link}`, `asker ${asker}`, `approver ${approver}`]);
});

test("those of stock bakery clients are counted apart, whatever is configured", async () => {
  const { ask } = limitsWith({ approver: 5_000 });
  await ask(1, 1, 60, "bakery");
  await expect(ask(1, 1, 61, "bakery")).rejects.toMatchObject({ code: "rate_limited" });
});

test.each([
  ["one address alone", { all: 0, wide: 0, network: 0, address: 0 }, 5],
  ["one beside another", { all: 5, wide: 5, network: 5, address: 0 }, 2],
  ["one beside a full network", { all: 10, wide: 10, network: 0, address: 0 }, 1],
  ["one far from a full one", { all: 15, wide: 0, network: 0, address: 0 }, 3],
  ["one while all others have asked", { all: 59, wide: 0, network: 0, address: 0 }, 1],
])("strangers share an approver's places by their networks: %s", async (_, before, most) => {
  const { limits } = limitsWith(undefined);
  const askAs = (count: number) => {
    const store: Pick<DischargeRequestStore, "waitingOf" | "waitingFor"> = {
      waitingOf: async () => ({
        ofLink: 1,
        ofAsker: before.address + count,
        ofAll: before.address + count,
        ofBranch: [],
      }),
      waitingFor: async () => [
        {
          all: before.all + count,
          ofAsker: before.address + count,
          ofPlatform: 0,
          ofWord: 0,
          ofBranch: [before.wide + count, before.network + count],
        },
      ],
    };
    const liveDischarges = { take: async () => true };
    const repositories = { dischargeRequests: store, liveDischarges } as unknown as Repositories;
    return limits.requireRoom(repositories, { ...REQUEST, protocol: "bakery", link: null }, 0);
  };
  for (let count = 1; count <= most; count++) await askAs(count);
  await expect(askAs(most + 1)).rejects.toMatchObject({ code: "rate_limited" });
});

const CREDENTIAL = {
  kind: "service",
  role: "platform",
  platform: "shop",
  credentialId: "c",
  links: [],
  narrowed: [],
  resource: undefined,
  refuses: () => undefined,
} as const;
const PERSON = {
  kind: "human",
  administrator: false,
  identity: { issuer: "https://login.test", subject: "pat" },
} as unknown as HumanCaller;
const IN_BROWSER = { ...PERSON, sessionBegunAt: 1 };

test.each<[string, Caller, Caller]>([
  ["what was narrowed from a credential", { ...CREDENTIAL, narrowed: ["a", "b"] }, CREDENTIAL],
  [
    "what was narrowed beside it",
    { ...CREDENTIAL, narrowed: ["a", "b"] },
    { ...CREDENTIAL, narrowed: ["c"] },
  ],
  ["a program that acts as a person", { ...PERSON, program: { id: "p" } as never }, IN_BROWSER],
  ["one program", { ...PERSON, program: { id: "p" } as never }, { ...PERSON, program: { id: "q" } as never }],
  ["an ID token", PERSON, IN_BROWSER],
])("%s uses up no asks but its own", (_, loud, quiet) => {
  const { limits } = limitsWith(undefined);
  const ask = (caller: Caller) => limits.admit(caller, "192.0.2.1");
  for (let count = 0; count < 25; count++) ask(loud);
  expect(() => {
    for (let count = 0; count < 100; count++) ask(loud);
  }).toThrow("too many requests for discharges at once");
  expect(ask(quiet).hash).toEqual(limitsWith(undefined).limits.admit(loud, "192.0.2.1").hash);
});

test("the operator hears of a limit once a minute, and each refusal is one", async () => {
  const { ask, told, advance } = limitsWith(undefined);
  for (let count = 0; count < 3; count++) await expect(ask(6, 1)).rejects.toThrow("wait already");
  expect(told).toEqual(["link 5"]);
  advance(59_999);
  await expect(ask(6, 1)).rejects.toThrow("wait already");
  expect(told).toHaveLength(1);
  advance(1);
  await expect(ask(6, 1)).rejects.toThrow("wait already");
  expect(told).toEqual(["link 5", "link 5"]);
});

test.each([
  ["one token of a person has three quarters of the places", [37], [38], 37],
  ["who it was handed on to has three quarters of that", [27, 27], [28, 28], 27],
])("%s", async (_, room, full, most) => {
  const { ask } = limitsWith(undefined);
  await ask(1, room[0] ?? 0, 1, "native", room);
  if (full === undefined) return;
  await expect(ask(1, full[0] ?? 0, 1, "native", full)).rejects.toMatchObject({
    code: "rate_limited",
    message: `${most} requests of this branch of the token wait already: wait until some are answered or have expired`,
  });
});

test("with others beside it a branch has three quarters of what they leave", async () => {
  const { ask } = limitsWith(undefined);
  // Twenty of fifty are others': 22 of the thirty that are left.
  await ask(1, 42, 1, "native", [22]);
  await expect(ask(1, 43, 1, "native", [23])).rejects.toMatchObject({ code: "rate_limited" });
  // However many places a neighbour has filled of its own, there is one for a branch that has none.
  await ask(1, 38, 1, "native", [38 - 37]);
});

/** A newcomer among so many that wait for the approver, of its platform and of those whom the same has vouched for. */
function asksAmong(assertedBy: "issuer" | "platform", all: number, ofPlatform: number, ofWord: number) {
  const { limits } = limitsWith(undefined);
  const store: Pick<DischargeRequestStore, "waitingOf" | "waitingFor"> = {
    waitingOf: async () => ({ ofLink: 1, ofAsker: 1, ofAll: 1, ofBranch: [] }),
    waitingFor: async () => [{ all, ofAsker: 1, ofPlatform, ofWord, ofBranch: [] }],
  };
  const repositories = {
    dischargeRequests: store,
    liveDischarges: { take: async () => true },
  } as unknown as Repositories;
  return limits.requireRoom(repositories, { ...REQUEST, assertedBy }, 0);
}

test("the people whom one platform invents leave places to the issuer's, and a platform to other ones", async () => {
  await asksAmong("platform", 375, 375, 375);
  await expect(asksAmong("platform", 376, 376, 376)).rejects.toMatchObject({ code: "rate_limited" });
  await asksAmong("issuer", 750, 750, 750);
  await expect(asksAmong("issuer", 751, 751, 751)).rejects.toMatchObject({
    code: "rate_limited",
    message: expect.stringContaining("750 requests of this platform wait already"),
  });
  await asksAmong("issuer", 752, 1, 1);
});

test("asked for from each link in turn, the deepest first, a token fills four times its places, and each link has one", async () => {
  const { limits } = limitsWith(undefined);
  const askWith = (ofAsker: number, ofAll: number) => {
    const store = { waitingOf: async () => ({ ofLink: 1, ofAsker, ofAll, ofBranch: [] }) };
    const repositories = {
      dischargeRequests: store,
      liveDischarges: { take: async () => true },
    } as unknown as Repositories;
    return limits.requireRoom(repositories, { ...REQUEST, approverKeys: [] }, 0);
  };
  await askWith(50, 200);
  await askWith(1, 201);
  await expect(askWith(2, 201)).rejects.toMatchObject({ code: "rate_limited" });
});

test("approvals that are begun are rated by asker, withdrawn or not, and a link below leaves a part to those above", async () => {
  const { ask, advance, limits } = limitsWith(undefined);
  const store = {
    waitingOf: async () => ({ ofLink: 1, ofAsker: 1, ofAll: 1, ofBranch: [] }),
    waitingFor: async () => [],
  };
  const repositories = {
    dischargeRequests: store,
    liveDischarges: { take: async () => true },
  } as unknown as Repositories;
  const from = (branch: readonly string[], more: object = {}) =>
    limits.requireRoom(repositories, { ...REQUEST, place: { depth: branch.length, branch }, ...more }, 0);
  const until = async (one: () => Promise<void>) => {
    for (let count = 0; ; count++) {
      const refused = await one().catch((error: unknown) => error);
      if (refused === undefined) continue;
      expect(refused).toMatchObject({
        code: "rate_limited",
        message: expect.stringContaining("too many approvals were asked for"),
      });
      return count;
    }
  };
  expect(await until(() => from(["token", "agent"]))).toBe(56);
  expect(await until(() => from(["token"]))).toBe(19);
  expect(await until(() => from(["other token"]))).toBe(25);
  await expect(ask(1, 1)).rejects.toMatchObject({ code: "rate_limited" });
  await from([], { callerHash: new Uint8Array(32).fill(1) });
  // Identity is confirmed by those who ask themselves: nobody is told.
  await from(["token"], { approverKeys: [] });
  advance(5_000);
  await from(["other token"]);
});
