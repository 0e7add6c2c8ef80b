import { beforeAll, expect, test } from "vitest";
import type { Session } from "../../src/domain/ports/sessions.ts";
import { describeOnEachDatabase, type TestStore } from "../support/database.ts";
import { bytes, NOON, session, uuid } from "./samples.ts";

describeOnEachDatabase("sessions", (open) => {
  let db: TestStore;
  beforeAll(async () => {
    db = await open();
  });

  test("what is inserted is found, unchanged", async () => {
    const whole = session("whole");
    await db.store.sessions.insert(whole);
    expect(await db.store.sessions.find(whole.idHash, NOON)).toEqual(whole);
  });

  test("members that the issuer did not send stay null", async () => {
    const sample = session("sparse");
    const identity = {
      ...sample.identity,
      email: null,
      name: null,
      groups: [],
      authenticatedAt: null,
      acr: null,
    };
    await db.store.sessions.insert({ ...sample, identity });
    expect((await db.store.sessions.find(sample.idHash, NOON))?.identity).toEqual(identity);
  });

  test.each([
    { when: "a millisecond before its end", now: NOON + 999, found: true },
    { when: "at its end", now: NOON + 1_000, found: false },
  ])("$when it is found: $found", async ({ when, now, found }) => {
    const ending = session(when);
    await db.store.sessions.insert(ending);
    expect((await db.store.sessions.find(ending.idHash, now)) !== undefined).toBe(found);
  });

  test("a session ends once", async () => {
    const ended = session("ended");
    await db.store.sessions.insert(ended);
    expect(await db.store.sessions.end(ended.idHash)).toEqual(ended);
    expect(await db.store.sessions.end(ended.idHash)).toBeUndefined();
    expect(await db.store.sessions.find(ended.idHash, NOON)).toBeUndefined();
    expect(await db.store.sessions.find(bytes(32, "never was"), NOON)).toBeUndefined();
  });

  test("a person's sessions are listed, newest first and by kind, and no other person's", async () => {
    const owned = (n: number, over: Partial<Session> = {}) => ({
      ...session(`owned ${n}`, { id: uuid(n), ...over }),
      identity: { ...session("x").identity, subject: "owner" },
    });
    const owner = { issuer: "https://issuer.test", subject: "owner" };
    const [one, two, three] = [owned(1), owned(2, { kind: "program" }), owned(3, { kind: "program" })];
    for (const each of [one, two, three, owned(4, { expiresAt: NOON })]) await db.store.sessions.insert(each);
    const list = (kind: Session["kind"] | undefined, after?: string) =>
      db.store.sessions.list(owner, { kind, now: NOON }, { limit: 2, after });
    expect(await list(undefined)).toEqual({ items: [three, two], next: two.id });
    expect(await list(undefined, two.id)).toEqual({ items: [one], next: undefined });
    expect((await list("browser")).items).toEqual([one]);

    const other = { ...owner, subject: "another" };
    expect(
      (await db.store.sessions.list(other, { kind: undefined, now: NOON }, { limit: 9, after: undefined }))
        .items,
    ).toEqual([]);
    expect(await db.store.sessions.endOwn(other, one.id)).toBeUndefined();
    expect(await db.store.sessions.endOwn({ ...owner, issuer: "https://else.test" }, one.id)).toBeUndefined();
    expect(await db.store.sessions.endPrograms(other)).toEqual([]);
    expect((await db.store.sessions.endPrograms(owner)).map(({ id }) => id).sort()).toEqual([
      two.id,
      three.id,
    ]);
    expect(await db.store.sessions.endOwn(owner, one.id)).toEqual(one);
    expect((await list(undefined)).items).toEqual([]);
    await db.store.sessions.dropExpired(NOON);
  });

  test("dropping takes those that have expired, all of them, and no other", async () => {
    for (let n = 0; n < 5; n += 1) await db.store.sessions.insert(session(`${n}`, { expiresAt: NOON + n }));
    expect(await db.store.sessions.dropExpired(NOON + 2)).toBe(3);
    expect(await db.store.sessions.find(session("3").idHash, NOON)).toBeDefined();
    expect(await db.store.sessions.dropExpired(NOON + 2)).toBe(0);
  });
});
