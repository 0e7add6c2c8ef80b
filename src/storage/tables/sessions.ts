import { and, eq, gt, sql } from "drizzle-orm";
import { z } from "zod";

import type { Session, SessionStore } from "../../domain/ports/sessions.ts";
import { type Run, statement } from "../engine/connection.ts";
import { writeInstant } from "../engine/values.ts";
import { deleteInBatches } from "./expiry.ts";
import { readJson } from "./json.ts";
import { sessions } from "./schema.ts";

const groupsSchema = z.array(z.string());

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
  createdAt,
  expiresAt,
  groups,
  ...identity
}: typeof sessions.$inferSelect): Session {
  return {
    idHash,
    createdAt,
    expiresAt,
    identity: { ...identity, groups: readJson("sessions.groups", groupsSchema, groups) },
  };
}
