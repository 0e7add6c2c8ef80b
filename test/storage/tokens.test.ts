import { beforeAll, expect, test } from "vitest";

import { describeOnEachDatabase, type TestStore } from "../support/database.ts";
import { NOON, platform, principal, token, uuid } from "./samples.ts";

describeOnEachDatabase("tokens", (open) => {
  let db: TestStore;
  const alice = principal("alice");
  const aliceOnQ = principal("alice", { platform: "q" });
  const bob = principal("bob");
  const issuer = alice.issuer;
  const MONTH = 31 * 86_400_000;
  // Over three months, so over partitions and the default one.
  const records = [
    token(1, { principalId: alice.id, label: "first 🥐", issuedBy: uuid(99) }),
    token(2, { principalId: bob.id, id: uuid(2, NOON + MONTH) }),
    token(3, { principalId: aliceOnQ.id, platform: "q", id: uuid(3, NOON - 12 * MONTH) }),
    token(4, { principalId: alice.id, caveats: [], id: uuid(4, NOON + 1) }),
    token(5, { principalId: alice.id, id: uuid(5, NOON + 40 * MONTH) }),
  ];
  beforeAll(async () => {
    db = await open();
    for (const name of ["p", "q"]) await db.store.platforms.insert(platform(name));
    for (const human of [alice, aliceOnQ, bob]) await db.store.principals.ensure(human);
    for (const record of records) await db.store.tokens.insert(record);
  });

  test("what is inserted is found, unchanged, with its principal", async () => {
    const [first] = records;
    expect(await db.store.tokens.find(uuid(1), {})).toEqual({ token: first, principal: alice });
  });

  test.each([
    { what: "its platform", filter: { platform: "p" }, found: true },
    { what: "another platform", filter: { platform: "q" }, found: false },
    { what: "its human", filter: { human: { issuer, subject: "alice" } }, found: true },
    { what: "another human", filter: { human: { issuer, subject: "bob" } }, found: false },
    {
      what: "its human and another platform",
      filter: { platform: "q", human: { issuer, subject: "alice" } },
      found: false,
    },
    { what: "a platform that cannot be stored", filter: { platform: "p\0" }, found: false },
  ])("asked for with $what: found $found", async ({ filter, found }) => {
    const result = await db.store.tokens.find(uuid(1), filter);
    expect(result === undefined).toBe(!found);
  });

  test.each([
    { id: uuid(77) },
    { id: "" },
    { id: "' or true --" },
    { id: uuid(1).toUpperCase().replace("7", "{") },
  ])("an id that no token has is undefined: $id", async ({ id }) => {
    expect(await db.store.tokens.find(id, {})).toBeUndefined();
  });

  test.each([
    { filter: {}, expected: [5, 2, 4, 1, 3] },
    { filter: { platform: "p" }, expected: [5, 2, 4, 1] },
    { filter: { human: { issuer, subject: "alice" } }, expected: [5, 4, 1, 3] },
    { filter: { platform: "p", human: { issuer, subject: "bob" } }, expected: [2] },
    { filter: { platform: "nowhere" }, expected: [] },
    { filter: { human: { issuer, subject: "\ud800" } }, expected: [] },
  ])("a list is newest first, by $filter", async ({ filter, expected }) => {
    const seen: string[] = [];
    for (let after: string | undefined; ; ) {
      const page = await db.store.tokens.list(filter, { limit: 2, after });
      seen.push(...page.items.map((item) => item.token.id));
      if (page.next === undefined) break;
      after = page.next;
    }
    expect(seen.map((id) => Number.parseInt(id.slice(-4), 16))).toEqual(expected);
  });

  test.each([{ after: "" }, { after: "x" }, { after: `${uuid(1)} ` }, { after: `${uuid(1)}\0` }])(
    "a cursor of another list is refused: $after",
    async ({ after }) => {
      await expect(db.store.tokens.list({}, { limit: 1, after })).rejects.toMatchObject({
        code: "invalid_request",
        message: "cursor is not one of this list's",
        member: "cursor",
      });
    },
  );

  test("an id is used once", async () => {
    await expect(db.store.tokens.insert(token(1))).rejects.toMatchObject({ sqlstate: "23505" });
  });
});
