import { asc, eq, gt, sql } from "drizzle-orm";
import { z } from "zod";
import type { Platform, PlatformStore } from "../../domain/ports/platforms.ts";
import type { Policy } from "../../domain/ports/policy.ts";
import { type Run, statement } from "../engine/connection.ts";
import { isStorable } from "../engine/values.ts";
import { foreignCursor, pageOf } from "./cursor.ts";
import { readJson } from "./json.ts";
import { platforms } from "./schema.ts";

const policySchema = z.strictObject({
  rules: z.array(
    z.strictObject({
      issuer: z.string().nullable(),
      groups: z.array(z.string()).nullable(),
      subjects: z.array(z.string()).nullable(),
      caveats: z.array(z.string()),
      maxTtl: z.number(),
      onBehalfOf: z.boolean(),
    }),
  ),
});

const find = statement((db) =>
  db
    .select()
    .from(platforms)
    .where(eq(platforms.name, sql.placeholder("name")))
    .prepare("platforms_find"),
);

// `no key update`: principals and keys that refer to the platform can still be written meanwhile.
const lock = statement((db) =>
  db
    .select()
    .from(platforms)
    .where(eq(platforms.name, sql.placeholder("name")))
    .for("no key update")
    .prepare("platforms_lock"),
);

/** Platforms in the database. */
export function createPlatformStore(run: Run): PlatformStore {
  return {
    async insert(platform) {
      const rows = await run("platforms.insert", ({ db }) =>
        db.insert(platforms).values(platform).onConflictDoNothing().returning({ name: platforms.name }),
      );
      return rows.length === 1;
    },
    async find(name) {
      if (!isStorable(name)) return undefined;
      const [row] = await run("platforms.find", (session) => find(session, { name }));
      return row && toPlatform(row);
    },
    async lock(name) {
      if (!isStorable(name)) return undefined;
      const [row] = await run("platforms.lock", (session) => lock(session, { name }));
      return row && toPlatform(row);
    },
    async setPolicy(name, policy) {
      if (!isStorable(name)) return false;
      const rows = await run("platforms.setPolicy", ({ db }) =>
        db
          .update(platforms)
          .set({ policy })
          .where(eq(platforms.name, name))
          .returning({ name: platforms.name }),
      );
      return rows.length === 1;
    },
    async list({ limit, after }) {
      if (after !== undefined && !isStorable(after)) throw foreignCursor();
      const rows = await run("platforms.list", ({ db }) =>
        db
          .select()
          .from(platforms)
          .where(after === undefined ? undefined : gt(platforms.name, after))
          .orderBy(asc(platforms.name))
          .limit(limit + 1),
      );
      return pageOf(rows.map(toPlatform), limit, ({ name }) => name);
    },
  };
}

function toPlatform(row: typeof platforms.$inferSelect): Platform {
  return { ...row, policy: readPolicy(row.policy) };
}

/** Reads a policy as it is stored. */
export function readPolicy(value: unknown): Policy {
  return readJson("platforms.policy", policySchema, value);
}
