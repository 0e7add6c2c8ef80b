import { z } from "zod";

import type { LineStore, TokenLine } from "../../domain/ports/issues.ts";
import type { Run } from "../engine/connection.ts";
import { isUuid, nullable, readInstant, readText, writeInstant } from "../engine/values.ts";
import { deleteInBatches } from "../tables/expiry.ts";
import { readJson } from "../tables/json.ts";

const FIND = `
  select l.id, l.spoke_at::text as spoke_at, l.groups, l.claims, l.ends_at::text as ends_at
  from line_tokens as t
  join token_lines as l on l.id = t.line
  where t.token_id = $1::uuid and l.ends_at > $2::timestamptz`;

const PREDECESSOR = "select predecessor from line_tokens where token_id = $1::uuid";

// Those that have expired are passed through: what renewed them may live.
const SUCCESSORS = `
  with recursive renewed as (
    select t.token_id, t.expires_at from jsonb_array_elements_text($1::jsonb) as asked
    cross join lateral (select * from line_tokens where predecessor = asked.value::uuid) as t
    union
    select t.token_id, t.expires_at from renewed as r
    cross join lateral (select * from line_tokens where predecessor = r.token_id) as t
  )
  select token_id from renewed where expires_at > $2::timestamptz order by token_id`;

const groupsSchema = z.array(z.string());
const claimsSchema = z.record(z.string(), z.string()).nullable();

/** Lines of tokens in the database. */
export function createLineStore(run: Run): LineStore {
  return {
    async find(tokenId, now): Promise<TokenLine | undefined> {
      if (!isUuid(tokenId)) return undefined;
      const [row] = await run("lines.find", (session) => session.query(FIND, [tokenId, writeInstant(now)]));
      return (
        row && {
          id: readText(row["id"]),
          spokeAt: readInstant(row["spoke_at"]),
          groups: readJson("lines.groups", groupsSchema, row["groups"]),
          claims: readJson("lines.claims", claimsSchema, row["claims"]),
          endsAt: readInstant(row["ends_at"]),
        }
      );
    },
    async predecessor(tokenId) {
      if (!isUuid(tokenId)) return undefined;
      const [row] = await run("lines.predecessor", (session) => session.query(PREDECESSOR, [tokenId]));
      return row && (nullable(readText)(row["predecessor"]) ?? undefined);
    },
    async successors(tokenIds, now) {
      const asked = tokenIds.filter(isUuid);
      if (asked.length === 0) return [];
      const rows = await run("lines.successors", (session) =>
        session.query(SUCCESSORS, [JSON.stringify(asked), writeInstant(now)]),
      );
      return rows.map((row) => readText(row["token_id"]));
    },
    async drop(now, recordsBefore) {
      const over = { table: "token_lines", key: "id", by: "ends_at", is: "<= $2::timestamptz" };
      await deleteInBatches(run, "lines.dropOver", over, [writeInstant(now)]);
      const old = { table: "line_tokens", key: "token_id", by: "expires_at", is: "< $2::timestamptz" };
      await deleteInBatches(run, "lines.dropRecords", old, [writeInstant(recordsBefore)]);
    },
  };
}
