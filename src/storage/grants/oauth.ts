import { and, desc, eq, gt, lt, sql } from "drizzle-orm";

import type { Consent, ConsentOwner, FamilyToken, OAuthStore } from "../../domain/ports/oauth.ts";
import type { PageRequest } from "../../domain/ports/parts/page.ts";
import type { Run } from "../engine/connection.ts";
import { StorageError } from "../engine/error.ts";
import { isStorable, isUuid, readBoolean, writeInstant } from "../engine/values.ts";
import { foreignCursor, pageOf } from "../tables/cursor.ts";
import { deleteInBatches } from "../tables/expiry.ts";
import { grantColumns, mortalKeys, toClient, toCode, toConsent, toFamily, toTokens } from "./rows.ts";
import { oauthClients, oauthCodes, oauthConsents, oauthDevices, oauthFamilies } from "./schema.ts";

const HAS_ENTRY = "select public.bakehouse_has_entry($1::jsonb) as hit";

/** An answer is kept for a client that lost it; a minute after its time it is cleared, and its row stays. */
const CLEAR_ANSWERS = `
  update oauth_families set answer = null where id in (
    select id from oauth_families where answer is not null and replaced_at < $1::timestamptz - interval '1 minute'
    order by replaced_at limit 5000)`;

const EXPIRING = [
  { table: "oauth_codes", key: "hash", by: "expires_at" },
  { table: "oauth_families", key: "id", by: "ends_at" },
  { table: "oauth_consents", key: "id", by: "expires_at" },
] as const;

/** The authorization server's rows in the database. */
export function createOAuthStore(run: Run): OAuthStore {
  return {
    ...clientRows(run),
    ...grantRows(run),
    ...consentRows(run),

    async dropExpired(now) {
      const until = writeInstant(now);
      await run("oauth.clearAnswers", (session) => session.query(CLEAR_ANSWERS, [until]));
      let dropped = 0;
      for (const one of EXPIRING) {
        const expiry = { ...one, is: "<= $2::timestamptz" };
        dropped += await deleteInBatches(run, `${one.table}.dropExpired`, expiry, [until]);
      }
      return dropped;
    },
  };
}

function keyOf({ after }: PageRequest): string | undefined {
  if (after !== undefined && !isUuid(after)) throw foreignCursor();
  return after;
}

function clientRows(
  run: Run,
): Pick<OAuthStore, "insertClient" | "findClient" | "holdClient" | "listClients" | "deleteClient"> {
  return {
    async insertClient(client) {
      await run("oauth.insertClient", ({ db }) => db.insert(oauthClients).values(client));
    },

    async findClient(id) {
      if (!isUuid(id)) return undefined;
      const [row] = await run("oauth.findClient", ({ db }) =>
        db.select().from(oauthClients).where(eq(oauthClients.id, id)),
      );
      return row && toClient(row);
    },

    async holdClient(id) {
      if (!isUuid(id)) return false;
      const rows = await run("oauth.holdClient", ({ db }) =>
        db.select({ id: oauthClients.id }).from(oauthClients).where(eq(oauthClients.id, id)).for("key share"),
      );
      return rows.length > 0;
    },

    async listClients(page) {
      const after = keyOf(page);
      const rows = await run("oauth.listClients", ({ db }) =>
        db
          .select()
          .from(oauthClients)
          .where(after === undefined ? undefined : lt(oauthClients.id, after))
          .orderBy(desc(oauthClients.id))
          .limit(page.limit + 1),
      );
      return pageOf(rows.map(toClient), page.limit, ({ id }) => id);
    },

    async deleteClient(id) {
      if (!isUuid(id)) return undefined;
      const [row] = await run("oauth.deleteClient", ({ db }) =>
        db.delete(oauthClients).where(eq(oauthClients.id, id)).returning(),
      );
      if (row === undefined) return undefined;
      await run("oauth.deleteCodes", ({ db }) => db.delete(oauthCodes).where(eq(oauthCodes.clientId, id)));
      await run("oauth.deleteDevices", ({ db }) =>
        db.delete(oauthDevices).where(eq(oauthDevices.clientId, id)),
      );
      const families = await run("oauth.deleteFamilies", ({ db }) =>
        db
          .delete(oauthFamilies)
          .where(eq(oauthFamilies.clientId, id))
          .returning({ tokens: oauthFamilies.tokens }),
      );
      await run("oauth.deleteConsents", ({ db }) =>
        db.delete(oauthConsents).where(eq(oauthConsents.clientId, id)),
      );
      return { tokens: families.flatMap(({ tokens }): readonly FamilyToken[] => toTokens(tokens)) };
    },
  };
}

function grantRows(
  run: Run,
): Pick<
  OAuthStore,
  "insertCode" | "findCode" | "findFamily" | "findFamilyOfCode" | "stopFamily" | "endFamily" | "isMortallyHit"
> {
  return {
    async insertCode(code) {
      const { hash, redirectUri, challenge, createdAt, expiresAt } = code;
      const row = { ...grantColumns(code), hash, redirectUri, challenge, createdAt, expiresAt };
      await run("oauth.insertCode", ({ db }) => db.insert(oauthCodes).values(row).onConflictDoNothing());
    },

    async findCode(hash) {
      const [row] = await run("oauth.findCode", ({ db }) =>
        db.select().from(oauthCodes).where(eq(oauthCodes.hash, hash)),
      );
      return row && toCode(row);
    },

    async findFamily(id) {
      if (!isUuid(id)) return undefined;
      const [row] = await run("oauth.findFamily", ({ db }) =>
        db.select().from(oauthFamilies).where(eq(oauthFamilies.id, id)),
      );
      return row && toFamily(row);
    },

    async findFamilyOfCode(codeHash) {
      const [row] = await run("oauth.findFamilyOfCode", ({ db }) =>
        db.select().from(oauthFamilies).where(eq(oauthFamilies.codeHash, codeHash)),
      );
      return row && toFamily(row);
    },

    async stopFamily(id) {
      if (!isUuid(id)) return undefined;
      const [row] = await run("oauth.stopFamily", ({ db }) =>
        db
          .update(oauthFamilies)
          .set({ tokenHash: null, answer: null })
          .where(eq(oauthFamilies.id, id))
          .returning(),
      );
      return row && toFamily(row);
    },

    async endFamily(id) {
      if (!isUuid(id)) return undefined;
      const [row] = await run("oauth.endFamily", ({ db }) =>
        db.delete(oauthFamilies).where(eq(oauthFamilies.id, id)).returning(),
      );
      return row && toFamily(row);
    },

    async isMortallyHit(grant, tokens) {
      const keys = JSON.stringify(mortalKeys(grant, tokens));
      const [row] = await run("oauth.isMortallyHit", (session) => session.query(HAS_ENTRY, [keys]));
      if (row === undefined) throw new StorageError("oauth.isMortallyHit");
      return readBoolean(row["hit"]);
    },
  };
}

function consentRows(
  run: Run,
): Pick<OAuthStore, "keepConsent" | "findConsent" | "holdConsent" | "listConsents" | "deleteConsent"> {
  const ofOwner = (owner: ConsentOwner | undefined) =>
    owner === undefined
      ? undefined
      : and(eq(oauthConsents.issuer, owner.issuer), eq(oauthConsents.subject, owner.subject));

  return {
    async keepConsent(consent) {
      const { clientName, platform, scopes, spokeAt, keyId, createdAt, expiresAt, id } = consent;
      const set = { clientName, platform, scopes, spokeAt, keyId, createdAt, expiresAt, id };
      await run("oauth.keepConsent", ({ db }) =>
        db
          .insert(oauthConsents)
          .values(consent)
          .onConflictDoUpdate({
            target: [
              oauthConsents.issuer,
              oauthConsents.subject,
              oauthConsents.clientId,
              oauthConsents.redirectHost,
              oauthConsents.clientHash,
              oauthConsents.resource,
            ],
            set,
          }),
      );
    },

    async findConsent(of, now) {
      const { issuer, subject, clientId, redirectHost, clientHash, resource } = of;
      if (![clientId, redirectHost, resource].every(isStorable)) return undefined;
      const [row] = await run("oauth.findConsent", ({ db }) =>
        db
          .select()
          .from(oauthConsents)
          .where(
            and(
              ofOwner({ issuer, subject }),
              eq(oauthConsents.clientId, clientId),
              eq(oauthConsents.redirectHost, redirectHost),
              eq(oauthConsents.clientHash, clientHash),
              eq(oauthConsents.resource, resource),
              gt(oauthConsents.expiresAt, now),
            ),
          ),
      );
      return row && toConsent(row);
    },

    async holdConsent(id) {
      if (!isUuid(id)) return false;
      const rows = await run("oauth.holdConsent", ({ db }) =>
        db.select({ id: oauthConsents.id }).from(oauthConsents).where(eq(oauthConsents.id, id)).for("update"),
      );
      return rows.length > 0;
    },

    async listConsents(owner, now, page) {
      const after = keyOf(page);
      const rows = await run("oauth.listConsents", ({ db }) =>
        db
          .select()
          .from(oauthConsents)
          .where(
            and(
              ofOwner(owner),
              gt(oauthConsents.expiresAt, now),
              after === undefined ? undefined : lt(oauthConsents.id, after),
            ),
          )
          .orderBy(desc(oauthConsents.id))
          .limit(page.limit + 1),
      );
      return pageOf(rows.map(toConsent), page.limit, ({ id }) => id);
    },

    async deleteConsent(owner, id): Promise<Consent | undefined> {
      if (!isUuid(id)) return undefined;
      const [row] = await run("oauth.deleteConsent", ({ db }) =>
        db
          .delete(oauthConsents)
          .where(and(ofOwner(owner), eq(oauthConsents.id, id)))
          .returning(),
      );
      if (row === undefined) return undefined;
      const { clientId, resource, issuer, subject } = row;
      const same = (table: typeof oauthFamilies | typeof oauthCodes) =>
        sql`${table.issuer} = ${issuer} and ${table.subject} = ${subject} and ${table.clientId} = ${clientId} and ${table.resource} = ${resource}`;
      // Codes first: that waits for one that is being redeemed, and then its family is there to be ended.
      await run("oauth.dropConsented", ({ db }) => db.delete(oauthCodes).where(same(oauthCodes)));
      await run("oauth.endConsented", ({ db }) => db.delete(oauthFamilies).where(same(oauthFamilies)));
      return toConsent(row);
    },
  };
}
