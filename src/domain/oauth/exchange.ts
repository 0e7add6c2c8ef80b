import { agentText } from "../../caveats/caveat.ts";
import type { Condition } from "../../caveats/condition.ts";
import { printCaveat } from "../../caveats/print.ts";
import { attenuate, decodeBundle, encodeBundle, MacaroonError } from "../../macaroon/index.ts";
import { AGENT } from "../../words/ids.ts";
import type { Asserted } from "../access/assertions.ts";
import { auditEvent } from "../audit.ts";
import type { HumanCaller } from "../caller.ts";
import { roleOf } from "../credential-role.ts";
import { grantOf, requireStandingGrant } from "../grant.ts";
import { OAuthError } from "../oauth-error.ts";
import type { ClientRequest, TokenAnswer } from "../oauth-service.ts";
import { rfc3339 } from "../parts/instants.ts";
import { newShortId } from "../parts/short-id.ts";
import { readVoucher } from "../parts/voucher.ts";
import type { Clock } from "../ports/clock.ts";
import type { IdTokens } from "../ports/identity.ts";
import type { RevocationKnowledge } from "../replica/revocation-knowledge.ts";
import { isTakenBy } from "../verify/asking.ts";
import { refusalOfEnded } from "../verify/clear-token.ts";
import type { TokenVerifier, VerifiedToken } from "../verify/verify-token.ts";
import { type FormParameters, readOptionalCredentials } from "./client-auth.ts";
import { createDirectGrants, scopesFor, targetOf } from "./direct-grant.ts";
import type { OAuthResource } from "./outside.ts";
import { type createRedeeming, invalidGrant, type TokenOptions } from "./redeeming.ts";
import { isWithin, scopesAsked } from "./scope.ts";

/** RFC 8693 §2.1. */
export const TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange";

const TYPE = "urn:ietf:params:oauth:token-type:";
const ACCESS_TOKEN = `${TYPE}access_token`;
const ID_TOKEN = `${TYPE}id_token`;
const JWT = `${TYPE}jwt`;

/** Whole seconds that a caller wants the token to live at most. */
const SECONDS = /^[1-9][0-9]{0,8}$/;

const wrong = (why: string) => new OAuthError("invalid_request", why);

/** RFC 8693 §2.2.2 has one code for tokens that are invalid "for any reason" or unacceptable, if a revocation has ended them, too. */
const oneCode = (error: unknown) =>
  error instanceof OAuthError && error.code === "invalid_grant" ? wrong(error.message) : error;

/** What the exchange needs besides the token endpoint's parts. */
export interface ExchangeOptions extends TokenOptions {
  readonly clock: Clock;
  readonly idTokens: IdTokens;
  readonly tokenVerifier: Pick<TokenVerifier, "verifyAny">;
  readonly knowledge: Pick<RevocationKnowledge, "requireFresh">;
}

/** The scopes to which a token's own caveats limit it; undefined for none. Others of its tests on `scope` stay in it. */
function scopesOf(conditions: readonly Condition[]): readonly string[] | undefined {
  let left: readonly string[] | undefined;
  for (const condition of conditions) {
    if (condition.state !== "known") continue;
    const { caveat } = condition;
    if ((caveat.kind !== "equality" && caveat.kind !== "membership") || caveat.attribute !== "scope")
      continue;
    if (caveat.operator !== "=" && caveat.operator !== "in") continue;
    const allowed = caveat.kind === "equality" ? [caveat.value] : caveat.items;
    left = left === undefined ? allowed : left.filter((one) => allowed.includes(one));
  }
  return left;
}

/** Whether each `aud` of a token names a resource. */
function isMeantFor({ conditions }: VerifiedToken, uri: string): boolean {
  return conditions.every(
    (condition) =>
      condition.state !== "known" ||
      condition.caveat.kind !== "audience" ||
      condition.caveat.resources.includes(uri),
  );
}

/** Makes a name for the next holder out of what a trusted issuer calls it; each exchange makes a link of its own. */
function agentOf({ identity: { subject } }: Asserted, instance: string): string {
  const text = agentText({ kind: "agent", name: subject, instance });
  if (AGENT.test(text)) return `agent = ${text}`;
  throw wrong("the actor's name (sub) is no agent's: at most 128 letters, digits and . _ : / @ -");
}

/**
 * Makes the exchange of tokens (RFC 8693). An ID token of a person gives a root, as it would at `POST /v1/tokens`, bound to a
 * resource. A macaroon gives itself with caveats appended, as its holder could append them: the same token id and chain, and never
 * a longer life. So nobody has to be asked for it, and policy is not.
 */
export function createExchange(
  options: ExchangeOptions,
  redeeming: ReturnType<typeof createRedeeming>,
): (form: FormParameters, request: ClientRequest) => Promise<string> {
  const { store, randomness, resources, assertions, idTokens, tokenVerifier, knowledge, clock } = options;
  const redeem = createDirectGrants(options, redeeming);

  async function personOf(text: string): Promise<HumanCaller> {
    const verdict = await idTokens.verify(text);
    if (!verdict.ok) throw wrong(`subject_token is no good: ${verdict.reason}`);
    const { identity, issuedAt } = verdict;
    return { kind: "human", identity, administrator: false, spokeAt: identity.authenticatedAt ?? issuedAt };
  }

  async function rootFor(text: string, form: FormParameters, request: ClientRequest): Promise<TokenAnswer> {
    if (form.has("actor_token")) throw wrong("actor_token goes with a macaroon alone");
    const credentials = readOptionalCredentials(form, request);
    const client =
      credentials && (await redeeming.authenticated(credentials, request.from, async () => undefined));
    const caller = await personOf(text);
    const resource = await targetOf(resources, form, form.get("audience"));
    return redeem({
      grant: TOKEN_EXCHANGE,
      caller,
      resource,
      scopes: scopesFor(form, resource, undefined),
      client,
      proven: credentials !== undefined && credentials.method !== "none",
    });
  }

  /** @throws OAuthError for anything but a good token of a platform, alone */
  async function held(text: string): Promise<VerifiedToken> {
    const verification = await tokenVerifier.verifyAny(text);
    knowledge.requireFresh();
    if (!verification.ok || roleOf(verification.token.principal) !== undefined) {
      throw wrong("subject_token is no good token of this service");
    }
    const { token } = verification;
    const ended = refusalOfEnded(token, clock.now());
    if (ended !== undefined) throw invalidGrant(`subject_token is over: ${ended.code}`);
    if (token.macaroon.discharges.length > 0) {
      throw wrong("subject_token comes with discharges: exchange the macaroon alone");
    }
    return token;
  }

  /** The resource that a token is narrowed to; undefined if none is asked for. */
  async function narrowedTo(form: FormParameters, token: VerifiedToken): Promise<OAuthResource | undefined> {
    const named = form.get("resource") ?? form.get("audience");
    if (named === undefined) return undefined;
    const resource = await resources.find(named);
    const isOwn = resource?.platform === token.rootKey.platform;
    if (resource === undefined || !isOwn)
      throw new OAuthError("invalid_target", "nobody registered this resource");
    const asking = { uri: resource.resource, acceptUnbound: resource.acceptUnbound };
    if (isTakenBy(token, asking) && isMeantFor(token, resource.resource)) return resource;
    throw new OAuthError("invalid_target", "the token is not for this resource");
  }

  function scopeFor(form: FormParameters, token: VerifiedToken, resource: OAuthResource | undefined) {
    const asked = scopesAsked(form.get("scope"));
    const before = scopesOf(token.conditions);
    const registered = resource?.scopes.map(({ scope }) => scope);
    if (!isWithin(asked, before ?? asked) || !isWithin(asked, registered ?? asked)) {
      throw new OAuthError("invalid_scope", "scope is wider than the token's, or the resource's");
    }
    return { asked, after: asked.length === 0 ? before : asked };
  }

  async function actorOf(form: FormParameters): Promise<Asserted | undefined> {
    const text = form.get("actor_token");
    const type = form.get("actor_token_type");
    if ((text === undefined) !== (type === undefined)) {
      throw wrong("actor_token and actor_token_type go together");
    }
    if (text === undefined) return undefined;
    if (type !== JWT) throw wrong("actor_token_type must be that of a JWT");
    const verdict = await assertions.verify(text, undefined);
    if (!verdict.ok) throw wrong(`actor_token is no good: ${verdict.reason}`);
    if (verdict.asserted.kind !== "workload") throw wrong("actor_token is not a job's or service's");
    return verdict.asserted;
  }

  /** The end of the narrowed token, unix milliseconds: never later than the token's own. */
  function endOf(
    form: FormParameters,
    token: VerifiedToken,
    {
      resource,
      actor,
    }: { readonly resource: OAuthResource | undefined; readonly actor: Asserted | undefined },
  ): number {
    const wanted = form.get("expires_in");
    if (wanted !== undefined && !SECONDS.test(wanted)) throw wrong("expires_in must be whole seconds");
    const now = clock.now();
    const after = (seconds: number | null | undefined) =>
      seconds === null || seconds === undefined ? Number.POSITIVE_INFINITY : now + seconds * 1000;
    const bounds = [
      after(wanted === undefined ? undefined : Number(wanted)),
      after(resource?.maxTtl),
      actor?.expiresAt ?? Number.POSITIVE_INFINITY,
    ];
    const end = Math.min(token.endsAt, Math.floor(Math.min(...bounds) / 1000) * 1000);
    if (end <= now) throw invalidGrant("nothing is left of its life");
    return end;
  }

  /** Records the word of an issuer on who holds a token next, as long as that word stands. */
  async function note(token: VerifiedToken, actor: Asserted, agent: string): Promise<void> {
    const { platform } = token.rootKey;
    const { tokenId } = token.identifier;
    const { issuer, subject } = actor.identity;
    await store.transaction("exchange token", async (repositories) => {
      const event = {
        action: "token.exchanged",
        actor: { kind: "workload", issuer: readVoucher(issuer).issuer, subject },
        platform,
        details: { token_id: tokenId, revocation_id: token.macaroon.revocationId.text, agent },
      } as const;
      await repositories.audit.append([auditEvent(randomness, await repositories.now(), event)]);
      // Last: the revocation log is held from here on.
      const refusal = () => invalidGrant("the actor was revoked");
      await requireStandingGrant(repositories, grantOf(actor, platform), refusal);
    });
  }

  async function narrowed(text: string, form: FormParameters, request: ClientRequest): Promise<TokenAnswer> {
    const credentials = readOptionalCredentials(form, request);
    if (credentials !== undefined) {
      await redeeming.authenticated(credentials, request.from, async () => undefined);
    }
    const token = await held(text);
    const resource = await narrowedTo(form, token);
    const { asked, after } = scopeFor(form, token, resource);
    const actor = await actorOf(form);
    const end = endOf(form, token, { resource, actor });
    const agent = actor && agentOf(actor, newShortId(randomness));
    const limits = [
      ...(resource === undefined
        ? []
        : [
            printCaveat({ kind: "audience", operator: "=", resources: [resource.resource] }),
            ...resource.caveats,
          ]),
      ...(asked.length === 0
        ? []
        : [printCaveat({ kind: "membership", attribute: "scope", operator: "in", items: asked })]),
      ...(end < token.endsAt ? [`time < ${rfc3339(end)}`] : []),
    ];
    if (actor !== undefined && agent !== undefined) await note(token, actor, agent.slice("agent = ".length));
    return {
      access_token: appended(text, agent, limits),
      issued_token_type: ACCESS_TOKEN,
      token_type: "Bearer",
      expires_in: Math.floor((end - clock.now()) / 1000),
      ...(after === undefined || after.length === 0 ? {} : { scope: after.join(" ") }),
    };
  }

  /** The agent stands first, so that the limits are those of whoever it names. Those that the token has are not said again. */
  function appended(text: string, agent: string | undefined, limits: readonly string[]): string {
    const decoded = decodeBundle(text);
    if (!decoded.ok) throw wrong("subject_token cannot be read");
    const [macaroon] = decoded.macaroons;
    // A third party's caveat limits nothing, whatever its id reads.
    const own = macaroon.unverifiedCaveats.filter(({ verificationId }) => verificationId === undefined);
    const said = new Set(own.map(({ id }) => new TextDecoder().decode(id)));
    const caveats = [...(agent === undefined ? [] : [agent]), ...limits.filter((one) => !said.has(one))];
    try {
      return encodeBundle([attenuate(macaroon, caveats)]);
    } catch (error) {
      if (error instanceof MacaroonError) throw wrong("the token has no room for more caveats");
      throw error;
    }
  }

  async function exchanged(form: FormParameters, request: ClientRequest): Promise<string> {
    const text = form.get("subject_token");
    const type = form.get("subject_token_type");
    if (text === undefined) throw wrong("subject_token is missing");
    if (type === undefined) throw wrong("subject_token_type is missing");
    const wanted = form.get("requested_token_type") ?? ACCESS_TOKEN;
    if (wanted !== ACCESS_TOKEN) throw wrong("requested_token_type must be that of an access token");
    const [named, also] = [form.get("resource"), form.get("audience")];
    if (named !== undefined && also !== undefined && named !== also) {
      throw new OAuthError("invalid_target", "resource and audience name two");
    }
    switch (type) {
      case ID_TOKEN:
        return JSON.stringify({ ...(await rootFor(text, form, request)), issued_token_type: ACCESS_TOKEN });
      case ACCESS_TOKEN:
        return JSON.stringify(await narrowed(text, form, request));
      default:
        throw wrong("subject_token_type must be that of an ID token or an access token");
    }
  }

  return async (form, request) => {
    try {
      return await exchanged(form, request);
    } catch (error) {
      throw oneCode(error);
    }
  };
}
