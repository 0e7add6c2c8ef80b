import { expect, test } from "vitest";

import { describeOnEachDatabase, describeOnServer, type TestStore } from "../support/database.ts";
import { raw } from "./raw.ts";
import { auditEvent, platform, principal, token, uuid } from "./samples.ts";

const DAY = 86_400_000;
// In the past, because the server drops nothing that is younger than a token can be.
const JUNE = Date.UTC(2021, 5, 15);

/** Moves the database's clock to an instant. */
async function moveTo(db: TestStore, instant: number): Promise<void> {
  db.shift(instant - (await db.store.now()));
}

async function prepare(db: TestStore): Promise<void> {
  await db.store.platforms.insert(platform("p"));
  await db.store.principals.ensure(principal("alice"));
}

const ids = async (db: TestStore): Promise<readonly string[]> =>
  (await db.store.tokens.list({}, { limit: 100, after: undefined })).items.map((item) => item.token.id);

describeOnEachDatabase("partitions", (open) => {
  test("rows that came before their partition move into it, and go when their month has passed", async () => {
    const db = await open();
    await prepare(db);
    const [before, first, last, after] = [
      uuid(1, Date.UTC(2021, 5, 1) - 1),
      uuid(2, Date.UTC(2021, 5, 1)),
      uuid(3, Date.UTC(2021, 6, 1) - 1),
      uuid(4, Date.UTC(2021, 6, 1)),
    ];
    for (const [n, id] of [before, first, last, after].entries()) {
      await db.store.tokens.insert(token(n, { id }));
      await db.store.audit.append([auditEvent(n, { id })]);
    }
    await moveTo(db, JUNE);
    await db.store.maintainPartitions(0);
    await db.store.maintainPartitions(0);
    expect(await ids(db)).toEqual([after, last, first, before]);
    await expect(db.store.tokens.insert(token(9, { id: first }))).rejects.toMatchObject({
      sqlstate: "23505",
    });

    // The month is not over at the instant: it stays.
    await db.store.maintainPartitions(Date.UTC(2021, 6, 1) - 1);
    expect(await ids(db)).toEqual([after, last, first]);
    await db.store.maintainPartitions(Date.UTC(2021, 6, 1));
    expect(await ids(db)).toEqual([after]);
  });
});

const parts = `select c.relname::text as name, pg_get_expr(c.relpartbound, c.oid) as bound
  from pg_inherits i join pg_class c on c.oid = i.inhrelid
  where i.inhparent in ('tokens'::regclass, 'audit_events'::regclass) order by c.relname`;

const names = async (url: string): Promise<readonly string[]> =>
  (await raw(url, parts)).map((row) => String(row["name"]));

describeOnServer("partitions on the server", (open) => {
  test("a new database has this month's and the next two, and maintenance adds what is missing", async () => {
    const db = await open();
    const months = (instant: number) => {
      const date = new Date(instant);
      return [0, 1, 2].map((offset) =>
        new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + offset, 1))
          .toISOString()
          .slice(0, 7)
          .replace("-", "_"),
      );
    };
    const expected = (list: readonly string[]) =>
      ["audit_events", "tokens"].flatMap((parent) => [
        ...list.map((month) => `${parent}_${month}`),
        `${parent}_default`,
      ]);
    expect(await names(db.url ?? "")).toEqual(expected(months(Date.now())));
    await moveTo(db, JUNE);
    await db.store.maintainPartitions(JUNE - 30 * DAY);
    const added = ["2021_06", "2021_07", "2021_08"];
    expect(await names(db.url ?? "")).toEqual(expected([...added, ...months(Date.now())]));
    // The first two lie wholly before.
    await moveTo(db, Date.UTC(2021, 7, 15));
    await db.store.maintainPartitions(Date.UTC(2021, 7, 1));
    const kept = ["2021_08", "2021_09", "2021_10"];
    expect(await names(db.url ?? "")).toEqual(expected([...kept, ...months(Date.now())]));
  });

  test("what is younger than a token can be is not dropped, whatever the caller names", async () => {
    const db = await open();
    const before = await names(db.url ?? "");
    for (const drop of [Date.now(), Date.now() + 400 * DAY, Date.now() - 90 * DAY]) {
      await expect(db.store.maintainPartitions(drop)).rejects.toMatchObject({ sqlstate: "22023" });
    }
    await db.store.maintainPartitions(Date.now() - 92 * DAY);
    expect(await names(db.url ?? "")).toEqual(before);
  });

  test("bounds are those of UUIDv7, month by month, over the end of a year", async () => {
    const db = await open();
    await moveTo(db, Date.UTC(2031, 10, 30, 23, 59));
    await db.store.maintainPartitions(0);
    const rows = await raw(db.url ?? "", parts);
    const bound = (from: number, to: number) => `FOR VALUES FROM ('${low(from)}') TO ('${low(to)}')`;
    expect(rows).toEqual(
      expect.arrayContaining([
        { name: "tokens_2031_11", bound: bound(Date.UTC(2031, 10), Date.UTC(2031, 11)) },
        { name: "tokens_2031_12", bound: bound(Date.UTC(2031, 11), Date.UTC(2032, 0)) },
        { name: "audit_events_2032_01", bound: bound(Date.UTC(2032, 0), Date.UTC(2032, 1)) },
      ]),
    );
  });

  test("eight replicas at once, with traffic, make each partition once and lose no row", async () => {
    const db = await open({ connections: 20 });
    await prepare(db);
    await moveTo(db, JUNE);
    const inserted: string[] = [];
    let running = true;
    const traffic = Array.from({ length: 4 }, async (_, lane) => {
      for (let n = 0; running; n += 1) {
        const id = uuid(lane * 100_000 + n, JUNE + n);
        const made = await db.store
          .transaction("issue", async ({ tokens, audit }) => {
            await tokens.insert(token(1, { id }));
            await audit.append([auditEvent(1, { id })]);
            return true;
          })
          // A row that was on its way to the default partition when its month got one of its own is refused.
          .catch((error: unknown) => {
            expect(error).toMatchObject({ sqlstate: "23514" });
            return false;
          });
        if (made) inserted.push(id);
      }
    });
    await expect.poll(() => inserted.length).toBeGreaterThan(20);
    const results = await Promise.allSettled(Array.from({ length: 8 }, () => db.store.maintainPartitions(0)));
    running = false;
    await Promise.all(traffic);
    // One that could not get a lock in two seconds says that it was not served; the next round does it.
    for (const result of results) {
      if (result.status === "rejected") expect(result.reason).toMatchObject({ code: "unavailable" });
    }
    await db.store.maintainPartitions(0);
    expect(await names(db.url ?? "")).toEqual(
      expect.arrayContaining(["tokens_2021_06", "audit_events_2021_06"]),
    );
    const rows = await raw(db.url ?? "", "select id::text from tokens_2021_06 order by id");
    expect(rows.map((row) => row["id"])).toEqual(inserted.toSorted());
    const audited = await raw(db.url ?? "", "select count(*)::int as n from audit_events_2021_06");
    expect(audited).toEqual([{ n: inserted.length }]);
  });
});

function low(instant: number): string {
  return `${instant
    .toString(16)
    .padStart(12, "0")
    .replace(/^(.{8})/, "$1-")}-0000-0000-000000000000`;
}
