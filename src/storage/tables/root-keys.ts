import { and, desc, eq, gt, isNull, lt, or, sql } from "drizzle-orm";

import type { RootKeyStore } from "../../domain/ports/keys/root-keys.ts";
import { type Run, statement } from "../engine/connection.ts";
import { isStorable } from "../engine/values.ts";
import { foreignCursor, pageOf } from "./cursor.ts";
import { rootKeys } from "./schema.ts";

const find = statement((db) =>
  db
    .select()
    .from(rootKeys)
    .where(eq(rootKeys.id, sql.placeholder("id")))
    .prepare("root_keys_find"),
);

const newest = statement((db) =>
  db
    .select()
    .from(rootKeys)
    .where(eq(rootKeys.platform, sql.placeholder("platform")))
    .orderBy(desc(rootKeys.activeFrom), desc(rootKeys.id))
    .limit(1)
    .prepare("root_keys_newest"),
);

/** Root keys in the database. */
export function createRootKeyStore(run: Run): RootKeyStore {
  return {
    async insert(key) {
      await run("rootKeys.insert", ({ db }) => db.insert(rootKeys).values(key));
    },
    async find(id) {
      if (!isStorable(id)) return undefined;
      const [row] = await run("rootKeys.find", (session) => find(session, { id }));
      return row;
    },
    async usable(now) {
      return run("rootKeys.usable", ({ db }) =>
        db
          .select()
          .from(rootKeys)
          .where(or(isNull(rootKeys.expiresAt), gt(rootKeys.expiresAt, now))),
      );
    },
    async newest(platform) {
      if (!isStorable(platform)) return undefined;
      const [row] = await run("rootKeys.newest", (session) => newest(session, { platform }));
      return row;
    },
    async retire(id, retiredAt, expiresAt) {
      await run("rootKeys.retire", ({ db }) =>
        db.update(rootKeys).set({ retiredAt, expiresAt }).where(eq(rootKeys.id, id)),
      );
    },
    async reseal(id, sealed) {
      // Another replica may have destroyed it meanwhile: then there is nothing left to seal.
      await run("rootKeys.reseal", ({ db }) =>
        db.update(rootKeys).set({ sealed }).where(eq(rootKeys.id, id)),
      );
    },
    async destroyExpired(now) {
      const rows = await run("rootKeys.destroyExpired", ({ db }) =>
        db.delete(rootKeys).where(lt(rootKeys.expiresAt, now)).returning({ id: rootKeys.id }),
      );
      return rows.map(({ id }) => id);
    },
    async list(platform, { limit, after }) {
      if (platform !== undefined && !isStorable(platform)) return { items: [], next: undefined };
      const position = after === undefined ? undefined : readCursor(after);
      const rows = await run("rootKeys.list", ({ db }) =>
        db
          .select()
          .from(rootKeys)
          .where(
            and(
              platform === undefined ? undefined : eq(rootKeys.platform, platform),
              position &&
                or(
                  lt(rootKeys.activeFrom, position.activeFrom),
                  and(eq(rootKeys.activeFrom, position.activeFrom), lt(rootKeys.id, position.id)),
                ),
            ),
          )
          .orderBy(desc(rootKeys.activeFrom), desc(rootKeys.id))
          .limit(limit + 1),
      );
      return pageOf(rows, limit, ({ activeFrom, id }) => `${activeFrom}.${id}`);
    },
  };
}

function readCursor(after: string): { readonly activeFrom: number; readonly id: string } {
  const match = /^(\d{1,15})\.([A-Za-z0-9_-]{1,64})$/.exec(after);
  const [, activeFrom, id] = match ?? [];
  if (activeFrom === undefined || id === undefined || Number(activeFrom) > 253_402_300_799_999)
    throw foreignCursor();
  return { activeFrom: Number(activeFrom), id };
}
