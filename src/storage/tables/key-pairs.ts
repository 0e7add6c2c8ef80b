import { desc, eq, gt, isNull, lt, or } from "drizzle-orm";

import type { KeyPairStore } from "../../domain/ports/keys/key-pairs.ts";
import type { Run } from "../engine/connection.ts";
import type { keyPairTable } from "./schema.ts";

/** Key pairs of one kind in the database. @param name of the statements, for logs and metrics */
export function createKeyPairStore(
  run: Run,
  name: "dischargeKeys" | "verdictKeys",
  table: ReturnType<typeof keyPairTable>,
): KeyPairStore {
  return {
    async insert(key) {
      await run(`${name}.insert`, ({ db }) => db.insert(table).values(key));
    },
    async usable(now) {
      return run(`${name}.usable`, ({ db }) =>
        db
          .select()
          .from(table)
          .where(or(isNull(table.expiresAt), gt(table.expiresAt, now)))
          .orderBy(desc(table.activeFrom), desc(table.id)),
      );
    },
    async retire(id, expiresAt) {
      await run(`${name}.retire`, ({ db }) => db.update(table).set({ expiresAt }).where(eq(table.id, id)));
    },
    async reseal(id, sealed) {
      await run(`${name}.reseal`, ({ db }) => db.update(table).set({ sealed }).where(eq(table.id, id)));
    },
    async destroyExpired(now) {
      const rows = await run(`${name}.destroyExpired`, ({ db }) =>
        db.delete(table).where(lt(table.expiresAt, now)).returning({ id: table.id }),
      );
      return rows.map(({ id }) => id);
    },
  };
}
