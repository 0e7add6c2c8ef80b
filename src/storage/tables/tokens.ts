import { and, desc, eq, inArray, lt } from "drizzle-orm";
import { unionAll } from "drizzle-orm/pg-core";

import type { PageRequest } from "../../domain/ports/parts/page.ts";
import type { IssuedCaveat, TokenFilter, TokenStore, TokenWithPrincipal } from "../../domain/ports/tokens.ts";
import type { Database, Run } from "../engine/connection.ts";
import { StorageError } from "../engine/error.ts";
import { isStorable, isUuid, writeInstant, writeText } from "../engine/values.ts";
import { foreignCursor, pageOf } from "./cursor.ts";
import { toPrincipal } from "./principals.ts";
import { principals, tokens } from "./schema.ts";

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
    async findAll(ids) {
      const askable = ids.filter(isUuid);
      if (askable.length === 0) return [];
      const rows = await run("tokens.findAll", ({ db }) =>
        db
          .select({ token: tokens, principal: principals })
          .from(tokens)
          .innerJoin(principals, eq(principals.id, tokens.principalId))
          .where(inArray(tokens.id, askable)),
      );
      return rows.map(toTokenWithPrincipal);
    },
    async list(filter, { limit, after }) {
      if (after !== undefined && !isUuid(after)) throw foreignCursor();
      if (!isAskable(filter)) return { items: [], next: undefined };
      const rows = await run("tokens.list", ({ db }) =>
        filter.human === undefined
          ? db
              .select({ token: tokens, principal: principals })
              .from(tokens)
              .innerJoin(principals, eq(principals.id, tokens.principalId))
              .where(and(isAfter(after), ofPlatform(filter)))
              .orderBy(desc(tokens.id))
              .limit(limit + 1)
          : listOfHuman(db, filter, { limit: limit + 1, after }),
      );
      return pageOf(rows.map(toTokenWithPrincipal), limit, ({ token }) => token.id);
    },
  };
}

// As many searches as one statement makes. A person has a principal on each platform, and few people are on more.
const SEARCHES = 20;

/**
 * The newest of each principal of a person, and of those the newest: of a person with very many tokens a page is read, not
 * all. The principals are asked for first, because a planner that sees their ids knows who has very many; joined, it takes
 * everybody for average, and fetches and sorts them all.
 */
async function listOfHuman(db: Database, filter: TokenFilter, { limit, after }: PageRequest) {
  const found = await db
    .select()
    .from(principals)
    .where(
      and(
        ofHuman(filter),
        filter.platform === undefined ? undefined : eq(principals.platform, filter.platform),
      ),
    );
  const known = new Map(found.map((principal) => [principal.id, principal]));
  const newest: (typeof tokens.$inferSelect)[] = [];
  for (let start = 0; start < found.length; start += SEARCHES) {
    const [first, second, ...others] = found.slice(start, start + SEARCHES).map(({ id }) =>
      db
        .select()
        .from(tokens)
        .where(and(eq(tokens.principalId, id), isAfter(after), ofPlatform(filter)))
        .orderBy(desc(tokens.id))
        .limit(limit),
    );
    if (first === undefined) break;
    newest.push(...(await (second === undefined ? first : unionAll(first, second, ...others))));
  }
  return newest
    .sort((a, b) => (a.id < b.id ? 1 : -1))
    .slice(0, limit)
    .flatMap((token) => {
      const principal = known.get(token.principalId);
      return principal === undefined ? [] : [{ token, principal }];
    });
}

function isAfter(after: string | undefined) {
  return after === undefined ? undefined : lt(tokens.id, after);
}

function ofHuman({ human }: TokenFilter) {
  return human && and(eq(principals.issuer, human.issuer), eq(principals.subject, human.subject));
}

function ofPlatform({ platform }: TokenFilter) {
  return platform === undefined ? undefined : eq(tokens.platform, platform);
}

function matches(filter: TokenFilter) {
  return and(ofPlatform(filter), ofHuman(filter));
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
    token: { ...row.token, caveats: readCaveats(row.token.caveats) },
    principal: toPrincipal(row.principal),
  };
}

/** Reads the caveats of a record. By hand: a schema takes ten times as long over a page of them. */
function readCaveats(value: unknown): readonly IssuedCaveat[] {
  if (Array.isArray(value) && value.every(isIssuedCaveat)) return value;
  throw new StorageError("read tokens.caveats");
}

function isIssuedCaveat(value: unknown): value is IssuedCaveat {
  if (typeof value !== "object" || value === null) return false;
  const [[name, text] = [], ...others] = Object.entries(value);
  return others.length === 0 && (name === "text" || name === "location") && typeof text === "string";
}
