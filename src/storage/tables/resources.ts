import { and, asc, count, eq, gt, sql } from "drizzle-orm";
import { z } from "zod";

import type { Resource, ResourceStore } from "../../domain/ports/resources.ts";
import { type Run, statement } from "../engine/connection.ts";
import { isStorable, isUuid } from "../engine/values.ts";
import { foreignCursor, pageOf } from "./cursor.ts";
import { readJson } from "./json.ts";
import { resources } from "./schema.ts";

const findByUri = statement((db) =>
  db
    .select()
    .from(resources)
    .where(eq(resources.resource, sql.placeholder("uri")))
    .prepare("resources_find_by_uri"),
);

const scopesSchema = z.array(z.strictObject({ scope: z.string(), description: z.string() }));
const caveatsSchema = z.array(z.string());

/** Resources in the database. */
export function createResourceStore(run: Run): ResourceStore {
  return {
    async insert(resource) {
      const rows = await run("resources.insert", ({ db }) =>
        db
          .insert(resources)
          .values({ ...resource, ...listsOf(resource) })
          .onConflictDoNothing()
          .returning({ id: resources.id }),
      );
      return rows.length === 1;
    },
    async find(platform, id) {
      if (!isStorable(platform) || !isUuid(id)) return undefined;
      const [row] = await run("resources.find", ({ db }) =>
        db.select().from(resources).where(its(platform, id)),
      );
      return row && toResource(row);
    },
    async findByUri(uri) {
      if (!isStorable(uri)) return undefined;
      const [row] = await run("resources.findByUri", (session) => findByUri(session, { uri }));
      return row && toResource(row);
    },
    async only() {
      const rows = await run("resources.only", ({ db }) =>
        db.select().from(resources).orderBy(asc(resources.id)).limit(2),
      );
      const [row] = rows;
      return rows.length === 1 && row !== undefined ? toResource(row) : undefined;
    },
    async replace(resource) {
      const { platform, id, name, maxTtl, acceptUnbound } = resource;
      if (!isStorable(platform) || !isUuid(id)) return false;
      const rows = await run("resources.replace", ({ db }) =>
        db
          .update(resources)
          .set({ name, maxTtl, acceptUnbound, ...listsOf(resource) })
          .where(its(platform, id))
          .returning({ id: resources.id }),
      );
      return rows.length === 1;
    },
    async remove(platform, id) {
      if (!isStorable(platform) || !isUuid(id)) return undefined;
      const [row] = await run("resources.remove", ({ db }) =>
        db.delete(resources).where(its(platform, id)).returning(),
      );
      return row && toResource(row);
    },
    async list(platform, { limit, after }) {
      if (after !== undefined && !isUuid(after)) throw foreignCursor();
      if (!isStorable(platform)) return { items: [], next: undefined };
      const rows = await run("resources.list", ({ db }) =>
        db
          .select()
          .from(resources)
          .where(
            and(eq(resources.platform, platform), after === undefined ? undefined : gt(resources.id, after)),
          )
          .orderBy(asc(resources.id))
          .limit(limit + 1),
      );
      return pageOf(rows.map(toResource), limit, ({ id }) => id);
    },
    async count(platform) {
      if (!isStorable(platform)) return 0;
      const [row] = await run("resources.count", ({ db }) =>
        db.select({ number: count() }).from(resources).where(eq(resources.platform, platform)),
      );
      return row?.number ?? 0;
    },
    async uris(platform) {
      if (!isStorable(platform)) return [];
      const rows = await run("resources.uris", ({ db }) =>
        db.select({ uri: resources.resource }).from(resources).where(eq(resources.platform, platform)),
      );
      return rows.map(({ uri }) => uri);
    },
  };
}

function its(platform: string, id: string) {
  return and(eq(resources.platform, platform), eq(resources.id, id));
}

function listsOf({ scopes, caveats }: Resource) {
  const stored = scopes.map(({ scope, description }) => ({ scope, description }));
  return { scopes: sql`${JSON.stringify(stored)}::jsonb`, caveats: sql`${JSON.stringify(caveats)}::jsonb` };
}

function toResource(row: typeof resources.$inferSelect): Resource {
  return {
    ...row,
    scopes: readJson("resources.scopes", scopesSchema, row.scopes),
    caveats: readJson("resources.caveats", caveatsSchema, row.caveats),
  };
}
