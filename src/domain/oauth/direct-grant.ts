import type { Once } from "../access/assertions.ts";
import type { HumanCaller } from "../caller.ts";
import { GrantGone, type Redemption } from "../issue/issuing.ts";
import { OAuthError } from "../oauth-error.ts";
import type { TokenAnswer } from "../oauth-service.ts";
import { CODE_LIFE } from "../parts/lifetimes.ts";
import { uuidv7 } from "../parts/uuid.ts";
import type { StoredCode } from "../ports/oauth.ts";
import type { PolicyRule } from "../ports/policy.ts";
import type { Client } from "./client.ts";
import type { FormParameters } from "./client-auth.ts";
import type { OAuthResource, OAuthResources } from "./outside.ts";
import {
  answerOf,
  type createRedeeming,
  familyOfCode,
  invalidGrant,
  type TokenOptions,
} from "./redeeming.ts";
import { isWithin, scopesAsked } from "./scope.ts";
import { caveatsOf, lifeOf } from "./shape.ts";

/** A word of an issuer about a principal that is redeemed for a token at once, without a code between. */
export interface DirectGrant {
  /** The grant type, for the audit event. */
  readonly grant: string;
  /** The principal; its `until`, if it has one, ends the token. */
  readonly caller: HumanCaller;
  readonly resource: OAuthResource;
  readonly scopes: readonly string[];
  /** The client, if one came; and whether it authenticated. */
  readonly client: Client | undefined;
  readonly proven: boolean;
  /** Of a word that is good once, by which a client has to authenticate; undefined for one that may be shown again. */
  readonly once?: Once | undefined;
}

/**
 * The resource that a request is for: the one that it names, else `usual`, else the only one of the service.
 *
 * @throws OAuthError `invalid_target`
 */
export async function targetOf(
  resources: OAuthResources,
  form: FormParameters,
  usual: string | undefined,
): Promise<OAuthResource> {
  const named = form.get("resource") ?? usual;
  const found = named === undefined ? await resources.only() : await resources.find(named);
  if (found !== undefined) return found;
  const why = named === undefined ? "resource is missing" : "nobody registered this resource";
  throw new OAuthError("invalid_target", why);
}

/**
 * The scopes of a token: those that are asked for, or else all of the resource's, as far as the grant allows them.
 *
 * @param allowed by the grant; undefined for all
 * @throws OAuthError `invalid_scope` for one that the resource does not have, and where none is left
 */
export function scopesFor(
  form: FormParameters,
  resource: OAuthResource,
  allowed: readonly string[] | undefined,
): readonly string[] {
  const registered = resource.scopes.map(({ scope }) => scope);
  const asked = scopesAsked(form.get("scope"));
  if (!isWithin(asked, registered)) {
    throw new OAuthError("invalid_scope", "scope has one that the resource does not have");
  }
  const wanted = asked.length === 0 ? registered : asked;
  const left = allowed === undefined ? wanted : wanted.filter((one) => allowed.includes(one));
  // Without a scope the token would be good for all that the resource does.
  if (left.length === 0 && (registered.length > 0 || allowed !== undefined)) {
    throw new OAuthError("invalid_scope", "none of the scopes is allowed by what was presented");
  }
  return left;
}

/** Whole seconds of a life that ends by an instant, in milliseconds. @throws OAuthError if none is left */
function lifeBefore(until: number | undefined, usual: number, now: number): number {
  if (until === undefined) return usual;
  const left = Math.floor((until - now) / 1000) * 1000;
  if (left <= 0) throw invalidGrant("what was presented is over");
  return Math.min(usual, left);
}

const deleted = () => new OAuthError("invalid_client", "the client is not known here");
const usedBefore = () => invalidGrant("it was used before");

/**
 * Makes the redeeming of such grants. The order of durable effects: (1) for a client that authenticated, a code that nobody was
 * shown; (2) the token's record, the code's end with the family that remembers the token, the use of a word that is good once, and
 * the audit event, by one statement; (3) the answer. By the family the token ends with its client.
 *
 * A word that is good once names its code, so there is one for all who show it at once, and one of them is first. A redeeming that
 * fails before (2) has not used it.
 */
export function createDirectGrants(
  options: Pick<TokenOptions, "store" | "randomness" | "rootKeys">,
  { mint }: Pick<ReturnType<typeof createRedeeming>, "mint">,
): (grant: DirectGrant) => Promise<TokenAnswer> {
  const { store, randomness, rootKeys } = options;

  async function begin(grant: DirectGrant): Promise<StoredCode | undefined> {
    const { caller, resource, scopes, client, proven, once } = grant;
    const { platform } = resource;
    if (client === undefined || !proven) {
      if (once !== undefined) throw new Error("a word that is good once needs a client that authenticated");
      return undefined;
    }
    return store.transaction("begin direct grant", async (repositories) => {
      const { oauth, usedAssertions } = repositories;
      // Held: who deletes it at the same time waits, and finds the code.
      if (client.documentHost === null && !(await oauth.holdClient(client.id))) throw deleted();
      const createdAt = await repositories.now();
      const code: StoredCode = {
        clientId: client.id,
        proven,
        platform,
        resource: resource.resource,
        scopes,
        identity: caller.identity,
        spokeAt: caller.spokeAt,
        keyId: rootKeys.signing(platform, createdAt)?.id ?? null,
        // Of nothing: there is no text that it could be redeemed with but this request.
        hash: once?.hash ?? randomness.bytes(32),
        redirectUri: "",
        challenge: "",
        createdAt,
        expiresAt: createdAt + CODE_LIFE,
      };
      await oauth.insertCode(code);
      // Behind the insert, which waits for a redeeming of the same word: its use is seen here.
      if (once !== undefined && (await usedAssertions.has(once.hash))) throw usedBefore();
      return code;
    });
  }

  /** Why a grant that was begun is there no more. */
  async function whyGone({ client, once }: DirectGrant): Promise<OAuthError> {
    if (client?.documentHost === null && (await store.oauth.findClient(client.id)) === undefined)
      return deleted();
    if (once !== undefined && (await store.usedAssertions.has(once.hash))) return usedBefore();
    return invalidGrant("it ended meanwhile");
  }

  return async (grant) => {
    const { caller, resource, scopes, client, proven, once } = grant;
    const { platform } = resource;
    await rootKeys.prepare(platform);
    const code = await begin(grant);
    const bound = { resource, scopes, client: proven ? client?.id : undefined };
    const redemption: Redemption = {
      weight: 0,
      details: { grant: grant.grant, ...(client && { client_id: client.id }) },
      shape: (rule: PolicyRule, now) => ({
        caveats: caveatsOf(bound, rule),
        life: lifeBefore(caller.until, lifeOf(resource, rule), now),
      }),
      ...(code && {
        record: ({ token, links }) => {
          const id = uuidv7(token.issuedAt, randomness);
          const first = { id, tokenHash: null, endsAt: token.expiresAt, token, links };
          return { kind: "code", code, family: familyOfCode(code, first), usedUntil: once?.until };
        },
      }),
    };
    try {
      const { answer } = await mint({ caller, platform, label: client?.name, redemption });
      return answerOf(answer.token, answer.expiresAt - answer.issuedAt, scopes, undefined);
    } catch (error) {
      if (error instanceof GrantGone) throw await whyGone(grant);
      throw error;
    }
  };
}
