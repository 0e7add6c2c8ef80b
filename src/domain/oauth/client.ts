import { createHash } from "node:crypto";

import { JsonError } from "../../json/error.ts";
import { parseJson } from "../../json/parse.ts";
import { toPlain } from "../../json/plain.ts";
import type { ClientAuthMethod, KeySet, RegisteredClient } from "../ports/oauth.ts";
import { redirectKind } from "./redirect-uri.ts";

/** An OAuth client, however it is known. */
export interface Client {
  readonly id: string;
  /** For people. Of a client with a document it is the client's own word. */
  readonly name: string;
  readonly redirectUris: readonly string[];
  readonly authMethod: ClientAuthMethod;
  readonly jwks: KeySet | null;
  readonly secretHash: Uint8Array | null;
  /** The host that the metadata document came from; null for a registered client. */
  readonly documentHost: string | null;
  /** SHA-256 of all that was said of the client: a consent is for this and no other. */
  readonly hash: Uint8Array;
}

/** A client's statements about itself, checked. */
export type ClientSettings = Pick<Client, "name" | "redirectUris" | "authMethod" | "jwks">;

/** Settings that were read, or the fault in them: its member, and the cure. Both are public. */
export type ClientReading =
  | { readonly ok: true; readonly settings: ClientSettings }
  | { readonly ok: false; readonly member: string; readonly why: string };

/** A client's settings before they are checked. */
export interface UncheckedSettings {
  readonly name: unknown;
  readonly redirectUris: unknown;
  readonly authMethod: unknown;
  readonly jwks: unknown;
}

const MOST_REDIRECTS = 16;
const MOST_KEYS = 8;
const LONGEST_NAME = 100;

/** A line for people, without marks that let it be shown in another order than it is written. */
const NAME = /^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+$/u;

const METHODS: ReadonlySet<unknown> = new Set<ClientAuthMethod>([
  "none",
  "client_secret_basic",
  "client_secret_post",
  "private_key_jwt",
]);

const fault = (member: string, why: string): ClientReading => ({ ok: false, member, why });

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}

function keySetFault(jwks: unknown): string | undefined {
  if (!isObject(jwks) || !Array.isArray(jwks["keys"])) return "must be a JWK set";
  const keys: readonly unknown[] = jwks["keys"];
  if (keys.length === 0 || keys.length > MOST_KEYS) return `must have 1 to ${MOST_KEYS} keys`;
  if (!keys.every((key) => isObject(key) && isText(key["kty"]))) return "must have keys with a kty";
  const isPublic = keys.every(
    (key) => isObject(key) && key["kty"] !== "oct" && !("d" in key) && !("k" in key),
  );
  return isPublic ? undefined : "must have public keys alone";
}

/** Checks the statements of a client about itself, or of an administrator about it. */
export function readClientSettings({
  name,
  redirectUris,
  authMethod,
  jwks,
}: UncheckedSettings): ClientReading {
  if (!isText(name) || name.length > LONGEST_NAME || !NAME.test(name) || name.trim() === "") {
    return fault("client_name", `must be one line of at most ${LONGEST_NAME} characters`);
  }
  if (!Array.isArray(redirectUris) || !redirectUris.every(isText)) {
    return fault("redirect_uris", "must be a list of texts");
  }
  if (redirectUris.length === 0 || redirectUris.length > MOST_REDIRECTS) {
    return fault("redirect_uris", `must be 1 to ${MOST_REDIRECTS}`);
  }
  const wrong = redirectUris.findIndex((uri) => redirectKind(uri) === undefined);
  if (wrong >= 0) {
    const why =
      "must be https, http on loopback, or a scheme of the app's own with a dot; without fragment, user or parameters of the answer, and as a browser writes it";
    return fault(`redirect_uris[${wrong}]`, why);
  }
  if (!METHODS.has(authMethod)) {
    return fault("token_endpoint_auth_method", `must be one of ${[...METHODS].join(", ")}`);
  }
  const needsKeys = authMethod === "private_key_jwt";
  if (needsKeys !== (jwks !== undefined && jwks !== null)) {
    return fault("jwks", needsKeys ? "is needed for private_key_jwt" : "goes with private_key_jwt alone");
  }
  const keys = needsKeys ? keySetFault(jwks) : undefined;
  if (keys !== undefined) return fault("jwks", keys);
  return {
    ok: true,
    settings: {
      name,
      redirectUris,
      authMethod: authMethod as ClientAuthMethod,
      jwks: needsKeys ? (jwks as KeySet) : null,
    },
  };
}

/**
 * Reads a client's metadata document (draft-ietf-oauth-client-id-metadata-document-02 §4).
 *
 * @param id the client id: the address that the document was fetched from
 * @param bytes the document
 */
export function readClientDocument(id: string, bytes: Uint8Array): ClientReading {
  let document: unknown;
  try {
    document = toPlain(parseJson(bytes));
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    return fault("", "is not acceptable JSON");
  }
  if (!isObject(document)) return fault("", "is no JSON object");
  // Another address that shows this text is another client.
  if (document["client_id"] !== id) return fault("client_id", "is not the document's own address");
  if ("client_secret" in document || "client_secret_expires_at" in document) {
    return fault("client_secret", "must not be there: the document is public");
  }
  if ("jwks_uri" in document) return fault("jwks_uri", "is not followed: write the keys into jwks");
  const { token_endpoint_auth_method: authMethod = "none" } = document;
  if (authMethod !== "none" && authMethod !== "private_key_jwt") {
    return fault(
      "token_endpoint_auth_method",
      "must be none or private_key_jwt: a shared secret is nobody's here",
    );
  }
  for (const [member, wanted] of [
    ["grant_types", "authorization_code"],
    ["response_types", "code"],
  ] as const) {
    const said = document[member];
    if (said !== undefined && !(Array.isArray(said) && said.includes(wanted))) {
      return fault(member, `must have ${wanted}`);
    }
  }
  return readClientSettings({
    name: document["client_name"],
    redirectUris: document["redirect_uris"],
    authMethod,
    jwks: document["jwks"],
  });
}

/** The client of a document that was read. */
export function documentClient(url: URL, settings: ClientSettings, bytes: Uint8Array): Client {
  const hash = new Uint8Array(createHash("sha256").update(bytes).digest());
  return { id: url.href, ...settings, secretHash: null, documentHost: url.host, hash };
}

/** A registered client. */
export function registeredClient(client: RegisteredClient): Client {
  const { id, name, redirectUris, authMethod, jwks, secretHash } = client;
  const said = JSON.stringify([id, name, redirectUris, authMethod, jwks]);
  const hash = new Uint8Array(createHash("sha256").update("registered\0").update(said).digest());
  return { id, name, redirectUris, authMethod, jwks, secretHash, documentHost: null, hash };
}
