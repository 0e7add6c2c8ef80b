import { and, desc, eq, lt } from "drizzle-orm";
import { z } from "zod";

import type { TokenFilter, TokenStore, TokenWithPrincipal } from "../../domain/ports/tokens.ts";
import type { Run } from "../engine/connection.ts";
import { isStorable, isUuid, writeInstant, writeText } from "../engine/values.ts";
import { foreignCursor, pageOf } from "./cursor.ts";
import { readJson } from "./json.ts";
import { toPrincipal } from "./principals.ts";
import { principals, tokens } from "./schema.ts";

const caveatsSchema = z.array(
  z.union([z.strictObject({ text: z.string() }), z.strictObject({ location: z.string() })]),
);

const INSERT = `
  insert into tokens
    (id, platform, key_id, principal_id, revocation_id, issued_at, expires_at, caveats, label, issued_by)
  values ($1, $2, $3, $4, $5, $6, $7, $8::jsonb, $9, $10)`;

/** Issued tokens in the database. */
export function createTokenStore(run: Run): TokenStore {
  return {
    async insert(token) {
      await run("tokens.insert", (session) =>
        session.query(INSERT, [
          token.id,
          writeText(token.platform),
          writeText(token.keyId),
          writeText(token.principalId),
          token.revocationId,
          writeInstant(token.issuedAt),
          writeInstant(token.expiresAt),
          JSON.stringify(token.caveats),
          token.label === null ? null : writeText(token.label),
          token.issuedBy,
        ]),
      );
    },
    async find(id, filter) {
      if (!isUuid(id) || !isAskable(filter)) return undefined;
      const [row] = await run("tokens.find", ({ db }) =>
        db
          .select({ token: tokens, principal: principals })
          .from(tokens)
          .innerJoin(principals, eq(principals.id, tokens.principalId))
          .where(and(eq(tokens.id, id), matches(filter))),
      );
      return row && toTokenWithPrincipal(row);
    },
    async list(filter, { limit, after }) {
      if (after !== undefined && !isUuid(after)) throw foreignCursor();
      if (!isAskable(filter)) return { items: [], next: undefined };
      const rows = await run("tokens.list", ({ db }) =>
        db
          .select({ token: tokens, principal: principals })
          .from(tokens)
          .innerJoin(principals, eq(principals.id, tokens.principalId))
          .where(and(after === undefined ? undefined : lt(tokens.id, after), matches(filter)))
          .orderBy(desc(tokens.id))
          .limit(limit + 1),
      );
      return pageOf(rows.map(toTokenWithPrincipal), limit, ({ token }) => token.id);
    },
  };
}

function matches({ platform, human }: TokenFilter) {
  return and(
    platform === undefined ? undefined : eq(tokens.platform, platform),
    human && eq(principals.issuer, human.issuer),
    human && eq(principals.subject, human.subject),
  );
}

/** Whether anything stored could match; a filter that could not be sent matches nothing. */
function isAskable({ platform, human }: TokenFilter): boolean {
  return [platform, human?.issuer, human?.subject].every((text) => text === undefined || isStorable(text));
}

function toTokenWithPrincipal(row: {
  readonly token: typeof tokens.$inferSelect;
  readonly principal: typeof principals.$inferSelect;
}): TokenWithPrincipal {
  return {
    token: { ...row.token, caveats: readJson("tokens.caveats", caveatsSchema, row.token.caveats) },
    principal: toPrincipal(row.principal),
  };
}
