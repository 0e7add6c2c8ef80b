import { z } from "zod";

import type { Consent, RegisteredClient } from "../../domain/ports/oauth.ts";
import { instant, lineOfText, opaqueId, printInstant } from "./text.ts";

/** The ways in which a client authenticates. */
export const authMethod = z.enum(["none", "client_secret_basic", "client_secret_post", "private_key_jwt"]);

const keySet = z
  .strictObject({ keys: z.array(z.record(z.string(), z.unknown())).min(1).max(8) })
  .meta({ description: "Public keys, of `private_key_jwt` alone. Nothing is fetched." });

const redirectUris = z.array(lineOfText(1_000)).min(1).max(16).meta({
  description:
    "Exact: https, http on loopback (any port matches), or a scheme of the app's own with a dot. Without fragment, user or parameters of the answer.",
});

/** A client that an administrator registers. */
export const clientRequestSchema = z
  .strictObject({
    client_name: lineOfText(100),
    redirect_uris: redirectUris,
    token_endpoint_auth_method: authMethod,
    jwks: keySet.optional(),
  })
  .meta({ id: "ClientRequest" });

/** A registered client, as answers write it. */
export const clientSchema = z
  .strictObject({
    client_id: opaqueId,
    client_name: z.string(),
    redirect_uris: z.array(z.string()),
    token_endpoint_auth_method: authMethod,
    jwks: keySet.optional(),
    created_at: instant,
  })
  .meta({ id: "Client" });

/** A client that was registered just now: the only answer that holds its secret. */
export const newClientSchema = clientSchema
  .extend({ client_secret: z.string().optional().meta({ description: "Shown this once." }) })
  .meta({ id: "NewClient" });

/** Writes a client. */
export function clientWire(client: RegisteredClient) {
  const { id, name, redirectUris: uris, authMethod: method, jwks, createdAt } = client;
  return {
    client_id: id,
    client_name: name,
    redirect_uris: [...uris],
    token_endpoint_auth_method: method,
    ...(jwks === null ? {} : { jwks }),
    created_at: printInstant(createdAt),
  };
}

/** A remembered consent, as answers write it. */
export const consentSchema = z
  .strictObject({
    id: opaqueId,
    issuer: z.string(),
    subject: z.string(),
    client_id: z.string(),
    client_name: z
      .string()
      .meta({ description: "As it was then; of a client with a document its own word." }),
    redirect_host: z.string(),
    platform: z.string(),
    resource: z.string(),
    scopes: z.array(z.string()),
    created_at: instant,
    expires_at: instant,
  })
  .meta({ id: "Consent" });

/** Writes a consent. */
export function consentWire(consent: Consent): z.infer<typeof consentSchema> {
  const { id, issuer, subject, clientId, clientName, redirectHost, platform, resource, scopes } = consent;
  return {
    id,
    issuer,
    subject,
    client_id: clientId,
    client_name: clientName,
    redirect_host: redirectHost,
    platform,
    resource,
    scopes: [...scopes],
    created_at: printInstant(consent.createdAt),
    expires_at: printInstant(consent.expiresAt),
  };
}
