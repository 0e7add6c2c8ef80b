import { z } from "zod";

import type {
  ClientAuthMethod,
  Consent,
  Family,
  FamilyToken,
  Granted,
  KeySet,
  Mortal,
  RegisteredClient,
  StoredCode,
} from "../../domain/ports/oauth.ts";
import type { RevocationScope, RevocationTarget } from "../../domain/ports/revocations.ts";
import { writeInstant, writeText } from "../engine/values.ts";
import { dedup } from "../revocations/rows.ts";
import { readJson } from "../tables/json.ts";
import type { oauthClients, oauthCodes, oauthConsents, oauthFamilies } from "./schema.ts";

const texts = z.array(z.string());
const methods = z.enum(["none", "client_secret_basic", "client_secret_post", "private_key_jwt"]);
const keySets = z.strictObject({ keys: z.array(z.record(z.string(), z.unknown())) }).nullable();
const identities = z.strictObject({
  email: z.string().nullable(),
  name: z.string().nullable(),
  groups: texts,
  authenticatedAt: z.number().nullable(),
  acr: z.string().nullable(),
  development: z.boolean(),
});
const familyTokens = z.array(
  z.strictObject({ id: z.string(), keyId: z.string(), links: texts, expiresAt: z.number() }),
);

export function toClient(row: typeof oauthClients.$inferSelect): RegisteredClient {
  const authMethod: ClientAuthMethod = readJson("oauth_clients.auth_method", methods, row.authMethod);
  const jwks: KeySet | null = readJson("oauth_clients.jwks", keySets, row.jwks);
  return {
    ...row,
    authMethod,
    jwks,
    redirectUris: readJson("oauth_clients.redirect_uris", texts, row.redirectUris),
  };
}

function toGranted(row: typeof oauthCodes.$inferSelect | typeof oauthFamilies.$inferSelect): Granted {
  const { clientId, proven, platform, resource, issuer, subject, spokeAt, keyId } = row;
  const said = readJson("oauth identity", identities, row.identity);
  return {
    clientId,
    proven,
    platform,
    resource,
    scopes: readJson("oauth scopes", texts, row.scopes),
    identity: { issuer, subject, ...said },
    spokeAt,
    keyId,
  };
}

export function toCode(row: typeof oauthCodes.$inferSelect): StoredCode {
  const { hash, redirectUri, challenge, createdAt, expiresAt } = row;
  return { ...toGranted(row), hash, redirectUri, challenge, createdAt, expiresAt };
}

export function toTokens(value: unknown): readonly FamilyToken[] {
  return readJson("oauth_families.tokens", familyTokens, value);
}

export function toFamily(row: typeof oauthFamilies.$inferSelect): Family {
  const { id, codeHash, tokenHash, replacedHash, replacedAt, answer, createdAt, endsAt } = row;
  const own = { id, codeHash, tokenHash, replacedHash, replacedAt, answer, createdAt, endsAt };
  return { ...toGranted(row), ...own, tokens: toTokens(row.tokens) };
}

export function toConsent(row: typeof oauthConsents.$inferSelect): Consent {
  return { ...row, scopes: readJson("oauth_consents.scopes", texts, row.scopes) };
}

/** A grant's columns. */
export function grantColumns({ identity, ...granted }: Granted) {
  const { issuer, subject, ...said } = identity;
  const { clientId, proven, platform, resource, scopes, spokeAt, keyId } = granted;
  return { clientId, proven, platform, resource, scopes, issuer, subject, identity: said, spokeAt, keyId };
}

const hexOf = (bytes: Uint8Array | null) => (bytes === null ? null : Buffer.from(bytes).toString("hex"));

/** A family's columns as the JSON that the function reads; bytes are hex, but for the answer. */
export function familyJson(family: Family): Readonly<Record<string, unknown>> {
  const { clientId, proven, platform, resource, scopes, issuer, subject, identity, spokeAt, keyId } =
    grantColumns(family);
  return {
    id: family.id,
    code_hash: hexOf(family.codeHash),
    client_id: writeText(clientId),
    proven,
    platform: writeText(platform),
    resource: writeText(resource),
    scopes,
    issuer: writeText(issuer),
    subject: writeText(subject),
    identity,
    spoke_at: writeInstant(spokeAt),
    key_id: keyId,
    token_hash: hexOf(family.tokenHash),
    replaced_hash: hexOf(family.replacedHash),
    replaced_at: family.replacedAt === null ? null : writeInstant(family.replacedAt),
    answer: family.answer === null ? null : Buffer.from(family.answer).toString("base64"),
    tokens: family.tokens,
    created_at: writeInstant(family.createdAt),
    ends_at: writeInstant(family.endsAt),
  };
}

/**
 * The entries of the revocation log that end a grant beside those that end its login: of its root key, and of each token that it
 * gave, its id, key and issued links, in every scope that covers the person there.
 *
 * @returns the hash of each entry's scope and target, in hex
 */
export function mortalKeys(grant: Mortal, tokens: readonly FamilyToken[]): readonly string[] {
  const { platform, identity } = grant;
  const { issuer, subject } = identity;
  const wide: readonly RevocationScope[] = [{ kind: "all" }, { kind: "platform", platform }];
  const own: readonly RevocationScope[] = [...wide, { kind: "principal", issuer, subject }];
  const held: readonly RevocationScope[] = [...own, { kind: "link", platform }];
  const keys = new Set([...(grant.keyId === null ? [] : [grant.keyId]), ...tokens.map(({ keyId }) => keyId)]);
  const all = (scopes: readonly RevocationScope[], target: RevocationTarget) =>
    scopes.map((scope) => dedup(scope, target));
  return [
    ...[...keys].flatMap((id) => all(wide, { kind: "key_id", id })),
    ...tokens.flatMap(({ id, links }) => [
      ...all(own, { kind: "token_id", id }),
      ...links.flatMap((link) =>
        all(held, { kind: "revocation_id", id: new Uint8Array(Buffer.from(link, "base64url")) }),
      ),
    ]),
  ];
}
