import { and, desc, eq, gt, lt, sql } from "drizzle-orm";
import { z } from "zod";

import type { Session, SessionStore } from "../../domain/ports/sessions.ts";
import { SESSION_KINDS } from "../../words/states.ts";
import { type Run, statement } from "../engine/connection.ts";
import { isUuid, writeInstant } from "../engine/values.ts";
import { foreignCursor, pageOf } from "./cursor.ts";
import { deleteInBatches } from "./expiry.ts";
import { readJson } from "./json.ts";
import { sessions } from "./schema.ts";

const groupsSchema = z.array(z.string());
const kindSchema = z.enum(SESSION_KINDS);

const find = statement((db) =>
  db
    .select()
    .from(sessions)
    .where(
      and(eq(sessions.idHash, sql.placeholder("idHash")), gt(sessions.expiresAt, sql.placeholder("now"))),
    )
    .prepare("sessions_find"),
);

/** Login sessions in the database. */
export function createSessionStore(run: Run): SessionStore {
  return {
    async insert({ identity, ...session }) {
      await run("sessions.insert", ({ db }) => db.insert(sessions).values({ ...session, ...identity }));
    },
    async find(idHash, now) {
      const [row] = await run("sessions.find", (session) =>
        find(session, { idHash, now: writeInstant(now) }),
      );
      return row && toSession(row);
    },
    async end(idHash) {
      const [row] = await run("sessions.end", ({ db }) =>
        db.delete(sessions).where(eq(sessions.idHash, idHash)).returning(),
      );
      return row && toSession(row);
    },
    async list({ issuer, subject }, { kind, now }, { limit, after }) {
      if (after !== undefined && !isUuid(after)) throw foreignCursor();
      const rows = await run("sessions.list", ({ db }) =>
        db
          .select()
          .from(sessions)
          .where(
            and(
              eq(sessions.issuer, issuer),
              eq(sessions.subject, subject),
              gt(sessions.expiresAt, now),
              kind === undefined ? undefined : eq(sessions.kind, kind),
              after === undefined ? undefined : lt(sessions.id, after),
            ),
          )
          .orderBy(desc(sessions.id))
          .limit(limit + 1),
      );
      return pageOf(rows.map(toSession), limit, ({ id }) => id);
    },
    async hold({ issuer, subject }, id) {
      if (!isUuid(id)) return false;
      const rows = await run("sessions.hold", ({ db }) =>
        db
          .select({ id: sessions.id })
          .from(sessions)
          .where(and(eq(sessions.id, id), eq(sessions.issuer, issuer), eq(sessions.subject, subject)))
          .for("share"),
      );
      return rows.length === 1;
    },
    async endOwn({ issuer, subject }, id) {
      if (!isUuid(id)) return undefined;
      const [row] = await run("sessions.endOwn", ({ db }) =>
        db
          .delete(sessions)
          .where(and(eq(sessions.id, id), eq(sessions.issuer, issuer), eq(sessions.subject, subject)))
          .returning(),
      );
      return row && toSession(row);
    },
    async endPrograms({ issuer, subject }) {
      const rows = await run("sessions.endPrograms", ({ db }) =>
        db
          .delete(sessions)
          .where(
            and(eq(sessions.issuer, issuer), eq(sessions.subject, subject), eq(sessions.kind, "program")),
          )
          .returning(),
      );
      return rows.map(toSession);
    },
    async dropExpired(now) {
      return deleteInBatches(
        run,
        "sessions.dropExpired",
        { table: "sessions", key: "id_hash", by: "expires_at", is: "<= $2::timestamptz" },
        [writeInstant(now)],
      );
    },
  };
}

function toSession({
  idHash,
  id,
  kind,
  createdAt,
  expiresAt,
  groups,
  ...identity
}: typeof sessions.$inferSelect): Session {
  return {
    idHash,
    id,
    kind: readJson("sessions.kind", kindSchema, kind),
    createdAt,
    expiresAt,
    identity: { ...identity, groups: readJson("sessions.groups", groupsSchema, groups) },
  };
}
