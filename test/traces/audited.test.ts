import { expect, test } from "vitest";

import { onBill } from "../../src/domain/parts/turn.ts";
import type { Span } from "../../src/domain/ports/span.ts";
import { auditedStore } from "../../src/run/traces/audited-store.ts";
import { auditEvent } from "../storage/samples.ts";
import { describeOnServer } from "../support/database.ts";

const payer = { kind: "service", name: "" } as const;

/** A record that keeps the audit events that it is told of. */
function keeper(): { readonly span: Span; readonly named: string[] } {
  const named: string[] = [];
  const span: Span = { begin: () => span, note() {}, audited: (id) => void named.push(id), end() {} };
  return { span, named };
}

describeOnServer("audit events of a record", (open) => {
  test("are those of transactions that were committed, once they are", async () => {
    const { store } = await open();
    const traced = auditedStore(store);
    const { span, named } = keeper();
    await onBill({ payer, span }, async () => {
      const refused = traced.transaction("refused", async ({ audit }) => {
        await audit.append([auditEvent(1)]);
        throw new Error("refused");
      });
      await expect(refused).rejects.toThrow("refused");
      // A fault that the work swallowed undoes the transaction all the same.
      const undone = traced.transaction("undone", async ({ audit }) => {
        await audit.append([auditEvent(2)]);
        await audit.append([auditEvent(2)]).catch(() => undefined);
      });
      await expect(undone).rejects.toMatchObject({ sqlstate: "23505" });
      expect(named).toEqual([]);

      await traced.transaction("done", async ({ audit }) => {
        await audit.append([auditEvent(3), auditEvent(4)]);
        expect(named).toEqual([]);
      });
      await traced.audit.append([auditEvent(5)]);
      await expect(traced.audit.append([auditEvent(5)])).rejects.toMatchObject({ sqlstate: "23505" });
    });
    expect(named).toEqual([3, 4, 5].map((number) => auditEvent(number).id));
  });

  test("are none of work that nobody records", async () => {
    const { store } = await open();
    const traced = auditedStore(store);
    await traced.transaction("done", ({ audit }) => audit.append([auditEvent(1)]));
    await traced.audit.append([auditEvent(2)]);
    await expect(store.audit.append([auditEvent(1)])).rejects.toMatchObject({ sqlstate: "23505" });
  });
});
