import { readResourceUri } from "../../words/resource-uri.ts";
import { type Asserted, callerOf } from "../access/assertions.ts";
import { OAuthError } from "../oauth-error.ts";
import type { ClientRequest } from "../oauth-service.ts";
import type { Client } from "./client.ts";
import { type FormParameters, readOptionalCredentials } from "./client-auth.ts";
import { createDirectGrants, scopesFor, targetOf } from "./direct-grant.ts";
import type { OAuthResource } from "./outside.ts";
import { type createRedeeming, invalidGrant, type TokenOptions } from "./redeeming.ts";

/** RFC 7523 §2.1. */
export const JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/** Whether an assertion lets its holder have tokens for a resource. Its own spelling of the URI may be another. */
function isFor({ resources }: Asserted, { resource }: OAuthResource): boolean {
  return (
    resources === undefined ||
    resources.some((text) => {
      const uri = readResourceUri(text);
      return uri.ok && uri.uri === resource;
    })
  );
}

/**
 * Makes the redeeming of assertions (RFC 7523 §2.1): of a job or service, which needs no client; and of a person, by the
 * client that it was issued to (draft-ietf-oauth-identity-assertion-authz-grant).
 *
 * A registered client authenticates before the assertion is looked at. The document of one that has one is fetched only for an
 * assertion of a trusted issuer that names it.
 */
export function createAssertionGrant(
  options: TokenOptions,
  redeeming: ReturnType<typeof createRedeeming>,
): (form: FormParameters, request: ClientRequest) => Promise<string> {
  const { assertions, resources } = options;
  const redeem = createDirectGrants(options, redeeming);

  async function judged(text: string, clientId: string | undefined): Promise<Asserted> {
    const verdict = await assertions.verify(text, clientId);
    if (!verdict.ok) throw invalidGrant(`the assertion is no good: ${verdict.reason}`);
    return verdict.asserted;
  }

  async function resourceFor(form: FormParameters, asserted: Asserted): Promise<OAuthResource> {
    const [first, second] = asserted.resources ?? [];
    const resource = await targetOf(resources, form, second === undefined ? first : undefined);
    if (isFor(asserted, resource)) return resource;
    throw new OAuthError("invalid_target", "the assertion is not for this resource");
  }

  return async (form, request) => {
    const text = form.get("assertion");
    if (text === undefined) throw new OAuthError("invalid_request", "assertion is missing");
    const credentials = readOptionalCredentials(form, request);
    const proven = credentials !== undefined && credentials.method !== "none";
    const shown = () => judged(text, proven ? credentials.clientId : undefined);
    let client: Client | undefined;
    if (credentials !== undefined) {
      client = await redeeming.authenticated(credentials, request.from, async () => {
        const asserted = await shown();
        const { platform } = await resourceFor(form, asserted);
        return asserted.clientId === undefined ? undefined : { clientId: asserted.clientId, platform };
      });
    }
    const asserted = await shown();
    const resource = await resourceFor(form, asserted);
    const answer = await redeem({
      grant: JWT_BEARER,
      caller: callerOf(asserted),
      resource,
      scopes: scopesFor(form, resource, asserted.scopes),
      client,
      proven,
      once: asserted.once,
    });
    return JSON.stringify(answer);
  };
}
