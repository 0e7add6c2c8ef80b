import { desc, eq, gt, isNull, lt, or } from "drizzle-orm";

import type { DischargeKeyStore } from "../../domain/ports/keys/discharge-keys.ts";
import type { Run } from "../engine/connection.ts";
import { dischargeKeys } from "./schema.ts";

/** Discharge keys in the database. */
export function createDischargeKeyStore(run: Run): DischargeKeyStore {
  return {
    async insert(key) {
      await run("dischargeKeys.insert", ({ db }) => db.insert(dischargeKeys).values(key));
    },
    async usable(now) {
      return run("dischargeKeys.usable", ({ db }) =>
        db
          .select()
          .from(dischargeKeys)
          .where(or(isNull(dischargeKeys.expiresAt), gt(dischargeKeys.expiresAt, now)))
          .orderBy(desc(dischargeKeys.activeFrom), desc(dischargeKeys.id)),
      );
    },
    async retire(id, expiresAt) {
      await run("dischargeKeys.retire", ({ db }) =>
        db.update(dischargeKeys).set({ expiresAt }).where(eq(dischargeKeys.id, id)),
      );
    },
    async reseal(id, sealed) {
      await run("dischargeKeys.reseal", ({ db }) =>
        db.update(dischargeKeys).set({ sealed }).where(eq(dischargeKeys.id, id)),
      );
    },
    async destroyExpired(now) {
      const rows = await run("dischargeKeys.destroyExpired", ({ db }) =>
        db.delete(dischargeKeys).where(lt(dischargeKeys.expiresAt, now)).returning({ id: dischargeKeys.id }),
      );
      return rows.map(({ id }) => id);
    },
  };
}
