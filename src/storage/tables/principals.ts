import { eq, sql } from "drizzle-orm";

import type { AssertedBy, Principal, PrincipalStore } from "../../domain/ports/principals.ts";
import { type Run, statement } from "../engine/connection.ts";
import { StorageError } from "../engine/error.ts";
import {
  isStorable,
  nullable,
  type Row,
  readInstant,
  readText,
  writeInstant,
  writeText,
} from "../engine/values.ts";
import { principals } from "./schema.ts";

const find = statement((db) =>
  db
    .select()
    .from(principals)
    .where(eq(principals.id, sql.placeholder("id")))
    .prepare("principals_find"),
);

// A principal that is there and up to date is only read: an update, even one that changes nothing, would hold
// its row until the transaction ends, and all issuance for one human would queue behind it. The insert decides
// between two callers at once.
const ENSURE = `
  with present as (
    select * from principals
    where platform = $2 and issuer = $3 and subject = $4 and asserted_by = $6 and email is not distinct from $5
  ), written as (
    insert into principals (id, platform, issuer, subject, email, asserted_by, development, created_at)
    select $1, $2, $3, $4, $5, $6, $7, $8::timestamptz where not exists (select from present)
    on conflict on constraint principals_who do update set email = excluded.email
    returning *
  )
  select id, platform, issuer, subject, email, asserted_by, development, created_at from present
  union all
  select id, platform, issuer, subject, email, asserted_by, development, created_at from written`;

/** Principals that one look tells of: more people do not change their addresses within seconds. */
const MOST_CHANGED = 10_000;

const CHANGED = `
  select id, email from principals
  where changed_at is not null and changed_at > clock_timestamp() - $1::double precision * interval '1 millisecond'
  order by changed_at desc limit ${MOST_CHANGED}`;

/** Principals in the database. */
export function createPrincipalStore(run: Run): PrincipalStore {
  return {
    async find(id) {
      if (!isStorable(id)) return undefined;
      const [row] = await run("principals.find", (session) => find(session, { id }));
      return row && toPrincipal(row);
    },
    async ensure(principal) {
      const [row] = await run("principals.ensure", (session) =>
        session.query(ENSURE, [
          writeText(principal.id),
          writeText(principal.platform),
          writeText(principal.issuer),
          writeText(principal.subject),
          principal.email === null ? null : writeText(principal.email),
          principal.assertedBy,
          principal.development,
          writeInstant(principal.createdAt),
        ]),
      );
      if (row === undefined) throw new StorageError("principals.ensure");
      return fromRow(row);
    },
    async changedWithin(milliseconds) {
      const rows = await run("principals.changedWithin", (session) => session.query(CHANGED, [milliseconds]));
      return rows.map((row) => ({ id: readText(row["id"]), email: nullable(readText)(row["email"]) }));
    },
  };
}

/** Reads a principal as the query builder returns it. */
export function toPrincipal({ changedAt: _, ...row }: typeof principals.$inferSelect): Principal {
  return { ...row, assertedBy: readAssertedBy(row.assertedBy) };
}

function fromRow(row: Row): Principal {
  const development = row["development"];
  if (typeof development !== "boolean") throw new StorageError("read principals.development");
  return {
    id: readText(row["id"]),
    platform: readText(row["platform"]),
    issuer: readText(row["issuer"]),
    subject: readText(row["subject"]),
    email: nullable(readText)(row["email"]),
    assertedBy: readAssertedBy(row["asserted_by"]),
    development,
    createdAt: readInstant(row["created_at"]),
  };
}

function readAssertedBy(value: unknown): AssertedBy {
  if (value !== "issuer" && value !== "platform") throw new StorageError("read principals.asserted_by");
  return value;
}
