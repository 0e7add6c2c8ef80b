import { beforeAll, beforeEach, expect, test } from "vitest";

import type { RevocationScope, RevocationTarget } from "../../src/domain/ports/revocations.ts";
import type { Grant } from "../../src/domain/ports/sessions.ts";
import { describeOnEachDatabase, describeOnServer, type TestStore } from "../support/database.ts";
import { until } from "../support/until.ts";
import { id, issue, NOON, platform, principal, revocation, uuid } from "./samples.ts";

const ISSUER = "https://issuer.test";
const ALL: RevocationScope = { kind: "all" };
const OF_P: RevocationScope = { kind: "platform", platform: "p" };

/** Each test has a person and numbers of its own. */
let round = 0;
const who = () => ({ issuer: ISSUER, subject: `subject ${round}` });
const own = (): RevocationScope => ({ kind: "principal", ...who() });
const grant = (over: Partial<Grant> = {}): Grant => ({ ...who(), platform: "p", spokeAt: NOON - 1, ...over });
const entry = (scope: RevocationScope, target: RevocationTarget, n = 0) =>
  revocation(round * 100 + n, { scope, target });

describeOnEachDatabase("logins that are redeemed", (open) => {
  let db: TestStore;
  beforeAll(async () => {
    db = await open();
    for (const name of ["p", "q", "r"]) await db.store.platforms.insert(platform(name));
  });
  beforeEach(() => {
    round += 1;
  });
  const ends = (over: Partial<Grant> = {}) => db.store.revocations.endsGrant(grant(over));

  test.each([
    ["an administrator", () => ALL, { p: true, q: true, nowhere: true }],
    ["the platform", () => OF_P, { p: true, q: false, nowhere: false }],
    ["the person", own, { p: true, q: true, nowhere: true }],
    [
      "another person",
      () => ({ kind: "principal", issuer: ISSUER, subject: "other" }) as const,
      { p: false },
    ],
  ] as const)("one whose person %s revoked has ended, within the scope", async (_, scope, expected) => {
    const target = { kind: "principal", ...who(), issuedBefore: NOON } as const;
    await db.store.revocations.append([entry(scope(), target)]);
    for (const [name, ended] of Object.entries(expected)) {
      expect(await ends({ platform: name === "nowhere" ? null : name }), name).toBe(ended);
    }
    expect(await ends({ spokeAt: NOON })).toBe(false);
    expect(await ends({ subject: "somebody else" })).toBe(false);
    expect(await ends({ issuer: "https://else.test" })).toBe(false);
  });

  test.each([
    ["an administrator", () => ALL, true],
    ["the platform", () => OF_P, true],
    ["the person", own, true],
    ["another person", () => ({ kind: "principal", issuer: ISSUER, subject: "other" }) as const, false],
  ] as const)("one whose principal's id %s revoked has ended at that platform", async (_, scope, ended) => {
    const { subject } = who();
    const alice = await db.store.principals.ensure(principal(subject, { id: id(`alice ${round}`) }));
    const asserted = principal(subject, { id: id(`asserted ${round}`), assertedBy: "platform" });
    await db.store.principals.ensure(asserted);
    // The platform's word of somebody is another principal than the person who logs in.
    const target = { kind: "principal_id", issuedBefore: NOON } as const;
    await db.store.revocations.append([entry(scope(), { ...target, id: asserted.id })]);
    expect(await ends()).toBe(false);
    await db.store.revocations.append([entry(scope(), { ...target, id: alice.id }, 1)]);
    expect(await ends()).toBe(ended);
    expect(await ends({ platform: "q" })).toBe(false);
    expect(await ends({ platform: null })).toBe(false);
    expect(await ends({ spokeAt: NOON })).toBe(false);
  });

  test("one from before a platform's fence has ended there, by whomever it was set for them", async () => {
    const fence = (name: string) => ({ kind: "platform", platform: name, issuedBefore: NOON }) as const;
    const other = { kind: "principal", issuer: ISSUER, subject: "other" } as const;
    await db.store.revocations.append([entry(other, fence("p")), entry(own(), fence("q"), 1)]);
    expect(await ends()).toBe(false);
    expect(await ends({ platform: "q" })).toBe(true);
    expect(await ends({ platform: "q", subject: "somebody else" })).toBe(false);
    await db.store.revocations.append([entry(ALL, fence("r"), 2)]);
    expect(await ends({ platform: "r" })).toBe(true);
    expect(await ends({ platform: "r", spokeAt: NOON })).toBe(false);
    expect(await ends({ platform: null })).toBe(false);
  });

  test("tokens are issued for those that stand, and nothing is recorded for the others", async () => {
    const target = { kind: "principal", ...who(), issuedBefore: NOON } as const;
    await db.store.revocations.append([entry(ALL, target)]);
    const nth = (n: number) => round * 100 + n;
    const gone = principal(`gone ${round}`, { issuer: ISSUER, subject: who().subject });
    const there = principal(`there ${round}`);
    const outcomes = await db.store.issues.record([
      issue(nth(1), { principal: gone, newcomer: true, grant: grant() }),
      issue(nth(2), { principal: there, newcomer: true }),
      issue(nth(3), { principal: there, newcomer: true, grant: grant({ subject: there.subject }) }),
    ]);
    expect(outcomes).toEqual(["login revoked", "recorded", "recorded"]);
    const recorded = async (n: number) => (await db.store.tokens.find(uuid(nth(n)), {})) !== undefined;
    expect([await recorded(1), await recorded(2), await recorded(3)]).toEqual([false, true, true]);
    expect(await db.store.principals.find(gone.id)).toBeUndefined();
    expect(await db.store.principals.find(there.id)).toBeDefined();

    const again = issue(nth(4), { principal: gone, newcomer: true, grant: grant({ spokeAt: NOON }) });
    expect(await db.store.issues.record([again])).toEqual(["recorded"]);
    expect(await db.store.issues.record([issue(nth(5), { grant: grant() })])).toEqual(["login revoked"]);
  });
});

describeOnServer("a login that is redeemed while it is revoked", (open) => {
  test("waits for what is being appended, and is refused by it", async () => {
    round += 1;
    const { store } = await open();
    await store.platforms.insert(platform("p"));
    await store.principals.ensure(principal("alice"));
    const target = { kind: "principal", ...who(), issuedBefore: NOON } as const;
    let commit = () => {};
    const held = new Promise<void>((resolve) => {
      commit = resolve;
    });
    let appended = false;
    const revoking = store.transaction("revoke", async ({ revocations }) => {
      await revocations.append([entry(ALL, target)]);
      appended = true;
      await held;
    });
    await until(() => appended);
    let done = false;
    const redeeming = store.issues.record([issue(round * 100, { grant: grant() })]).then((outcome) => {
      done = true;
      return outcome;
    });
    // A platform asks by its own word, and waits for nobody's revocation.
    expect(await store.issues.record([issue(round * 100 + 1)])).toEqual(["recorded"]);
    expect(done).toBe(false);
    commit();
    await revoking;
    expect(await redeeming).toEqual(["login revoked"]);
  });

  test("is held against the log until its transaction ends: what comes then is appended later", async () => {
    round += 1;
    const { store } = await open();
    let commit = () => {};
    const held = new Promise<void>((resolve) => {
      commit = resolve;
    });
    let stands: boolean | undefined;
    const redeeming = store.transaction("redeem", async ({ revocations }) => {
      stands = !(await revocations.endsGrant(grant()));
      await held;
    });
    await until(() => stands !== undefined);
    let appended = false;
    const target = { kind: "principal", ...who(), issuedBefore: NOON } as const;
    const revoking = store.revocations.append([entry(ALL, target)]).then(() => {
      appended = true;
    });
    await store.now();
    expect({ stands, appended }).toEqual({ stands: true, appended: false });
    commit();
    await redeeming;
    await revoking;
    expect(await store.revocations.endsGrant(grant())).toBe(true);
  });
});
