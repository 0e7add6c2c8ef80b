import { join } from "node:path";

import { PGlite } from "@electric-sql/pglite";
import postgres from "postgres";

import type { Home } from "../support/process-service.ts";

/** What must agree with each other. */
export interface Tables {
  readonly tokens: readonly {
    readonly id: string;
    readonly platform: string;
    readonly label: string | null;
  }[];
  readonly events: readonly { readonly action: string; readonly details: Readonly<Record<string, string>> }[];
  readonly revocations: readonly { readonly id: string; readonly number: number }[];
  readonly platforms: readonly string[];
  readonly keys: readonly string[];
  readonly lastNumber: number;
}

type Query = (text: string) => Promise<readonly Readonly<Record<string, unknown>>[]>;

async function read(query: Query): Promise<Tables> {
  const tokens = await query("select id::text, platform, label from tokens");
  const events = await query("select action, platform, details::text from audit_events");
  const revocations = await query("select id::text, number::text from revocations r order by r.number");
  const platforms = await query("select name from platforms");
  const keys = await query("select id from root_keys");
  const [log] = await query("select last_number::text from revocation_log");
  return {
    tokens: tokens.map(({ id, platform, label }) => ({
      id: String(id),
      platform: String(platform),
      label: label === null ? null : String(label),
    })),
    events: events.map(({ action, platform, details }) => ({
      action: String(action),
      details: { platform: String(platform), ...JSON.parse(String(details)) },
    })),
    revocations: revocations.map(({ id, number }) => ({ id: String(id), number: Number(number) })),
    platforms: platforms.map(({ name }) => String(name)),
    keys: keys.map(({ id }) => String(id)),
    lastNumber: Number(log?.["last_number"]),
  };
}

/** Reads them past the service. The embedded database must not be in use. */
export async function readTables(home: Home, databaseUrl: string | undefined): Promise<Tables> {
  if (databaseUrl === undefined) {
    const database = await PGlite.create({ dataDir: join(home.dataDir, "database", "database") });
    try {
      return await read(async (text) => (await database.query<Record<string, unknown>>(text)).rows);
    } finally {
      await database.close();
    }
  }
  const sql = postgres(databaseUrl, { max: 1 });
  try {
    return await read(async (text) => await sql.unsafe(text));
  } finally {
    await sql.end();
  }
}

function difference(name: string, made: readonly string[], recorded: readonly string[]): readonly string[] {
  const [left, right] = [made.toSorted(), recorded.toSorted()];
  return JSON.stringify(left) === JSON.stringify(right)
    ? []
    : [`${name}: ${left.length} exist, ${right.length} are in the audit log, or not the same ones`];
}

/**
 * What is wrong between the tables; nothing if all is well: an audit event for each thing that exists and
 * for nothing else, the log numbered from 1 without a gap, no two tokens under one label.
 */
export function disagreements(tables: Tables): readonly string[] {
  const { tokens, events, revocations, platforms, keys, lastNumber } = tables;
  const recorded = (action: string, member: string) =>
    events.filter((event) => event.action === action).map(({ details }) => details[member] ?? "");
  const own = tokens.filter(({ platform }) => platform === "bakehouse").map(({ id }) => id);
  const issued = tokens.filter(({ platform }) => platform !== "bakehouse").map(({ id }) => id);
  const ids = revocations.map(({ id }) => id);
  const labels = tokens.flatMap(({ platform, label }) =>
    label === null || platform === "bakehouse" ? [] : [label],
  );
  const gaps = revocations.some(({ number }, index) => number !== index + 1);
  return [
    ...difference("tokens", issued, recorded("token.issued", "token_id")),
    ...difference("credentials", own, recorded("credential.issued", "token_id")),
    ...difference("revocations", ids, recorded("token.revoked", "revocation")),
    ...difference("platforms", platforms, recorded("platform.created", "platform")),
    ...difference("keys", keys, recorded("key.created", "key_id")),
    ...(gaps ? ["the revocation log has a gap"] : []),
    ...(lastNumber === revocations.length
      ? []
      : [`the log's counter says ${lastNumber}, not ${revocations.length}`]),
    ...(new Set(labels).size === labels.length ? [] : ["one request made two tokens"]),
  ];
}
