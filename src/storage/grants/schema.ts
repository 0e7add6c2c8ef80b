import { boolean, integer, pgTable, unique, uuid } from "drizzle-orm/pg-core";

import { bytea, instant, json, keyPairTable, text } from "../tables/schema.ts";

export const oauthClients = pgTable("oauth_clients", {
  id: uuid().primaryKey(),
  name: text().notNull(),
  redirectUris: json("redirect_uris").notNull(),
  authMethod: text("auth_method").notNull(),
  jwks: json(),
  secretHash: bytea("secret_hash"),
  createdAt: instant("created_at").notNull(),
});

export const oauthCodes = pgTable("oauth_codes", {
  hash: bytea().primaryKey(),
  clientId: text("client_id").notNull(),
  proven: boolean().notNull(),
  platform: text().notNull(),
  resource: text().notNull(),
  scopes: json().notNull(),
  issuer: text().notNull(),
  subject: text().notNull(),
  identity: json().notNull(),
  spokeAt: instant("spoke_at").notNull(),
  keyId: text("key_id"),
  redirectUri: text("redirect_uri").notNull(),
  challenge: text().notNull(),
  createdAt: instant("created_at").notNull(),
  expiresAt: instant("expires_at").notNull(),
});

export const oauthFamilies = pgTable("oauth_families", {
  id: uuid().primaryKey(),
  codeHash: bytea("code_hash").notNull().unique(),
  clientId: text("client_id").notNull(),
  proven: boolean().notNull(),
  platform: text().notNull(),
  resource: text().notNull(),
  scopes: json().notNull(),
  issuer: text().notNull(),
  subject: text().notNull(),
  identity: json().notNull(),
  spokeAt: instant("spoke_at").notNull(),
  keyId: text("key_id"),
  tokenHash: bytea("token_hash"),
  replacedHash: bytea("replaced_hash"),
  replacedAt: instant("replaced_at"),
  answer: bytea(),
  tokens: json().notNull(),
  createdAt: instant("created_at").notNull(),
  endsAt: instant("ends_at").notNull(),
});

export const oauthConsents = pgTable(
  "oauth_consents",
  {
    id: uuid().primaryKey(),
    issuer: text().notNull(),
    subject: text().notNull(),
    clientId: text("client_id").notNull(),
    clientName: text("client_name").notNull(),
    redirectHost: text("redirect_host").notNull(),
    clientHash: bytea("client_hash").notNull(),
    platform: text().notNull(),
    resource: text().notNull(),
    scopes: json().notNull(),
    spokeAt: instant("spoke_at").notNull(),
    keyId: text("key_id"),
    createdAt: instant("created_at").notNull(),
    expiresAt: instant("expires_at").notNull(),
  },
  (table) => [
    unique("oauth_consents_what").on(
      table.issuer,
      table.subject,
      table.clientId,
      table.redirectHost,
      table.clientHash,
      table.resource,
    ),
  ],
);

export const tokenLines = pgTable("token_lines", {
  id: uuid().primaryKey(),
  spokeAt: instant("spoke_at").notNull(),
  groups: json().notNull(),
  claims: json(),
  endsAt: instant("ends_at").notNull(),
  renewals: integer().notNull(),
});

export const lineTokens = pgTable("line_tokens", {
  tokenId: uuid("token_id").primaryKey(),
  line: uuid().notNull(),
  predecessor: uuid(),
  expiresAt: instant("expires_at").notNull(),
});

export const usedAssertions = pgTable("used_assertions", {
  hash: bytea().primaryKey(),
  expiresAt: instant("expires_at").notNull(),
});

export const oauthDevices = pgTable("oauth_devices", {
  hash: bytea().primaryKey(),
  userHash: bytea("user_hash").notNull().unique("oauth_devices_user_code"),
  clientId: text("client_id").notNull(),
  platform: text().notNull(),
  resource: text().notNull(),
  scopes: json().notNull(),
  state: text().notNull(),
  pause: integer().notNull(),
  polledAt: instant("polled_at"),
  createdAt: instant("created_at").notNull(),
  expiresAt: instant("expires_at").notNull(),
});

export const verdictKeys = keyPairTable("verdict_keys");
