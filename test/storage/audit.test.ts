import { expect, test } from "vitest";

import { describeOnEachDatabase, describeOnServer } from "../support/database.ts";
import { raw } from "./raw.ts";
import { auditEvent, NOON } from "./samples.ts";

describeOnEachDatabase("audit log", (open) => {
  test("events are appended once each, none for an empty list", async () => {
    const { store } = await open();
    await store.audit.append([]);
    await store.audit.append([auditEvent(1), auditEvent(2)]);
    await expect(store.audit.append([auditEvent(3), auditEvent(2)])).rejects.toMatchObject({
      sqlstate: "23505",
    });
    // The third went with the second: all or none.
    await store.audit.append([auditEvent(3)]);
  });

  test("an event goes with the change that it describes", async () => {
    const { store } = await open();
    const refused = store.transaction("refused", async ({ audit }) => {
      await audit.append([auditEvent(4)]);
      throw new Error("refused");
    });
    await expect(refused).rejects.toThrow("refused");
    await store.audit.append([auditEvent(4)]);
  });
});

describeOnServer("audit log as it is stored", (open) => {
  test("every member stands in its column", async () => {
    const { store, url = "" } = await open();
    const event = auditEvent(5, { details: { text: "ü🥖'\"\\", list: [], nothing: null, number: 0.5 } });
    await store.audit.append([event, auditEvent(6, { platform: null, actor: { kind: "service" } })]);
    const rows = await raw(
      url,
      "select *, extract(epoch from at) * 1000 as ms from audit_events order by id",
    );
    expect(rows).toMatchObject([
      { id: event.id, action: "token.issued", platform: "p", actor: event.actor, details: event.details },
      { platform: null, actor: { kind: "service" } },
    ]);
    expect(Number(rows[0]?.["ms"])).toBe(NOON);
  });

  test("five thousand events are few statements and one transaction", async () => {
    // As long as a crowded machine takes: how much it is counts, not how fast.
    const { store, url = "" } = await open({ deadline: 120_000, transactionDeadline: 150_000 });
    const events = Array.from({ length: 5_000 }, (_, n) => auditEvent(n));
    await store.transaction("many", ({ audit }) => audit.append(events));
    expect(await raw(url, "select count(*)::int as n from audit_events")).toEqual([{ n: 5_000 }]);
  });
});
