import { asc, eq, gt, sql } from "drizzle-orm";
import { mapInTurns } from "../../domain/parts/time-slice.ts";
import type { Platform, PlatformStore } from "../../domain/ports/platforms.ts";
import type { ClaimDemand, Policy, PolicyClients, PolicyRule } from "../../domain/ports/policy.ts";
import { type Run, statement } from "../engine/connection.ts";
import { StorageError } from "../engine/error.ts";
import { isStorable } from "../engine/values.ts";
import { foreignCursor, pageOf } from "./cursor.ts";
import { platforms } from "./schema.ts";

/** Rules that are written in one turn of the event loop: a policy of a megabyte may have a thousand. */
const WRITTEN_TOGETHER = 50;

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
      const text = await policyText(platform.policy);
      const rows = await run("platforms.insert", ({ db }) =>
        db
          .insert(platforms)
          .values({
            ...platform,
            policy: sql`${text}::jsonb`,
            resourceHosts: hostsOf(platform.resourceHosts),
          })
          .onConflictDoNothing()
          .returning({ name: platforms.name }),
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
      const text = await policyText(policy);
      const rows = await run("platforms.setPolicy", ({ db }) =>
        db
          .update(platforms)
          .set({ policy: sql`${text}::jsonb` })
          .where(eq(platforms.name, name))
          .returning({ name: platforms.name }),
      );
      return rows.length === 1;
    },
    async setResourceHosts(name, hosts) {
      if (!isStorable(name)) return false;
      const rows = await run("platforms.setResourceHosts", ({ db }) =>
        db
          .update(platforms)
          .set({ resourceHosts: hostsOf(hosts) })
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
  if (!areTexts(row.resourceHosts)) throw new StorageError("read platforms.resource_hosts");
  return { ...row, policy: readPolicy(row.policy), resourceHosts: row.resourceHosts };
}

function hostsOf(hosts: readonly string[]) {
  return sql`${JSON.stringify(hosts)}::jsonb`;
}

async function policyText({ rules, clients }: Policy): Promise<string> {
  const written = await mapInTurns(rules, WRITTEN_TOGETHER, (rule) => JSON.stringify(rule));
  const others = clients === undefined ? "" : `,"clients":${JSON.stringify(clients)}`;
  return `{"rules":[${written.join(",")}]${others}}`;
}

/** Reads a policy as it is stored. By hand: a schema takes ten times as long over a policy of a megabyte. */
export function readPolicy(value: unknown): Policy {
  if (isPolicy(value)) return value;
  throw new StorageError("read platforms.policy");
}

function isPolicy(value: unknown): value is Policy {
  if (!isRecord(value, ["rules"], ["clients"])) return false;
  const { rules, clients } = value;
  return Array.isArray(rules) && rules.every(isRule) && (clients === undefined || areClients(clients));
}

// A member that this version does not know may restrict: a policy that has one is not read at all.
function isRule(value: unknown): value is PolicyRule {
  const members = ["issuer", "groups", "subjects", "caveats", "maxTtl", "onBehalfOf"];
  return (
    isRecord(value, members, ["claims", "session"]) &&
    (value["issuer"] === null || typeof value["issuer"] === "string") &&
    (value["groups"] === null || areTexts(value["groups"])) &&
    (value["subjects"] === null || areTexts(value["subjects"])) &&
    (value["claims"] === undefined || (Array.isArray(value["claims"]) && value["claims"].every(isDemand))) &&
    areTexts(value["caveats"]) &&
    typeof value["maxTtl"] === "number" &&
    (value["session"] === undefined || typeof value["session"] === "number") &&
    typeof value["onBehalfOf"] === "boolean"
  );
}

function isDemand(value: unknown): value is ClaimDemand {
  return (
    isRecord(value, ["claim", "values"]) && typeof value["claim"] === "string" && areTexts(value["values"])
  );
}

function areClients(value: unknown): value is PolicyClients {
  return (
    isRecord(value, ["metadataDocuments"], ["domains"]) &&
    typeof value["metadataDocuments"] === "boolean" &&
    (value["domains"] === undefined || areTexts(value["domains"]))
  );
}

function areTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((text) => typeof text === "string");
}

/** Whether a value is an object of exactly these members, and perhaps of those in `optional`. */
function isRecord(
  value: unknown,
  names: readonly string[],
  optional: readonly string[] = [],
): value is Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  const more = optional.filter((name) => Object.hasOwn(value, name)).length;
  return (
    Object.keys(value).length === names.length + more && names.every((name) => Object.hasOwn(value, name))
  );
}
