import { createHash, randomBytes } from "node:crypto";

import { beforeAll, expect, test } from "vitest";

import { LINE_LIMITS, type NewIssue, type Renewal, type TokenLine } from "../../src/domain/ports/issues.ts";
import { describeOnEachDatabase, type TestStore } from "../support/database.ts";
import { issue, platform, principal, revocation, uuid } from "./samples.ts";

const DAY = 86_400_000;

describeOnEachDatabase("lines of tokens", (open) => {
  let db: TestStore;
  let now: number;
  let n = 0;
  beforeAll(async () => {
    db = await open();
    await db.store.platforms.insert(platform("p"));
    await db.store.principals.ensure(principal("alice"));
    now = await db.store.now();
  });

  const alive = (over: Partial<NewIssue["token"]> = {}) => {
    const sample = issue(++n);
    return issue(n, { token: { ...sample.token, expiresAt: now + DAY, ...over } });
  };
  const lineOf = (id: string, over: Partial<TokenLine> = {}): TokenLine => ({
    id,
    spokeAt: now - 1_000,
    groups: ["night", "ü 🥖"],
    claims: { repository: "acme/web", constructor: "x" },
    endsAt: now + DAY,
    ...over,
  });
  async function begun(over: Partial<TokenLine> = {}): Promise<NewIssue> {
    const first = alive();
    const opens = lineOf(first.token.id, over);
    expect(await db.store.issues.record([{ ...first, opens }])).toEqual(["recorded"]);
    return { ...first, opens };
  }
  async function renewing(before: NewIssue, line: string, over: Partial<Renewal> = {}): Promise<NewIssue> {
    const { position } = await db.store.revocations.state(0);
    const { issuer, subject } = before.principal;
    const renewal = {
      line,
      predecessor: before.token.id,
      known: position,
      spokeAt: now - 1_000,
      issuer,
      subject,
      keyId: before.token.keyId,
      links: [before.token.revocationId],
      agents: [],
      ...over,
    };
    return { ...alive(), renewal };
  }

  test("what a line rests on comes back as it was given, for each of its tokens", async () => {
    const first = await begun();
    expect(await db.store.lines.find(first.token.id, now)).toEqual(first.opens);
    const next = await renewing(first, first.token.id);
    expect(await db.store.issues.record([next])).toEqual(["recorded"]);
    expect(await db.store.lines.find(next.token.id, now)).toEqual(first.opens);
    expect(await db.store.lines.predecessor(next.token.id)).toBe(first.token.id);
    expect(await db.store.lines.predecessor(first.token.id)).toBeUndefined();
    const bare = await begun({ groups: [], claims: null });
    expect(await db.store.lines.find(bare.token.id, now)).toEqual(bare.opens);
    // It is over at its very end.
    expect(await db.store.lines.find(next.token.id, now + DAY - 1)).toBeDefined();
    expect(await db.store.lines.find(next.token.id, now + DAY)).toBeUndefined();
    expect(await db.store.lines.find("x", now)).toBeUndefined();
    expect(await db.store.lines.predecessor(uuid(99_999))).toBeUndefined();
  });

  test("one that is over, or that never was, gets no token", async () => {
    const over = await begun({ endsAt: now - 1 });
    const lost = await renewing(over, uuid(99_998));
    expect(await db.store.issues.record([await renewing(over, over.token.id), lost])).toEqual([
      "line over",
      "line over",
    ]);
    expect(await db.store.tokens.find(lost.token.id, {})).toBeUndefined();
    expect(await db.store.lines.successors([over.token.id], now)).toEqual([]);
  });

  test("has so many tokens that live at a time, and no more", async () => {
    const first = await begun();
    const others = [];
    for (let i = 1; i < LINE_LIMITS.alive; i++) others.push(await renewing(first, first.token.id));
    expect(new Set(await db.store.issues.record(others))).toEqual(new Set(["recorded"]));
    const more = await renewing(first, first.token.id);
    const elsewhere = await begun();
    const beside = await renewing(elsewhere, elsewhere.token.id);
    expect(await db.store.issues.record([more, beside, alive()])).toEqual([
      "line crowded",
      "recorded",
      "recorded",
    ]);
    expect(await db.store.tokens.find(more.token.id, {})).toBeUndefined();
  });

  test("successors are found through those that have expired, of no other token, and once", async () => {
    const first = await begun();
    const line = first.token.id;
    const gone = await renewing(first, line);
    const old = { ...gone, token: { ...gone.token, expiresAt: now - 1 } };
    expect(await db.store.issues.record([old])).toEqual(["recorded"]);
    const [left, right] = [await renewing(old, line), await renewing(first, line)];
    expect(await db.store.issues.record([left, right])).toEqual(["recorded", "recorded"]);
    const of = (...tokens: readonly NewIssue[]) =>
      db.store.lines.successors(
        tokens.map(({ token }) => token.id),
        now,
      );
    expect(await of(first)).toEqual([left.token.id, right.token.id].sort());
    expect(await of(first, old)).toEqual([left.token.id, right.token.id].sort());
    expect(await of(old)).toEqual([left.token.id]);
    expect(await of(left, right)).toEqual([]);
    expect(await db.store.lines.successors(["x"], now)).toEqual([]);
  });

  test("what was appended behind the look ends a renewal, and what it names alone", async () => {
    const first = await begun();
    const renewals = [await renewing(first, first.token.id), await renewing(first, first.token.id)];
    const scope = { kind: "platform", platform: "p" } as const;
    const other = { kind: "token_id", id: uuid(88_888) } as const;
    await db.store.revocations.append([revocation(++n + 50_000, { scope, target: other })]);
    const foreign = { kind: "platform", platform: "q" } as const;
    const own = { kind: "token_id", id: first.token.id } as const;
    await db.store.revocations.append([revocation(++n + 50_000, { scope: foreign, target: own })]);
    expect(await db.store.issues.record(renewals.slice(0, 1))).toEqual(["recorded"]);
    await db.store.revocations.append([revocation(++n + 50_000, { scope, target: own })]);
    expect(await db.store.issues.record(renewals.slice(1))).toEqual(["login revoked"]);
    // An older log's numbers mean nothing in this one.
    const stale = await renewing(first, first.token.id, { known: { epoch: "another", number: 9 } });
    await expect(db.store.issues.record([stale])).rejects.toMatchObject({ code: "unavailable" });
  });

  test("what is over is dropped, and records of tokens later", async () => {
    const [over, lives] = [await begun({ endsAt: now + DAY / 2 }), await begun()];
    const next = await renewing(over, over.token.id);
    expect(await db.store.issues.record([next])).toEqual(["recorded"]);
    await db.store.lines.drop(now + DAY / 2, now);
    expect(await db.store.lines.find(over.token.id, now)).toBeUndefined();
    expect(await db.store.lines.find(lives.token.id, now)).toBeDefined();
    expect(await db.store.lines.predecessor(next.token.id)).toBe(over.token.id);
    await db.store.lines.drop(now + DAY / 2, now + 2 * DAY);
    expect(await db.store.lines.predecessor(next.token.id)).toBeUndefined();
  });

  test("an assertion is used once, by one of all at once, until it is dropped", async () => {
    const hash = new Uint8Array(createHash("sha256").update(randomBytes(8)).digest());
    const uses = await Promise.all(
      Array.from({ length: 8 }, () => db.store.usedAssertions.use(hash, now + 1_000)),
    );
    expect(uses.filter(Boolean)).toHaveLength(1);
    expect(await db.store.usedAssertions.dropExpired(now + 999)).toBe(0);
    expect(await db.store.usedAssertions.use(hash, now + 1_000)).toBe(false);
    expect(await db.store.usedAssertions.dropExpired(now + 1_000)).toBe(1);
    expect(await db.store.usedAssertions.use(hash, now + 1_000)).toBe(true);
    // A transaction that is rolled back uses nothing up.
    const other = new Uint8Array(createHash("sha256").update(randomBytes(8)).digest());
    const failing = db.store.transaction("test", async ({ usedAssertions }) => {
      expect(await usedAssertions.use(other, now + 1_000)).toBe(true);
      throw new Error("no");
    });
    await expect(failing).rejects.toThrow();
    expect(await db.store.usedAssertions.use(other, now + 1_000)).toBe(true);
  });
});
