import type { WebhookOutbox } from "../../domain/ports/webhook.ts";
import type { Run } from "../engine/connection.ts";
import { readInteger, readText, writeInstant, writeText } from "../engine/values.ts";

const CLAIM = `
  update webhook_outbox set due_at = $2::timestamptz
  where id in (
    select id from webhook_outbox where due_at <= $1::timestamptz
    order by due_at limit $3::integer for update skip locked
  )
  returning id, body, attempts`;

// A message that was taken to be sent is due later, and so is one that was tried before.
const TAKE_BACK = `
  delete from webhook_outbox where id = $1 and attempts = 0 and due_at <= $2::timestamptz returning 1 as taken`;

/** Notifications that wait, in the database. */
export function createWebhookOutbox(run: Run): WebhookOutbox {
  return {
    async insert({ id, body, dueAt }) {
      await run("webhookOutbox.insert", (session) =>
        session.query("insert into webhook_outbox (id, body, due_at) values ($1, $2, $3::timestamptz)", [
          id,
          writeText(body),
          writeInstant(dueAt),
        ]),
      );
    },
    async claim(now, again, limit) {
      const rows = await run("webhookOutbox.claim", (session) =>
        session.query(CLAIM, [writeInstant(now), writeInstant(again), limit]),
      );
      return rows.map((row) => ({
        id: readText(row["id"]),
        body: readText(row["body"]),
        attempts: readInteger(row["attempts"]),
      }));
    },
    async postpone(id, dueAt) {
      await run("webhookOutbox.postpone", (session) =>
        session.query(
          "update webhook_outbox set attempts = attempts + 1, due_at = $2::timestamptz where id = $1",
          [id, writeInstant(dueAt)],
        ),
      );
    },
    async remove(id) {
      await run("webhookOutbox.remove", (session) =>
        session.query("delete from webhook_outbox where id = $1", [id]),
      );
    },
    async takeBack(id, now) {
      const rows = await run("webhookOutbox.takeBack", (session) =>
        session.query(TAKE_BACK, [id, writeInstant(now)]),
      );
      return rows.length > 0;
    },
  };
}
