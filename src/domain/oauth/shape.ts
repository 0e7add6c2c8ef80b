import { createHmac } from "node:crypto";

import { compileCaveat } from "../../caveats/condition.ts";
import { summarise } from "../../caveats/together/summary.ts";
import { constantTimeEqual } from "../../macaroon/index.ts";
import type { HumanCaller } from "../caller.ts";
import { boundCaveats } from "../issue/bound-caveats.ts";
import type { Secret } from "../keys/secret.ts";
import type { RightsView } from "../oauth-service.ts";
import { DEFAULT_TOKEN_LIFE, MAX_TOKEN_LIFE } from "../parts/lifetimes.ts";
import type { PolicyRule } from "../ports/policy.ts";
import type { Client } from "./client.ts";
import type { OAuthResource } from "./outside.ts";

/** The rights of a client, as far as its tokens say them. */
interface Shaped {
  readonly resource: OAuthResource;
  readonly scopes: readonly string[];
  /** The id of a client that is proven to be the one; undefined for any other, and for none. */
  readonly client: string | undefined;
}

/** The issued caveats of an access token behind `time <`. */
export function caveatsOf(shaped: Shaped, rule: PolicyRule): readonly string[] {
  return [...boundCaveats(shaped), ...rule.caveats];
}

/** Life of an access token, milliseconds. */
export function lifeOf(resource: OAuthResource, rule: PolicyRule): number {
  const longest = Math.min(rule.maxTtl, resource.maxTtl ?? Number.POSITIVE_INFINITY) * 1000;
  return Math.min(longest, DEFAULT_TOKEN_LIFE, MAX_TOKEN_LIFE);
}

/** The limits that resource and policy add, in the words of `summary`; undefined for nothing. */
function limitsOf(resource: OAuthResource, rule: PolicyRule): string | undefined {
  const added = [...resource.caveats, ...rule.caveats];
  return added.length === 0 ? undefined : summarise(added.map(compileCaveat));
}

/** The rights that a person is asked to give, in the words of its page. */
export function rightsView(
  client: Client,
  resource: OAuthResource,
  scopes: readonly string[],
  rule: PolicyRule,
): RightsView {
  return {
    clientName: client.name,
    clientHost: client.documentHost,
    platform: resource.platform,
    resource: resource.resource,
    resourceName: resource.name,
    scopes: resource.scopes.filter(({ scope }) => scopes.includes(scope)),
    limits: limitsOf(resource, rule),
    tokenLife: lifeOf(resource, rule) / 1000,
    session: rule.session,
  };
}

/**
 * The seal of a page that asks: of all that it shows, the person that it asks, and the place that the answer goes to.
 *
 * @param view what the page shows, in the order of its members
 */
export function sealOf(
  asked: {
    readonly caller: HumanCaller;
    readonly client: Client;
    readonly place: string;
    readonly view: object;
  },
  key: Secret,
): string {
  const { caller, client, place, view } = asked;
  const { issuer, subject } = caller.identity;
  const hash = Buffer.from(client.hash).toString("base64url");
  const all = JSON.stringify([issuer, subject, caller.spokeAt, client.id, hash, place, view]);
  return createHmac("sha256", key.reveal()).update(all).digest("base64url");
}

/** Whether a page showed the very things that are asked now, to the very person that answers. @param seal as the page had it */
export function isSealOf(now: string, seal: string): boolean {
  const bytes = (text: string) => new TextEncoder().encode(text);
  return constantTimeEqual(bytes(now), bytes(seal));
}
