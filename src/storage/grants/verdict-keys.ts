import { desc, eq, gt, isNull, lt, or } from "drizzle-orm";

import type { VerdictKeyStore } from "../../domain/ports/keys/verdict-keys.ts";
import type { Run } from "../engine/connection.ts";
import { verdictKeys } from "./schema.ts";

/** Keys of short signed verdicts in the database. */
export function createVerdictKeyStore(run: Run): VerdictKeyStore {
  return {
    async insert(key) {
      await run("verdictKeys.insert", ({ db }) => db.insert(verdictKeys).values(key));
    },
    async usable(now) {
      return run("verdictKeys.usable", ({ db }) =>
        db
          .select()
          .from(verdictKeys)
          .where(or(isNull(verdictKeys.expiresAt), gt(verdictKeys.expiresAt, now)))
          .orderBy(desc(verdictKeys.activeFrom), desc(verdictKeys.id)),
      );
    },
    async retire(id, expiresAt) {
      await run("verdictKeys.retire", ({ db }) =>
        db.update(verdictKeys).set({ expiresAt }).where(eq(verdictKeys.id, id)),
      );
    },
    async reseal(id, sealed) {
      await run("verdictKeys.reseal", ({ db }) =>
        db.update(verdictKeys).set({ sealed }).where(eq(verdictKeys.id, id)),
      );
    },
    async destroyExpired(now) {
      const rows = await run("verdictKeys.destroyExpired", ({ db }) =>
        db.delete(verdictKeys).where(lt(verdictKeys.expiresAt, now)).returning({ id: verdictKeys.id }),
      );
      return rows.map(({ id }) => id);
    },
  };
}
