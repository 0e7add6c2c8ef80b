import { auditEvent } from "../audit.ts";
import type { VerdictKeys } from "../keys/verdict-keys.ts";
import { OAuthError } from "../oauth-error.ts";
import type { ClientRequest } from "../oauth-service.ts";
import { DomainError } from "../parts/error.ts";
import { VERDICT_LIFE } from "../parts/lifetimes.ts";
import { createRateLimit } from "../parts/rate-limit.ts";
import type { Clock } from "../ports/clock.ts";
import type { KnownResources } from "../replica/known-resources.ts";
import type { Inspecting } from "../verify/introspection.ts";
import { type FormParameters, readCredentials } from "./client-auth.ts";
import { targetOf } from "./direct-grant.ts";
import type { OAuthResource } from "./outside.ts";
import type { createRedeeming, TokenOptions } from "./redeeming.ts";
import { isWithin, scopesAsked } from "./scope.ts";

const JWT = "urn:ietf:params:oauth:token-type:jwt";
const ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token";

/** RFC 9068 §2.1. */
const TYPE = "at+jwt";

const ID_BYTES = 16;

/** Verdicts of one token for one client, a second and at once: each is on record. */
const RATE = { perSecond: 5, burst: 100, maxKeys: 50_000 };

/** The parts that signing needs besides those of the token endpoint. */
export interface VerdictOptions {
  readonly clock: Clock;
  /** Their issuer. */
  readonly publicUrl: string;
  /** Whether introspection would call a token active. */
  readonly inspect: Inspecting;
  readonly knownResources: Pick<KnownResources, "find">;
  readonly verdictKeys: Pick<VerdictKeys, "signJwt">;
}

const wrong = (why: string) => new OAuthError("invalid_request", why);

/** Whether an exchange is for a signed verdict, and not for a macaroon. */
export function asksForVerdict(form: FormParameters): boolean {
  return form.get("requested_token_type") === JWT;
}

/** The macaroon that is to be exchanged. @throws OAuthError */
function subjectOf(form: FormParameters): string {
  const text = form.get("subject_token");
  if (text === undefined) throw wrong("subject_token is missing");
  if (form.get("subject_token_type") !== ACCESS_TOKEN)
    throw wrong(`subject_token_type must be ${ACCESS_TOKEN}`);
  if (form.has("actor_token") || form.has("actor_token_type")) {
    throw wrong("a signed verdict takes no actor_token: append the agent to the token itself");
  }
  return text;
}

/** The form with its one audience as its resource: both name the place that the verdict is for. @throws OAuthError */
function atOnePlace(form: FormParameters): FormParameters {
  const audience = form.get("audience");
  if (audience === undefined) return form;
  if ((form.get("resource") ?? audience) !== audience)
    throw new OAuthError("invalid_target", "audience and resource name two places");
  return new Map(form).set("resource", audience);
}

/** The scopes that a verdict names: those asked for, within the token's. Undefined if neither has any. */
function scopesOf(
  form: FormParameters,
  resource: OAuthResource,
  allowed: readonly string[] | undefined,
): readonly string[] | undefined {
  const asked = scopesAsked(form.get("scope"));
  if (asked.length === 0) return allowed;
  const registered = resource.scopes.map(({ scope }) => scope);
  if (isWithin(asked, allowed ?? registered) && isWithin(asked, registered)) return asked;
  throw new OAuthError("invalid_scope", "scope is wider than the token, or the resource does not have it");
}

/**
 * Makes the exchange of a macaroon for a short signed verdict (RFC 8693, RFC 9068): a JWT that says what introspection would, for
 * gateways that know only a key set. No revocation reaches it, so it lives for minutes, and never beyond the token.
 *
 * A registered client authenticates before the token is looked at. The document of one that has one is fetched only for a token
 * that is good. Each verdict is on record before it is out.
 */
export function createVerdictGrant(
  options: TokenOptions & VerdictOptions,
  redeeming: Pick<ReturnType<typeof createRedeeming>, "authenticated">,
): (form: FormParameters, request: ClientRequest) => Promise<string> {
  const { store, clock, randomness, resources, inspect, knownResources, verdictKeys } = options;
  const rate = createRateLimit({ clock, ...RATE });

  /** What introspection would say at the resource that a request names. @returns undefined for a token that is not active there */
  async function look(text: string, form: FormParameters) {
    const resource = await targetOf(resources, form, undefined);
    const asking = await knownResources.find(resource.platform, resource.resource);
    const said = asking === undefined ? undefined : (await inspect(text, resource.platform, asking)).said;
    return said?.active ? { resource, said } : undefined;
  }

  const newId = () => Buffer.from(randomness.bytes(ID_BYTES)).toString("base64url");

  return async (asked, request) => {
    const text = subjectOf(asked);
    const form = atOnePlace(asked);
    const credentials = readCredentials(form, request);
    if (credentials.method === "none") {
      throw new OAuthError("invalid_client", "a signed verdict names its client, which has to authenticate");
    }
    const client = await redeeming.authenticated(credentials, request.from, async () => {
      const found = await look(text, form);
      return found && { clientId: credentials.clientId, platform: found.resource.platform };
    });
    const found = await look(text, form);
    if (found === undefined) throw wrong("subject_token is not good at this resource for every call");
    const { resource, said } = found;
    const { platform, resource: uri } = resource;
    if (!rate.take(`${client.id}\n${said.tokenId}`)) {
      throw new DomainError("rate_limited", "the client has too many verdicts of this token signed");
    }
    const scopes = scopesOf(form, resource, said.scopes);
    const issuedAt = Math.floor(clock.now() / 1000);
    const expiresAt = Math.min(issuedAt + VERDICT_LIFE / 1000, Math.floor(said.expiresAt / 1000));
    if (expiresAt <= issuedAt) throw wrong("subject_token ends within the second");
    const id = newId();
    const revocationId = said.revocationIds.at(-1);
    const scope = scopes && { scope: scopes.join(" ") };
    const jwt = await verdictKeys.signJwt(TYPE, {
      iss: options.publicUrl,
      sub: said.principal.id,
      aud: uri,
      client_id: client.id,
      exp: expiresAt,
      iat: issuedAt,
      jti: id,
      ...scope,
      revocation_id: revocationId,
      agents: said.agents,
    });
    const event = {
      action: "verdict.signed",
      actor: { kind: "holder", tokenId: said.tokenId },
      platform,
      details: {
        jti: id,
        token_id: said.tokenId,
        revocation_id: revocationId ?? null,
        client_id: client.id,
        resource: uri,
        expires_at: expiresAt * 1000,
      },
    } as const;
    await store.audit.append([auditEvent(randomness, await store.now(), event)]);
    return JSON.stringify({
      access_token: jwt,
      issued_token_type: JWT,
      token_type: "Bearer",
      expires_in: expiresAt - issuedAt,
      ...scope,
    });
  };
}
