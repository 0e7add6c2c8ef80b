import { createHash } from "node:crypto";

import type { AuditEvent } from "../../src/domain/ports/audit.ts";
import type { DeviceRequest } from "../../src/domain/ports/devices.ts";
import type { NewIssue } from "../../src/domain/ports/issues.ts";
import type { StoredRootKey } from "../../src/domain/ports/keys/root-keys.ts";
import type {
  Consent,
  Family,
  FamilyToken,
  Granted,
  RegisteredClient,
  StoredCode,
} from "../../src/domain/ports/oauth.ts";
import type { Platform } from "../../src/domain/ports/platforms.ts";
import type { Principal } from "../../src/domain/ports/principals.ts";
import type { Resource } from "../../src/domain/ports/resources.ts";
import type { NewRevocation } from "../../src/domain/ports/revocations.ts";
import type { Session } from "../../src/domain/ports/sessions.ts";
import type { TokenRecord } from "../../src/domain/ports/tokens.ts";

/** An instant that all samples agree on, unix milliseconds: 2026-11-20T10:00:00.123Z. */
export const NOON = 1_795_168_800_123;

/** A UUIDv7 of an instant, the `n`th one. */
export function uuid(n: number, at = NOON): string {
  const hex = `${at.toString(16).padStart(12, "0")}70008000${n.toString(16).padStart(12, "0")}`;
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/** Bytes that look random and are the same every time. */
export function bytes(length: number, seed: string | number): Uint8Array {
  return new Uint8Array(createHash("sha512").update(String(seed)).digest()).slice(0, length);
}

/** An id of 16 characters of base64url. */
export function id(seed: string | number): string {
  return Buffer.from(bytes(12, `id ${seed}`)).toString("base64url");
}

export function platform(name: string): Platform {
  const rule = {
    issuer: null,
    groups: ["staff"],
    subjects: null,
    caveats: ["a = b"],
    maxTtl: 3_600,
    onBehalfOf: false,
  };
  return {
    name,
    createdAt: NOON,
    policy: { rules: [rule] },
    resourceHosts: ["mcp.example.com", "*.acme.example"],
  };
}

export function resource(n: number, over: Partial<Resource> = {}): Resource {
  return {
    id: uuid(n),
    platform: "p",
    resource: `https://mcp.example.com/${n}`,
    name: "Files 🥖",
    scopes: [
      { scope: "files:read", description: "Read your files" },
      { scope: "a,b", description: "ü" },
    ],
    caveats: ["action in read, list"],
    maxTtl: 3_600,
    acceptUnbound: false,
    createdAt: NOON,
    ...over,
  };
}

export function rootKey(seed: string, over: Partial<StoredRootKey> = {}): StoredRootKey {
  return {
    id: id(seed),
    platform: "p",
    sealed: bytes(60, seed),
    createdAt: NOON,
    activeFrom: NOON + 20_000,
    retiredAt: null,
    expiresAt: null,
    ...over,
  };
}

export function principal(subject: string, over: Partial<Principal> = {}): Principal {
  return {
    id: id(`principal ${subject} ${over.platform ?? "p"}`),
    platform: "p",
    issuer: "https://issuer.test",
    subject,
    email: null,
    assertedBy: "issuer",
    development: false,
    createdAt: NOON,
    ...over,
  };
}

export function token(n: number, over: Partial<TokenRecord> = {}): TokenRecord {
  return {
    id: uuid(n),
    platform: "p",
    keyId: id("key"),
    principalId: id("principal alice p"),
    revocationId: bytes(16, `token ${n}`),
    issuedAt: NOON,
    expiresAt: NOON + 3_600_000,
    caveats: [{ text: "time < 2026-11-20T11:00:00Z" }, { location: "https://other.test" }],
    label: null,
    issuedBy: null,
    ...over,
  };
}

/** The `n`th token, for alice, with its audit event. */
export function issue(n: number, over: Partial<NewIssue> = {}): NewIssue {
  const alice = principal("alice");
  return {
    token: token(n, { principalId: (over.principal ?? alice).id }),
    principal: alice,
    newcomer: false,
    event: auditEvent(n),
    grant: undefined,
    answer: undefined,
    ...over,
  };
}

export function revocation(n: number, over: Partial<NewRevocation> = {}): NewRevocation {
  return {
    id: uuid(n),
    scope: { kind: "platform", platform: "p" },
    target: { kind: "revocation_id", id: bytes(16, `link ${n}`) },
    reason: null,
    author: "platform:p",
    revokedAt: NOON,
    lastMatchAt: NOON + 90 * 86_400_000,
    ...over,
  };
}

export function session(seed: string, over: Partial<Session> = {}): Session {
  return {
    idHash: bytes(32, `session ${seed}`),
    id: uuid(bytes(4, `session ${seed}`).reduce((sum, byte) => sum * 256 + byte, 0)),
    kind: "browser",
    identity: {
      issuer: "https://issuer.test",
      subject: seed,
      email: "alice@example.com",
      name: "Alice 🥖",
      groups: ["staff", "a,b"],
      authenticatedAt: NOON - 5,
      acr: "urn:mfa",
      development: false,
    },
    createdAt: NOON,
    expiresAt: NOON + 1_000,
    ...over,
  };
}

export function auditEvent(n: number, over: Partial<AuditEvent> = {}): AuditEvent {
  return {
    id: uuid(n),
    at: NOON,
    action: "token.issued",
    actor: { kind: "principal", issuer: "https://issuer.test", subject: "alice" },
    platform: "p",
    details: { token_id: uuid(n), groups: ["a", "b"], ttl: 60, dry: false, label: null },
    ...over,
  };
}

/** What alice lets a client do. */
export function oauthGrant(over: Partial<Granted> = {}): Granted {
  return {
    clientId: uuid(7),
    proven: true,
    platform: "p",
    resource: "https://mcp.test/mcp",
    scopes: ["files:read", "files:write"],
    identity: {
      issuer: "https://issuer.test",
      subject: "alice",
      email: null,
      name: "Alice",
      groups: ["staff"],
      authenticatedAt: NOON - 60_000,
      acr: null,
      development: false,
    },
    spokeAt: NOON - 60_000,
    keyId: id("key"),
    ...over,
  };
}

export function oauthClient(clientId: string, over: Partial<RegisteredClient> = {}): RegisteredClient {
  return {
    id: clientId,
    name: "App",
    redirectUris: ["https://app.test/cb"],
    authMethod: "client_secret_basic",
    jwks: null,
    secretHash: bytes(32, clientId),
    createdAt: NOON,
    ...over,
  };
}

export function oauthCode(hash: Uint8Array, over: Partial<StoredCode> = {}): StoredCode {
  return {
    ...oauthGrant(),
    hash,
    redirectUri: "https://app.test/cb",
    challenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
    createdAt: NOON,
    expiresAt: NOON + 60_000,
    ...over,
  };
}

export function device(
  hash: Uint8Array,
  userHash: Uint8Array,
  over: Partial<DeviceRequest> = {},
): DeviceRequest {
  const { clientId, platform: name, resource: uri, scopes } = oauthGrant();
  return {
    hash,
    userHash,
    clientId,
    platform: name,
    resource: uri,
    scopes,
    state: "pending",
    pause: 5,
    createdAt: NOON,
    expiresAt: NOON + 600_000,
    ...over,
  };
}

export function oauthFamilyToken(tokenId: string): FamilyToken {
  const links = [1, 2].map((n) => Buffer.from(bytes(16, `${tokenId} ${n}`)).toString("base64url"));
  return { id: tokenId, keyId: id("key"), links, expiresAt: NOON + 3_600_000 };
}

export function oauthFamily(familyId: string, over: Partial<Family> = {}): Family {
  return {
    ...oauthGrant(),
    id: familyId,
    codeHash: bytes(32, `code of ${familyId}`),
    tokenHash: bytes(32, `first of ${familyId}`),
    replacedHash: null,
    replacedAt: null,
    answer: null,
    tokens: [],
    createdAt: NOON,
    endsAt: NOON + 86_400_000,
    ...over,
  };
}

export function oauthConsent(consentId: string, over: Partial<Consent> = {}): Consent {
  return {
    id: consentId,
    issuer: "https://issuer.test",
    subject: "alice",
    clientId: uuid(7),
    clientName: "App",
    redirectHost: "app.test",
    clientHash: bytes(32, "document"),
    platform: "p",
    resource: "https://mcp.test/mcp",
    scopes: ["files:read"],
    spokeAt: NOON - 60_000,
    keyId: id("key"),
    createdAt: NOON,
    expiresAt: NOON + 86_400_000,
    ...over,
  };
}
