import { beforeAll, beforeEach, describe, expect, test } from "vitest";

import type { NewIssue } from "../../src/domain/ports/issues.ts";
import type { Family, StoredCode } from "../../src/domain/ports/oauth.ts";
import type { RevocationScope, RevocationTarget } from "../../src/domain/ports/revocations.ts";
import type { Repositories } from "../../src/domain/ports/store.ts";
import { describeOnEachDatabase, describeOnServer, type TestStore } from "../support/database.ts";
import { until } from "../support/until.ts";
import {
  bytes,
  id,
  issue,
  NOON,
  oauthClient,
  oauthCode,
  oauthConsent,
  oauthFamily,
  oauthFamilyToken,
  oauthGrant,
  platform,
  principal,
  revocation,
  uuid,
} from "./samples.ts";

const ALICE = { issuer: "https://issuer.test", subject: "alice" };
const PAGE = { limit: 2, after: undefined };

describeOnEachDatabase("what the authorization server keeps", (open) => {
  let db: TestStore;
  let round = 0;
  const nth = (n: number) => round * 100 + n;
  beforeAll(async () => {
    db = await open();
    await db.store.platforms.insert(platform("p"));
    await db.store.principals.ensure(principal("alice"));
  });
  beforeEach(() => {
    round += 1;
  });

  test("clients come back as they were given, newest first, and go with what they hold", async () => {
    const { oauth } = db.store;
    const jwks = { keys: [{ kty: "OKP", crv: "Ed25519", x: "x" }] };
    const clients = [
      oauthClient(uuid(nth(1))),
      oauthClient(uuid(nth(2)), { authMethod: "private_key_jwt", jwks, secretHash: null }),
      oauthClient(uuid(nth(3)), { authMethod: "none", secretHash: null }),
    ];
    for (const client of clients) await oauth.insertClient(client);
    for (const client of clients) expect(await oauth.findClient(client.id)).toEqual(client);
    const first = await oauth.listClients(PAGE);
    expect(first.items.map((one) => one.id)).toEqual([clients[2]?.id, clients[1]?.id]);
    expect((await oauth.listClients({ ...PAGE, after: first.next })).items).toEqual([clients[0]]);
    expect(await oauth.findClient("https://app.test/client.json")).toBeUndefined();

    const clientId = uuid(nth(1));
    const code = oauthCode(bytes(32, nth(1)), { clientId });
    await oauth.insertCode(code);
    await oauth.keepConsent(oauthConsent(uuid(nth(4)), { clientId }));
    const tokens = [oauthFamilyToken(uuid(nth(5)))];
    await begin(code, oauthFamily(uuid(nth(6)), { clientId, tokens }), nth(1));
    await oauth.insertCode(oauthCode(bytes(32, nth(2)), { clientId }));
    expect(await oauth.deleteClient(clientId)).toEqual({ tokens });
    expect(await oauth.deleteClient(clientId)).toBeUndefined();
    expect(await oauth.findFamily(uuid(nth(6)))).toBeUndefined();
    expect(await oauth.findCode(bytes(32, nth(2)))).toBeUndefined();
    expect(await oauth.findConsent(oauthConsent("", { clientId }), NOON)).toBeUndefined();
    for (const client of clients.slice(1)) await oauth.deleteClient(client.id);
  });

  /** An issue that redeems something of alice's. */
  function redeeming(n: number, redeems: NewIssue["redeems"]): NewIssue {
    const one = issue(n);
    const grant = {
      ...ALICE,
      platform: "p",
      spokeAt: redeems?.kind === "code" ? redeems.code.spokeAt : NOON,
    };
    return { ...one, newcomer: false, grant, redeems };
  }

  const begin = async (code: StoredCode, family: Family, n: number) =>
    (await db.store.issues.record([redeeming(n, { kind: "code", code, family })]))[0];

  async function begun(n: number, over: Partial<Family> = {}): Promise<Family> {
    const code = oauthCode(bytes(32, `code ${n}`));
    await db.store.oauth.insertCode(code);
    const family = oauthFamily(uuid(n), { codeHash: code.hash, ...over });
    expect(await begin(code, family, n)).toBe("recorded");
    return family;
  }

  const rotated = (before: Family, seed: string): Family => ({
    ...before,
    tokenHash: bytes(32, seed),
    replacedHash: before.tokenHash,
    replacedAt: NOON + 1,
    answer: bytes(60, seed),
    tokens: [...before.tokens, oauthFamilyToken(uuid(nth(90)))],
  });

  test("a code is redeemed once, with its token and its family, or not at all", async () => {
    const code = oauthCode(bytes(32, `once ${nth(1)}`));
    await db.store.oauth.insertCode(code);
    expect(await db.store.oauth.findCode(code.hash)).toEqual(code);
    const family = oauthFamily(uuid(nth(1)), {
      codeHash: code.hash,
      tokens: [oauthFamilyToken(uuid(nth(1)))],
    });
    expect(await begin(code, family, nth(1))).toBe("recorded");
    expect(await db.store.oauth.findCode(code.hash)).toBeUndefined();
    expect(await db.store.oauth.findFamily(family.id)).toEqual(family);
    expect(await db.store.oauth.findFamilyOfCode(code.hash)).toEqual(family);
    expect(await begin(code, oauthFamily(uuid(nth(2))), nth(2))).toBe("grant gone");
    expect(await db.store.tokens.find(uuid(nth(2)), {})).toBeUndefined();
    expect(await db.store.oauth.findFamily(uuid(nth(2)))).toBeUndefined();
  });

  test("of two in one call, or in two at once, one redeems", async () => {
    const { issues, oauth } = db.store;
    const codes = [oauthCode(bytes(32, `twice ${nth(1)}`)), oauthCode(bytes(32, `twice ${nth(2)}`))] as const;
    for (const code of codes) await oauth.insertCode(code);
    const of = (code: StoredCode, n: number) =>
      redeeming(n, { kind: "code", code, family: oauthFamily(uuid(n), { codeHash: code.hash }) });
    expect(await issues.record([of(codes[0], nth(1)), of(codes[0], nth(2)), issue(nth(3))])).toEqual([
      "recorded",
      "grant gone",
      "recorded",
    ]);
    const both = await Promise.all([
      issues.record([of(codes[1], nth(4))]),
      issues.record([of(codes[1], nth(5))]),
    ]);
    expect(both.flat().sort()).toEqual(["grant gone", "recorded"]);
  });

  test("a refresh token has one successor", async () => {
    const { issues, oauth } = db.store;
    const before = await begun(nth(1));
    const [one, other] = [rotated(before, `one ${nth(1)}`), rotated(before, `other ${nth(1)}`)];
    const of = (after: Family, n: number) => redeeming(n, { kind: "refresh", before, after });
    const outcomes = await Promise.all([
      issues.record([of(one, nth(2))]),
      issues.record([of(other, nth(3))]),
    ]);
    expect(outcomes.flat().sort()).toEqual(["grant gone", "recorded"]);
    expect(await oauth.findFamily(before.id)).toEqual(outcomes[0]?.[0] === "recorded" ? one : other);
    expect(await issues.record([of(one, nth(4))])).toEqual(["grant gone"]);
  });

  test("an ended family redeems nothing", async () => {
    const before = await begun(nth(1));
    expect(await db.store.oauth.endFamily(before.id)).toEqual(before);
    expect(await db.store.oauth.endFamily(before.id)).toBeUndefined();
    const after = rotated(before, `late ${nth(1)}`);
    expect(await db.store.issues.record([redeeming(nth(2), { kind: "refresh", before, after })])).toEqual([
      "grant gone",
    ]);
  });

  const first = (family: Family) => family.tokens[0] ?? oauthFamilyToken("");
  const all: RevocationScope = { kind: "all" };
  const linkOf = (family: Family, at: number) =>
    new Uint8Array(Buffer.from(first(family).links[at] ?? "", "base64url"));
  const DEATHS: readonly {
    readonly name: string;
    readonly scope?: RevocationScope;
    readonly kills?: boolean;
    readonly target: (family: Family) => RevocationTarget;
  }[] = [
    { name: "its token's id", target: (family) => ({ kind: "token_id", id: first(family).id }) },
    {
      name: "its token's id, by its platform",
      scope: { kind: "platform", platform: "p" },
      target: (family) => ({ kind: "token_id", id: first(family).id }),
    },
    {
      name: "its token's id, by its person",
      scope: { kind: "principal", ...ALICE },
      target: (family) => ({ kind: "token_id", id: first(family).id }),
    },
    {
      name: "its token's id, by another platform",
      scope: { kind: "platform", platform: "q" },
      kills: false,
      target: (family) => ({ kind: "token_id", id: first(family).id }),
    },
    {
      name: "its token's id, by another person",
      scope: { kind: "principal", ...ALICE, subject: "mallory" },
      kills: false,
      target: (family) => ({ kind: "token_id", id: first(family).id }),
    },
    { name: "a link of its token", target: (family) => ({ kind: "revocation_id", id: linkOf(family, 0) }) },
    {
      name: "the last link of its token, by its holder",
      scope: { kind: "link", platform: "p" },
      target: (family) => ({ kind: "revocation_id", id: linkOf(family, 1) }),
    },
    { name: "another link", kills: false, target: () => ({ kind: "revocation_id", id: bytes(16, "other") }) },
    {
      name: "its principal, since",
      target: () => ({ kind: "principal", ...ALICE, issuedBefore: NOON + 1 }),
    },
    {
      name: "its principal, before",
      kills: false,
      target: () => ({ kind: "principal", ...ALICE, issuedBefore: NOON }),
    },
    {
      name: "its platform",
      scope: { kind: "platform", platform: "p" },
      target: () => ({ kind: "platform", platform: "p", issuedBefore: NOON + 2 }),
    },
    {
      name: "its principal's id",
      target: () => ({ kind: "principal_id", id: id("principal alice p"), issuedBefore: NOON + 3 }),
    },
  ];

  describe("a family that a revocation", () => {
    test.each(DEATHS)("of $name", async ({ name, target, scope = all, kills = true }) => {
      const before = await begun(nth(1), {
        tokens: [oauthFamilyToken(uuid(nth(1)))],
        keyId: id(`k ${nth(1)}`),
      });
      const entry = revocation(nth(1), { scope, target: target(before) });
      const after = rotated(before, `${name} ${nth(1)}`);
      const refresh = redeeming(nth(2), { kind: "refresh", before, after });
      // In a transaction that is rolled back: later cases have the same principal.
      const outcome = db.store.transaction("try", async ({ revocations, issues, oauth }) => {
        await revocations.append([entry]);
        const [said] = await issues.record([refresh]);
        const hit = await oauth.isMortallyHit(before, before.tokens);
        throw Object.assign(new Error("rolled back"), { said, hit });
      });
      await expect(outcome).rejects.toMatchObject({ said: kills ? "login revoked" : "recorded" });
      expect(await db.store.oauth.findFamily(before.id)).toEqual(before);
    });
  });

  test("a code dies with the root key of its time", async () => {
    const code = oauthCode(bytes(32, `key ${nth(1)}`), { keyId: id(`key ${nth(1)}`) });
    await db.store.oauth.insertCode(code);
    const target = { kind: "key_id", id: id(`key ${nth(1)}`) } as const;
    await db.store.revocations.append([revocation(nth(1), { scope: all, target })]);
    expect(await begin(code, oauthFamily(uuid(nth(1))), nth(1))).toBe("login revoked");
    expect(await db.store.oauth.findCode(code.hash)).toEqual(code);
    expect(await db.store.oauth.isMortallyHit(code, [])).toBe(true);
    expect(await db.store.oauth.isMortallyHit(oauthGrant({ keyId: id("no key") }), [])).toBe(false);
  });

  test("a consent is kept in the place of the one before, and forgotten with what it let happen", async () => {
    const { oauth } = db.store;
    const one = oauthConsent(uuid(nth(1)), { subject: `bob ${round}` });
    await oauth.keepConsent(one);
    const two = { ...one, id: uuid(nth(2)), scopes: ["files:read", "files:write"], clientName: "App 2" };
    await oauth.keepConsent(two);
    expect(await oauth.findConsent(one, NOON)).toEqual(two);
    for (const other of [
      { redirectHost: "x" },
      { clientHash: bytes(32, "x") },
      { resource: "x" },
      { subject: "x" },
    ]) {
      expect(await oauth.findConsent({ ...one, ...other }, NOON)).toBeUndefined();
    }
    expect(await oauth.findConsent(one, one.expiresAt)).toBeUndefined();
    expect((await oauth.listConsents(one, NOON, PAGE)).items).toEqual([two]);
    expect((await oauth.listConsents(undefined, NOON, { ...PAGE, limit: 50 })).items).toContainEqual(two);
    expect((await oauth.listConsents(ALICE, NOON, PAGE)).items).toEqual([]);
    expect(await oauth.deleteConsent(ALICE, two.id)).toBeUndefined();
    expect(await oauth.deleteConsent(one, two.id)).toEqual(two);

    const clientId = uuid(nth(9));
    const mine = oauthConsent(uuid(nth(3)), { clientId });
    await oauth.keepConsent(mine);
    const [ended, other] = [
      await begun(nth(4), { clientId }),
      await begun(nth(5), { clientId, resource: "https://other.test/mcp" }),
    ];
    await oauth.deleteConsent(undefined, mine.id);
    expect(await oauth.findFamily(ended.id)).toBeUndefined();
    expect(await oauth.findFamily(other.id)).toEqual(other);
  });

  test("what has ended is dropped, and an answer is cleared before its family ends", async () => {
    const { oauth } = db.store;
    const before = await begun(nth(1));
    const after = rotated(before, `kept ${nth(1)}`);
    await db.store.issues.record([redeeming(nth(2), { kind: "refresh", before, after })]);
    await oauth.insertCode(oauthCode(bytes(32, `dropped ${nth(1)}`)));
    await oauth.dropExpired(NOON + 10_000);
    expect((await oauth.findFamily(before.id))?.answer).not.toBeNull();
    await oauth.dropExpired(NOON + 62_000);
    expect(await oauth.findFamily(before.id)).toEqual({ ...after, answer: null });
    expect(await oauth.findCode(bytes(32, `dropped ${nth(1)}`))).toBeUndefined();
    await oauth.dropExpired(before.endsAt);
    expect(await oauth.findFamily(before.id)).toBeUndefined();
  });
});

describeOnServer("a consent that is taken back", (open) => {
  /** Does two things in transactions of their own: the second begins once the first is done, and before it is committed. */
  async function overlapped(
    { store }: TestStore,
    first: (repositories: Repositories) => Promise<unknown>,
    second: (repositories: Repositories) => Promise<unknown>,
  ): Promise<void> {
    let commit = () => {};
    const held = new Promise<void>((resolve) => {
      commit = resolve;
    });
    let done = false;
    const one = store.transaction("first", async (repositories) => {
      await first(repositories);
      done = true;
      await held;
    });
    await until(() => done);
    const other = store.transaction("second", second);
    // Long enough for it to come to whatever it waits for.
    await new Promise((resolve) => setTimeout(resolve, 200));
    commit();
    await one;
    await other;
  }

  test("ends what is redeemed meanwhile, and a code that is issued by it meanwhile", async () => {
    const db = await open();
    await db.store.platforms.insert(platform("p"));
    await db.store.principals.ensure(principal("alice"));
    const { oauth } = db.store;
    const clientId = uuid(1);
    const consent = oauthConsent(uuid(2), { clientId });
    await oauth.keepConsent(consent);
    const code = oauthCode(bytes(32, "redeemed meanwhile"), { clientId });
    await oauth.insertCode(code);
    const family = oauthFamily(uuid(3), { clientId, codeHash: code.hash });
    const grant = { ...ALICE, platform: "p", spokeAt: code.spokeAt };
    const redeeming = { ...issue(4), grant, redeems: { kind: "code", code, family } } as const;
    const takeBack = (id: string) => (repositories: Repositories) =>
      repositories.oauth.deleteConsent(undefined, id);
    await overlapped(db, ({ issues }) => issues.record([redeeming]), takeBack(consent.id));
    expect(await oauth.findFamily(family.id)).toBeUndefined();
    expect(await oauth.holdConsent(consent.id)).toBe(false);

    const again = oauthConsent(uuid(5), { clientId });
    await oauth.keepConsent(again);
    const late = oauthCode(bytes(32, "issued meanwhile"), { clientId });
    const issueCode = async (repositories: Repositories) => {
      await repositories.oauth.insertCode(late);
      expect(await repositories.oauth.holdConsent(again.id)).toBe(true);
    };
    await overlapped(db, issueCode, takeBack(again.id));
    expect(await oauth.findCode(late.hash)).toBeUndefined();
  });
});
