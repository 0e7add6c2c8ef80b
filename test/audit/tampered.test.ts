import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { afterAll, beforeAll, expect, test } from "vitest";

import { type Bakehouse, checkExport, checkService, createBakehouse } from "../../src/client/index.ts";
import { raw } from "../storage/raw.ts";
import { auditEvent, uuid } from "../storage/samples.ts";
import { describeOn } from "../support/database.ts";
import { casesOf, timesOf } from "../support/form.ts";
import { scratchFolder } from "../support/scratch.ts";
import { startTestService, type TestService } from "../support/service.ts";

const SCRIPT = fileURLToPath(new URL("verify-export.mjs", import.meta.url));
const EVENTS = 700;

/** The place of an event, as SQL. */
const at = (number: number) => `(select event_id from audit_leaves where tree = 1 and number = ${number})`;
const tile = (level: number, number: number) => `tree = 1 and level = ${level} and number = ${number}`;
const flip = (column: string, byte: number) =>
  `set_byte(${column}, ${byte}, get_byte(${column}, ${byte}) # 1)`;

/** What somebody does to the database, and what a check has to say first. */
const TAMPERED: readonly {
  readonly name: string;
  readonly by: string;
  readonly says: { readonly kind: string; readonly index?: number; readonly detail?: unknown };
}[] = [
  {
    name: "a byte of an event's details",
    by: `update audit_events set details = details || '{"n":1}' where id = ${at(300)}`,
    says: { kind: "changed", index: 300 },
  },
  {
    name: "its action",
    by: `update audit_events set action = 'x.y' where id = ${at(0)}`,
    says: { kind: "changed", index: 0 },
  },
  {
    name: "its actor",
    by: `update audit_events set actor = '{"kind":"service"}' where id = ${at(301)}`,
    says: { kind: "changed", index: 301 },
  },
  {
    name: "its platform",
    by: `update audit_events set platform = 'q' where id = ${at(302)}`,
    says: { kind: "changed", index: 302 },
  },
  {
    name: "its instant, by a millisecond",
    by: `update audit_events set at = at + interval '1 ms' where id = ${at(303)}`,
    says: { kind: "changed", index: 303 },
  },
  {
    name: "a bit of a leaf's salt",
    by: `update audit_leaves set salt = ${flip("salt", 3)} where tree = 1 and number = 304`,
    says: { kind: "changed", index: 304 },
  },
  {
    name: "an event removed",
    by: `delete from audit_events where id = ${at(305)}`,
    says: { kind: "removed", index: 305 },
  },
  {
    name: "a leaf removed",
    by: "delete from audit_leaves where tree = 1 and number = 306",
    says: { kind: "removed", index: 306 },
  },
  {
    name: "the first of two changes",
    by: `update audit_events set action = 'x.y' where id in (${at(400)}, ${at(310)})`,
    says: { kind: "changed", index: 310 },
  },
  {
    name: "two events swapped",
    by: `update audit_leaves set number = -1 where tree = 1 and number = 20;
      update audit_leaves set number = 20 where tree = 1 and number = 21;
      update audit_leaves set number = 21 where tree = 1 and number = -1`,
    says: {
      kind: "changed",
      index: 20,
      detail: expect.stringContaining("it is event 21, in another's place"),
    },
  },
  {
    name: "the tail of events cut off",
    by: "delete from audit_events where id in (select event_id from audit_leaves where tree = 1 and number >= 650)",
    says: { kind: "removed", index: 650 },
  },
  {
    name: "a bit of a tile of leaves",
    by: `update audit_tiles set hashes = ${flip("hashes", 100)} where ${tile(0, 1)}`,
    says: { kind: "tile", index: 256, detail: expect.stringContaining("tile 0/1 of tree 1") },
  },
  {
    name: "a tile of leaves removed",
    by: `delete from audit_tiles where ${tile(0, 1)}`,
    says: { kind: "tile", index: 256 },
  },
  {
    name: "the last tile cut off",
    by: `update audit_tiles set hashes = substr(hashes, 1, 64) where ${tile(0, 2)}`,
    says: { kind: "tile", index: 512 },
  },
  {
    name: "a bit of a tile above",
    by: `update audit_tiles set hashes = ${flip("hashes", 40)} where ${tile(1, 0)}`,
    says: { kind: "tile", index: 256, detail: expect.stringContaining("tile 1/0 of tree 1") },
  },
  {
    name: "a tile above removed",
    by: `delete from audit_tiles where ${tile(1, 0)}`,
    says: { kind: "tile", index: 0, detail: expect.stringContaining("tile 1/0 of tree 1 is missing") },
  },
  {
    name: "two tiles swapped",
    by: `update audit_tiles set number = 9 where ${tile(0, 0)};
      update audit_tiles set number = 0 where ${tile(0, 1)};
      update audit_tiles set number = 1 where ${tile(0, 9)}`,
    says: { kind: "tile", index: 0 },
  },
  {
    name: "the checkpoint's size",
    by: "update audit_trees set checkpoint = regexp_replace(checkpoint, E'\\n[0-9]+\\n', E'\\n600\\n')",
    says: { kind: "checkpoint", detail: "checkpoint of tree 1: its signature is wrong" },
  },
  {
    name: "the checkpoint's signature",
    by: "update audit_trees set checkpoint = replace(checkpoint, '=', 'A')",
    says: { kind: "checkpoint" },
  },
  {
    name: "the checkpoint's origin",
    by: "update audit_trees set checkpoint = replace(checkpoint, '127.0.0.1', '127.0.0.2')",
    says: { kind: "checkpoint", detail: "checkpoint of tree 1: it is not signed by the key" },
  },
];

const TABLES = ["audit_events", "audit_leaves", "audit_tiles", "audit_trees"];

describeOn("postgres", "an audit log that somebody has tampered with", () => {
  let service: TestService;
  let client: Bakehouse;
  let close = async () => {};
  const sql = async (text: string) => raw(service.database.url ?? "", text);

  /** The rows are put back as they were: the trigger would make new leaves for events that come anew. */
  const restore = `begin; set local session_replication_role = replica; ${TABLES.map(
    (table) => `delete from ${table}; insert into ${table} select * from kept_${table};`,
  ).join(" ")} commit`;

  async function integrate(): Promise<void> {
    while ((await service.audit.integration.step()) === "more");
  }

  beforeAll(async () => {
    service = await startTestService({ kind: "postgres" });
    await service.issue();
    await service.database.store.audit.append(
      Array.from({ length: EVENTS }, (_, n) =>
        auditEvent(n, { id: uuid(n), details: { text: 'ü🥖"\\\u0007', n: 0.5, agents: ["a", "b"] } }),
      ),
    );
    await integrate();
    for (const table of TABLES) await sql(`create table kept_${table} as select * from ${table}`);
    const listening = await service.listen();
    close = listening.close;
    client = createBakehouse({ url: listening.url, credential: service.adminToken });
  });
  afterAll(async () => {
    await close();
    await service?.close();
  });

  test("is whole before", async () => {
    const report = await checkService(client.audit);
    expect(report).toMatchObject({ faults: [], isWhole: true, waiting: 0, dropped: 0 });
    expect(report.events).toBe(report.trees[0]?.checkpoint.size);
    expect(report.events).toBeGreaterThan(EVENTS);
  });

  test.each(casesOf(TAMPERED, (_, index) => index % 2 === 0))("$name", async ({ by, says }) => {
    try {
      await sql(by);
      const { faults } = await checkService(client.audit);
      expect(faults[0]).toMatchObject(says);
    } finally {
      await sql(restore);
    }
  });

  test("is whole again once all of that is put back", async () => {
    expect((await checkService(client.audit)).faults).toEqual([]);
  });

  test("an event that was never recorded, in the place of a removed one", async () => {
    const event = auditEvent(9_000);
    try {
      await sql(`delete from audit_leaves where event_id = ${at(44)}`);
      await service.database.store.audit.append([event]);
      await sql(`update audit_leaves set tree = 1, number = 44, hash = null where event_id = '${event.id}'`);
      expect((await checkService(client.audit)).faults[0]).toMatchObject({ kind: "changed", index: 44 });
    } finally {
      await sql(restore);
    }
  });

  test("any byte of an export, one line less, two swapped, a tail cut off", async () => {
    const lines: string[] = [];
    for await (const line of client.audit.export()) lines.push(line);
    const [key = ""] = (await client.audit.trees()).map((tree) => tree.key);
    expect((await checkExport(lines, [key])).faults).toEqual([]);
    const other = key.replace(/.{8}$/, "AAAAAAAA");
    expect((await checkExport(lines, [other])).faults[0]).toMatchObject({ kind: "checkpoint" });

    const fault = async (changed: readonly string[]) => (await checkExport(changed)).faults[0]?.kind;
    const places = timesOf(60, 15);
    for (let place = 0; place < places; place++) {
      const at = place < 4 ? place : Math.floor((lines.length * place) / places);
      const line = lines[at] ?? "";
      const byte = (place * 7_919) % line.length;
      const changed = line.slice(0, byte) + (line[byte] === "1" ? "2" : "1") + line.slice(byte + 1);
      expect(
        await fault(lines.with(at, changed)),
        `${at}: ${changed.slice(byte - 20, byte + 20)}`,
      ).toBeDefined();
      expect(await fault(lines.toSpliced(at, 1)), `without ${at}`).toBeDefined();
    }
    expect(await fault(lines.with(5, lines[6] ?? "").with(6, lines[5] ?? ""))).toBeDefined();
    expect(await fault(lines.slice(0, -1))).toBe("export");
    expect(await fault(lines.slice(0, 500))).toBeDefined();
    expect(await fault([])).toBe("export");
    expect(await fault(["nonsense"])).toBe("export");
  });

  test("an export is checked by a script that shares no code with this project", async () => {
    const folder = scratchFolder("export");
    const script = async (lines: readonly string[], ...more: readonly string[]) => {
      const file = join(folder, "export.jsonl");
      writeFileSync(file, `${lines.join("\n")}\n`);
      return promisify(execFile)(process.execPath, [SCRIPT, file, ...more]).then(
        ({ stdout }) => JSON.parse(stdout) as object,
        (error: { readonly stderr: string }) => error.stderr.trim(),
      );
    };
    const whole: string[] = [];
    for await (const line of client.audit.export()) whole.push(line);
    const [key = ""] = (await client.audit.trees()).map((tree) => tree.key);
    expect(await script(whole, key)).toEqual({ events: whole.length - 5, missing: 0 });
    expect(await script(whole.map((line) => line.replace("token.issued", "token.denied")))).toMatch(
      /^event \d+ was changed$/,
    );
    expect(await script(whole.slice(0, -1))).toBe("the export is cut off");

    const some: string[] = [];
    for await (const line of client.audit.export({ action: "platform.created" })) some.push(line);
    expect(some.length).toBeGreaterThan(2);
    expect(await script(some, key)).toEqual({ events: some.length - 2, missing: 0 });
    expect(await script(some.map((line) => line.replace("platform.created", "platform.removed")))).toMatch(
      /was changed$/,
    );
  });
});
