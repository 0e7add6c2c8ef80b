import { expect, test } from "vitest";

import { checkExport } from "../../src/client/index.ts";
import { fenceRestored } from "../../src/domain/revoke/restore-fence.ts";
import { systemRandomness } from "../../src/run/system.ts";
import { parseCheckpoint } from "../../src/tlog/checkpoint.ts";
import { parseNote } from "../../src/tlog/note.ts";
import { auditEvent, uuid } from "../storage/samples.ts";
import { describeService, type TestReplica, type TestService } from "../support/service.ts";

interface Line {
  readonly kind: string;
  readonly tree?: number;
  readonly index?: number;
  readonly leaf?: string;
  readonly events?: number;
  readonly waiting?: number;
}

async function integrate(replica: TestReplica): Promise<void> {
  while ((await replica.audit.integration.step()) === "more");
}

async function exported(service: TestService, query = "", headers = service.asAdmin()) {
  const { status, text } = await service.get(`/v1/audit/export${query}`, headers);
  expect(status, text).toBe(200);
  const lines = text.split("\n").filter((line) => line !== "");
  return { lines, values: lines.map((line) => JSON.parse(line) as Line), report: await checkExport(lines) };
}

const sizeOf = (checkpoint: string) => parseCheckpoint(parseNote(checkpoint)?.text ?? "")?.size;

describeService("the audit tree", (service) => {
  test("every event becomes a leaf, once, in canonical JSON with a salt", async () => {
    const issued = await service().issue();
    const details = { z: 1, a: ["ü", '\u0007"\\/', "🥖"], n: null, t: true, f: 0.5, empty: [] };
    await service().database.store.audit.append([auditEvent(1, { details, platform: null })]);
    await integrate(service());
    const { values, report } = await exported(service());
    expect(report.faults).toEqual([]);
    const events = values.filter(({ kind }) => kind === "event");
    expect(events.map(({ index }) => index)).toEqual(events.map((_, at) => at));
    for (const { leaf = "" } of events) {
      const event = JSON.parse(leaf) as Record<string, unknown>;
      expect(canonical(event)).toBe(leaf);
      expect(Object.keys(event)).toEqual(["action", "actor", "at", "details", "id", "platform", "salt"]);
      expect(event["salt"]).toMatch(/^[0-9a-f]{32}$/);
    }
    const salts = events.map(({ leaf = "" }) => (JSON.parse(leaf) as { salt: string }).salt);
    expect(new Set(salts).size).toBe(salts.length);
    expect(events.some(({ leaf }) => leaf?.includes(`"token_id":"${issued.token_id}"`))).toBe(true);
    expect(
      events.some(({ leaf }) => leaf?.includes('{"a":["ü","\\u0007\\"\\\\/","🥖"],"empty":[],"f":0.5,')),
    ).toBe(true);

    await integrate(service());
    expect((await exported(service())).lines).toEqual((await exported(service())).lines);
    expect(await service().database.store.auditTrees.countWaiting(10)).toBe(0);
  });

  test("the first leaf says that the tree begins, and its origin ends in the log's epoch", async () => {
    await integrate(service());
    const { text } = await service().get("/v1/audit/checkpoint", service().asAdmin());
    const { position } = await service().database.store.revocations.state(0);
    expect(text.split("\n")[0]).toBe(`127.0.0.1:8080/v1/audit/${position.epoch}`);
    const { values } = await exported(service());
    expect(values.find(({ kind }) => kind === "event")?.leaf).toContain('"action":"audit.tree_begun"');
  });

  test("events that two replicas find at once get one place each", async () => {
    const other = service().replica();
    await other.start();
    await service().database.store.audit.append(Array.from({ length: 300 }, (_, n) => auditEvent(1_000 + n)));
    await Promise.all([service(), other, service(), other].map((one) => one.audit.integration.step()));
    await integrate(service());
    expect((await exported(service())).report.faults).toEqual([]);
  });

  test("a platform sees its own events, each with its own proof, and nothing else", async () => {
    await service().createPlatform("shop");
    await service().issue({ platform: "shop" });
    await service().send("PUT", "/v1/platforms/shop/policy", { rules: [] }, service().asAdmin());
    await service()
      .revoke([{ platform: "shop", issued_before: new Date(1).toISOString() }], service().asAdmin())
      .catch(() => {});
    await integrate(service());
    const shop = service().asPlatform("shop");
    const { values, report } = await exported(service(), "", shop);
    expect(report).toMatchObject({ faults: [], isWhole: false });
    const leaves = values.flatMap(({ leaf }) =>
      leaf === undefined ? [] : [JSON.parse(leaf) as Record<string, unknown>],
    );
    expect(leaves.length).toBeGreaterThan(2);
    expect(new Set(leaves.map(({ platform }) => platform))).toEqual(new Set(["shop"]));
    expect(values.some(({ kind }) => kind === "tile")).toBe(false);
    expect((await service().get("/v1/audit?platform=default", shop)).status).toBe(404);
    expect((await service().get("/v1/audit/export?platform=default", shop)).status).toBe(404);
    const listed = await service().get("/v1/audit", shop);
    expect(
      listed.json<{ items: { platform: string }[] }>().items.every(({ platform }) => platform === "shop"),
    ).toBe(true);
    expect((await service().get("/v1/audit", service().asHuman("alice"))).status).toBe(403);
    expect((await service().get("/v1/audit/export", service().asHuman("alice"))).status).toBe(403);
  });

  test("filters", async () => {
    const { token_id, token } = await service().issue({ label: "for filters" });
    await service().revoke([{ token }]);
    await integrate(service());
    const found = async (query: string) =>
      (await service().get(`/v1/audit?${query}`, service().asAdmin())).json<{
        items: { action: string; leaf?: object }[];
      }>().items;
    expect((await found(`token_id=${token_id}`)).map(({ action }) => action)).toEqual([
      "token.revoked",
      "token.issued",
    ]);
    expect(await found("action=token.revoked&limit=1")).toMatchObject([
      { leaf: { index: expect.any(Number) } },
    ]);
    expect(await found("from=2001-01-01T00:00:00Z&to=2002-01-01T00:00:00Z")).toEqual([]);
    expect((await found("actor=alice")).length).toBeGreaterThan(0);
    expect(await found("agent=nobody")).toEqual([]);
    expect((await service().get("/v1/audit?agent=nobody%00", service().asAdmin())).status).toBe(400);
    expect((await service().get("/v1/audit?token_id=x", service().asAdmin())).status).toBe(400);
    const { report } = await exported(service(), "?action=token.revoked");
    expect(report).toMatchObject({ faults: [], events: expect.any(Number), isWhole: false });
    expect(report.events).toBeGreaterThan(0);
  });

  test("checkpoints and tiles are for anyone with a credential, entries for nobody", async () => {
    await integrate(service());
    const paths = ["/v1/audit/checkpoint", "/v1/audit/key", "/v1/audit/tile/0/000.p/1"];
    for (const path of paths) {
      expect((await service().get(path)).status).toBe(401);
      expect((await service().get(path, service().asPlatform())).status).toBe(200);
      expect((await service().get(path, service().asHuman("alice"))).status).toBe(200);
    }
    const open = service().replica({ audit: { isPublic: true } });
    await open.start();
    for (const path of paths) expect((await open.get(path)).status).toBe(200);
    expect((await open.get("/v1/audit")).status).toBe(401);
    expect((await open.get("/v1/audit/export")).status).toBe(401);
    for (const path of [
      "tile/entries/000",
      "tile/0/999",
      "tile/0/009.p/255",
      "tile/9/000",
      "tile/0/000?tree=99",
    ]) {
      expect((await service().get(`/v1/audit/${path}`, service().asAdmin())).status, path).toBe(404);
    }
    const key = await service().get("/v1/audit/key", { ...service().asAdmin(), accept: "text/plain" });
    expect(key.text).toMatch(
      /^127\.0\.0\.1:8080\/v1\/audit\/[0-9a-f]{32}\+[0-9a-f]{8}\+[A-Za-z0-9+/]{44}\n$/,
    );
  });

  test("what retention drops is named before, and is no gap", async () => {
    const old = Date.UTC(2021, 5, 15);
    const events = Array.from({ length: 5 }, (_, n) => auditEvent(n, { id: uuid(7_000 + n, old), at: old }));
    await service().database.store.audit.append(events);
    await integrate(service());
    const before = (await exported(service())).report;
    await service().maintenance.run();
    await integrate(service());
    const { values, report } = await exported(service());
    expect(report).toMatchObject({ faults: [], isWhole: true, dropped: 5 });
    expect(report.events).toBeGreaterThan(before.events - 5);
    const said = values.filter(({ leaf }) => leaf?.includes('"action":"audit.dropped"'));
    expect(said).toHaveLength(1);
    expect(JSON.parse(said[0]?.leaf ?? "{}")).toMatchObject({
      details: { ranges: [expect.stringMatching(/^1\/\d+-\d+$/)] },
    });
    expect(service().reports.filter((problem) => problem.includes("partitions"))).toEqual([]);
    // Said once, and their salts are gone as well.
    await service().maintenance.run();
    await integrate(service());
    expect(
      (await exported(service())).values.filter(({ leaf }) => leaf?.includes("audit.dropped")),
    ).toHaveLength(1);
  });

  test("a fence begins a tree that names the last checkpoint of the one before", async () => {
    await integrate(service());
    const before = (await service().get("/v1/audit/checkpoint", service().asAdmin())).text;
    if (service().kind === "postgres") return; // the service's own role may not fence; its owner does, in failover.test.ts
    await service().issue();
    const { store } = service().database;
    const { epoch } = await fenceRestored({ store, randomness: systemRandomness }, 1);
    const trees = await store.auditTrees.trees();
    expect(trees.map(({ number }) => number)).toEqual([1, 2]);
    expect(trees[1]).toMatchObject({ epoch, size: 1, checkpoint: null });
    expect(trees[0]?.checkpoint).toBe(before);
    await service().advance(100);
    await expect
      .poll(() =>
        service()
          .audit.integration.step()
          .catch(() => "not yet"),
      )
      .toBe("done");
    const after = (await store.auditTrees.trees())[1]?.checkpoint ?? "";
    expect(after.split("\n")[0]).toMatch(new RegExp(`/${epoch}$`));
    expect(sizeOf(after)).toBeGreaterThan(1);
    // Nothing is ever added to the tree before: it stands as it was signed.
    expect((await store.auditTrees.trees())[0]?.checkpoint).toBe(before);
    const entries = await store.auditTrees.entries(2, 0, 1);
    expect(JSON.parse(entries[0]?.leaf ?? "{}")).toMatchObject({
      action: "audit.tree_begun",
      details: { previous_checkpoint: before, previous_size: sizeOf(before) },
    });
  });
});

/** JSON without spaces, members in the order of their names. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${canonical(member)}`).join(",")}}`;
}
