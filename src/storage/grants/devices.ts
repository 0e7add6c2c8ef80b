import { and, eq, gt, inArray } from "drizzle-orm";
import { z } from "zod";

import type { DeviceState, DeviceStore } from "../../domain/ports/devices.ts";
import type { Run } from "../engine/connection.ts";
import { readBoolean, readInstant, writeInstant, writeText } from "../engine/values.ts";
import { deleteInBatches } from "../tables/expiry.ts";
import { readJson } from "../tables/json.ts";
import { oauthDevices } from "./schema.ts";

/** Half a second of the pause is let pass: an answer takes time, and so does the way here. */
const POLL = `
  update oauth_devices as d set
    polled_at = $3::timestamptz,
    pause = case when old.early then least(old.pause + 5, 60) else old.pause end
  from (
    select hash, pause,
      coalesce($3::timestamptz < polled_at + pause * interval '1 second' - interval '500 milliseconds', false) as early
    from oauth_devices where hash = $1 and client_id = $2 for update
  ) as old
  where d.hash = old.hash
  returning d.state, d.expires_at::text as expires_at, old.early`;

const states = z.enum(["pending", "approved", "denied"]);
const texts = z.array(z.string());

const toState = (value: unknown): DeviceState => readJson("oauth_devices.state", states, value);

/** Requests of devices in the database. */
export function createDeviceStore(run: Run): DeviceStore {
  return {
    async insert(request) {
      const rows = await run("devices.insert", ({ db }) =>
        db.insert(oauthDevices).values(request).onConflictDoNothing().returning({ hash: oauthDevices.hash }),
      );
      return rows.length > 0;
    },

    async find(userHashes, now) {
      const [row] = await run("devices.find", ({ db }) =>
        db
          .select()
          .from(oauthDevices)
          .where(
            and(
              inArray(oauthDevices.userHash, [...userHashes]),
              eq(oauthDevices.state, "pending"),
              gt(oauthDevices.expiresAt, now),
            ),
          ),
      );
      if (row === undefined) return undefined;
      const { polledAt: _polledAt, ...request } = row;
      const scopes = readJson("oauth_devices.scopes", texts, row.scopes);
      return { ...request, scopes, state: toState(row.state) };
    },

    async poll(hash, clientId, now) {
      const [row] = await run("devices.poll", (session) =>
        session.query(POLL, [hash, writeText(clientId), writeInstant(now)]),
      );
      return (
        row && {
          state: toState(row["state"]),
          expiresAt: readInstant(row["expires_at"]),
          isEarly: readBoolean(row["early"]),
        }
      );
    },

    async answer(hash, state, now) {
      const rows = await run("devices.answer", ({ db }) =>
        db
          .update(oauthDevices)
          .set({ state })
          .where(
            and(
              eq(oauthDevices.hash, hash),
              eq(oauthDevices.state, "pending"),
              gt(oauthDevices.expiresAt, now),
            ),
          )
          .returning({ hash: oauthDevices.hash }),
      );
      return rows.length > 0;
    },

    dropExpired: (before) =>
      deleteInBatches(
        run,
        "devices.dropExpired",
        { table: "oauth_devices", key: "hash", by: "expires_at", is: "<= $2::timestamptz" },
        [writeInstant(before)],
      ),
  };
}
