import { actorOf, auditEvent } from "../audit.ts";
import type { HumanCaller } from "../caller.ts";
import { grantOf, requireStandingGrant } from "../grant.ts";
import type { RootKeys } from "../keys/root-keys.ts";
import type { Sealing } from "../keys/sealing.ts";
import { OAuthError } from "../oauth-error.ts";
import type { AuthorizationStep, ConsentView, OAuth, OAuthParameters } from "../oauth-service.ts";
import { DomainError } from "../parts/error.ts";
import { CODE_LIFE, CONSENT_LIFE } from "../parts/lifetimes.ts";
import { uuidv7 } from "../parts/uuid.ts";
import type { Consent, Granted } from "../ports/oauth.ts";
import { type Policy, type PolicyRule, ruleFor } from "../ports/policy.ts";
import type { Randomness } from "../ports/randomness.ts";
import type { Repositories, Store } from "../ports/store.ts";
import type { Client } from "./client.ts";
import type { ClientFinder } from "./clients.ts";
import type { OAuthResource, OAuthResources } from "./outside.ts";
import { answerAt, mayRedirect, redirectHost, redirectKind } from "./redirect-uri.ts";
import {
  type AskedParameters,
  addressOf,
  grantAskedBy,
  queryAfterLogin,
  sortParameters,
  stateOf,
} from "./request.ts";
import { isWithin } from "./scope.ts";
import type { OAuthSecrets } from "./secrets.ts";
import { isSealOf, rightsView, sealOf } from "./shape.ts";

/** Longest request that can come back after a login: it rests in a cookie meanwhile. */
const LONGEST_QUERY = 1_900;

/** A client with the place that its answer goes to. */
interface Addressed {
  readonly client: Client;
  readonly redirectUri: string;
  readonly state: string | undefined;
}

/** A request that a person may be asked about. */
interface Asked extends Addressed {
  readonly caller: HumanCaller;
  readonly challenge: string;
  readonly resource: OAuthResource;
  readonly scopes: readonly string[];
  readonly rule: PolicyRule;
  readonly prompts: ReadonlySet<string>;
}

const page = (code: "invalid_request" | "forbidden" | "rate_limited", why: string, member?: string) =>
  new DomainError(code, why, member);

/**
 * The authorization endpoint (RFC 6749 §4.1.1, RFC 7636, RFC 8707, RFC 9207).
 *
 * A request is read in this order: the client and the place of its answer, and an error there is told on a page and
 * never by a redirect; then the rest, told to the client; then the person, who signs in; then policy; then the consent.
 *
 * @param publicUrl the issuer, as every answer names it
 */
export function createAuthorization(options: {
  readonly store: Store;
  readonly randomness: Randomness;
  readonly sealing: Pick<Sealing, "keysFor">;
  readonly secrets: OAuthSecrets;
  readonly rootKeys: Pick<RootKeys, "signing" | "prepare">;
  readonly clients: ClientFinder;
  readonly resources: OAuthResources;
  readonly publicUrl: string;
  readonly ownIssuer: string;
}): Pick<OAuth, "authorize" | "decide"> {
  const { store, randomness, secrets, rootKeys, clients, resources } = options;
  const [consentKey] = options.sealing.keysFor("oauth consent");

  async function policyOf(platform: string): Promise<Policy> {
    const found = await store.platforms.find(platform);
    if (found === undefined) throw new OAuthError("invalid_target", "nobody registered this resource");
    return found.policy;
  }

  async function resourceOf(named: string | undefined): Promise<OAuthResource> {
    const found = named === undefined ? await resources.only() : await resources.find(named);
    if (found !== undefined) return found;
    const why = named === undefined ? "resource is missing" : "nobody registered this resource";
    throw new OAuthError("invalid_target", why);
  }

  /** A client that its own document tells of: the platform of the resource says whether it is let in. */
  async function documentClientOf(url: URL, asked: AskedParameters, asker: string): Promise<Client> {
    let policy: Policy;
    try {
      if (asked.doubled.has("resource"))
        throw new OAuthError("invalid_target", "resource must be exactly one");
      policy = await policyOf((await resourceOf(asked.one("resource"))).platform);
    } catch (error) {
      if (!(error instanceof OAuthError)) throw error;
      throw page("invalid_request", error.message, "resource");
    }
    const reading = await clients.byDocument(url, policy, asker);
    if (reading.ok) return reading.client;
    throw page(
      reading.busy ? "rate_limited" : "invalid_request",
      `the client is not known: ${reading.why}`,
      "client_id",
    );
  }

  /** @returns `login` if the client can be known only once the person is */
  async function addressed(
    asked: AskedParameters,
    caller: HumanCaller | undefined,
    from: string,
  ): Promise<Addressed | "login"> {
    const { clientId, redirectUri } = addressOf(asked);
    const url = clients.urlOf(clientId);
    // Nothing is fetched for a stranger: a person pays for it.
    if (url !== undefined && caller === undefined) return "login";
    const client =
      url === undefined || caller === undefined
        ? await clients.registered(clientId, from)
        : await documentClientOf(url, asked, `${caller.identity.issuer}\n${caller.identity.subject}`);
    if (client === undefined) throw page("invalid_request", "the client is not known here", "client_id");
    const [only, another] = client.redirectUris;
    const uri = redirectUri ?? (another === undefined ? only : undefined);
    if (uri === undefined) throw page("invalid_request", "redirect_uri is missing", "redirect_uri");
    if (!mayRedirect(client.redirectUris, uri)) {
      throw page("invalid_request", "redirect_uri is none of the client's", "redirect_uri");
    }
    return { client, redirectUri: uri, state: stateOf(asked) };
  }

  function answer(to: Addressed, said: Readonly<Record<string, string>>): AuthorizationStep {
    const state = to.state === undefined ? {} : { state: to.state };
    const url = answerAt(to.redirectUri, { ...said, ...state, iss: options.publicUrl });
    return { kind: "answer", url, clientName: to.client.name };
  }

  function login(asked: AskedParameters, anew: boolean): AuthorizationStep {
    const query = queryAfterLogin(asked);
    if (query.length > LONGEST_QUERY) {
      throw new OAuthError("invalid_request", `the request has over ${LONGEST_QUERY} characters`);
    }
    return { kind: "login", demands: anew ? { maxAge: 0 } : {}, query };
  }

  /** Reads all but the consent. @throws OAuthError */
  async function ask(
    to: Addressed,
    asked: AskedParameters,
    caller: HumanCaller | undefined,
  ): Promise<Asked | AuthorizationStep> {
    const { challenge, scopes, resource: named, prompts } = grantAskedBy(asked);
    const resource = await resourceOf(named);
    const registered = resource.scopes.map(({ scope }) => scope);
    if (!isWithin(scopes, registered)) {
      throw new OAuthError("invalid_scope", "scope has one that the resource does not have");
    }
    if (caller === undefined && prompts.has("none")) {
      throw new OAuthError("login_required", "nobody is signed in");
    }
    const anew = prompts.has("login") || prompts.has("select_account");
    if (caller === undefined || anew) return login(asked, anew);
    const { issuer, subject, groups } = caller.identity;
    const who = { issuer, kind: "person", subject, groups, assertedBy: "issuer" } as const;
    const rule = ruleFor(await policyOf(resource.platform), who, options.ownIssuer);
    if (rule === undefined) {
      throw new OAuthError("access_denied", "the resource's platform issues no tokens to this person");
    }
    // None asked for is all of them: a token without `scope` would not be limited to those that the person was shown.
    return {
      ...to,
      caller,
      challenge,
      resource,
      scopes: scopes.length === 0 ? registered : scopes,
      rule,
      prompts,
    };
  }

  function viewOf(asked: Asked): ConsentView {
    const { client, redirectUri, resource, scopes, rule, caller } = asked;
    const kind = redirectKind(redirectUri);
    const view = {
      ...rightsView(client, resource, scopes, rule),
      redirectHost: redirectHost(redirectUri),
      isUnprovable: kind !== "web",
      isRemembered: kind === "web",
    };
    return { ...view, seal: sealOf({ caller, client, place: redirectUri, view }, consentKey) };
  }

  function keyOf({ caller, client, redirectUri, resource }: Asked) {
    const { issuer, subject } = caller.identity;
    const redirect = redirectHost(redirectUri);
    return {
      issuer,
      subject,
      clientId: client.id,
      redirectHost: redirect,
      clientHash: client.hash,
      resource: resource.resource,
    };
  }

  /** A consent that still covers the request; undefined if the person has to be asked. */
  async function remembered(asked: Asked): Promise<Consent | undefined> {
    if (asked.prompts.has("consent") || redirectKind(asked.redirectUri) !== "web") return undefined;
    const consent = await store.oauth.findConsent(keyOf(asked), await store.now());
    if (consent === undefined || consent.platform !== asked.resource.platform) return undefined;
    // A token without a scope is good for all of them: nobody said yes to that who said yes to some.
    if (asked.scopes.length === 0 && consent.scopes.length > 0) return undefined;
    return isWithin(asked.scopes, consent.scopes) ? consent : undefined;
  }

  /** Whether a revocation has ended a remembered consent. The log is held from here on. */
  async function hasEnded({ revocations, oauth }: Repositories, consent: Consent): Promise<boolean> {
    const { issuer, subject, platform, spokeAt, keyId } = consent;
    if (await revocations.endsGrant({ issuer, subject, platform, spokeAt })) return true;
    return oauth.isMortallyHit({ platform, keyId, identity: { issuer, subject } }, []);
  }

  /**
   * Writes a code, and the consent if the person has just given one.
   *
   * @param consent the one that is relied on: a code dies with it
   * @returns undefined if that has ended, or the login has
   * @throws DomainError `unauthenticated` without one, if the login has ended
   */
  async function issueCode(asked: Asked, consent: Consent | undefined): Promise<string | undefined> {
    const { caller, client, redirectUri, resource, scopes } = asked;
    const { platform } = resource;
    await rootKeys.prepare(platform);
    const code = secrets.code();
    const kind = redirectKind(redirectUri);
    const isIssued = await store
      .transaction("issue code", async (repositories) => {
        // Held first: a deletion at the same time waits, and finds the code.
        if (client.documentHost === null && !(await repositories.oauth.holdClient(client.id))) {
          throw page("invalid_request", "the client is not known here", "client_id");
        }
        const now = await repositories.now();
        const keyId = consent?.keyId ?? rootKeys.signing(platform, now)?.id ?? null;
        const granted: Granted = {
          clientId: client.id,
          proven: client.authMethod !== "none" || kind === "web",
          platform,
          resource: resource.resource,
          scopes,
          identity: caller.identity,
          spokeAt: Math.min(caller.spokeAt, consent?.spokeAt ?? caller.spokeAt),
          keyId,
        };
        const { challenge } = asked;
        const row = {
          ...granted,
          hash: code.hash,
          redirectUri,
          challenge,
          createdAt: now,
          expiresAt: now + CODE_LIFE,
        };
        await repositories.oauth.insertCode(row);
        if (consent === undefined) await noteConsent(repositories, asked, now, keyId);
        // Held: who takes it back at the same time waits, and ends the code.
        else if (!(await repositories.oauth.holdConsent(consent.id))) throw new ConsentEnded();
        // Last: the revocation log is held from here on.
        // A person who is not asked cannot be told: they are asked then, and learn it as they answer.
        const refusal = consent === undefined ? undefined : () => new ConsentEnded();
        await requireStandingGrant(repositories, grantOf(caller, platform), refusal);
        if (consent !== undefined && (await hasEnded(repositories, consent))) throw new ConsentEnded();
        return true;
      })
      .catch((error: unknown) => {
        if (error instanceof ConsentEnded) return false;
        throw error;
      });
    return isIssued ? code.text : undefined;
  }

  async function noteConsent(
    repositories: Repositories,
    asked: Asked,
    now: number,
    keyId: string | null,
  ): Promise<void> {
    const { caller, client, redirectUri, resource, scopes } = asked;
    const id = uuidv7(now, randomness);
    const { platform } = resource;
    const isKept = redirectKind(redirectUri) === "web";
    if (isKept) {
      const { spokeAt } = caller;
      const consent = { ...keyOf(asked), id, clientName: client.name, platform, scopes, spokeAt, keyId };
      await repositories.oauth.keepConsent({ ...consent, createdAt: now, expiresAt: now + CONSENT_LIFE });
    }
    const details = {
      client_id: client.id,
      redirect_host: redirectHost(redirectUri),
      resource: resource.resource,
      scopes,
      ...(isKept ? { consent: id } : {}),
    };
    const event = { action: "consent.given", actor: actorOf(caller), platform, details } as const;
    await repositories.audit.append([auditEvent(randomness, now, event)]);
  }

  /**
   * Tells a client the error in its request, once the place of its answer is known.
   *
   * @param isTrusted whether a browser may be sent there without its person's word; else a page tells it
   */
  async function answered(
    to: Addressed,
    isTrusted: boolean,
    work: () => Promise<AuthorizationStep>,
  ): Promise<AuthorizationStep> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof OAuthError)) throw error;
      if (!isTrusted) throw page("invalid_request", error.message);
      return answer(to, { error: error.code, error_description: error.message });
    }
  }

  async function begin(caller: HumanCaller | undefined, parameters: OAuthParameters, from: string) {
    const asked = sortParameters(parameters);
    const to = await addressed(asked, caller, from);
    return { asked, to };
  }

  return {
    async authorize(caller, parameters, from) {
      const { asked, to } = await begin(caller, parameters, from);
      if (to === "login") return loginForPage(asked, () => login(asked, false));
      return answered(to, mayBeToldUnasked(to), async () => {
        const read = await ask(to, asked, caller);
        if ("kind" in read) return read;
        const consent = await remembered(read);
        const code = consent === undefined ? undefined : await issueCode(read, consent);
        if (code !== undefined) return answer(to, { code });
        if (read.prompts.has("none")) throw new OAuthError("consent_required", "the person has to be asked");
        return { kind: "consent", view: viewOf(read) };
      });
    },

    async decide(caller, parameters, { allowed, seal }, from) {
      const { asked, to } = await begin(caller, parameters, from);
      if (to === "login") throw new Error("a person who is signed in was sent to sign in");
      return answered(to, true, async () => {
        if (!allowed) throw new OAuthError("access_denied", "the person said no");
        const read = await ask(to, asked, caller);
        if ("kind" in read) return read;
        const view = viewOf(read);
        // The client's document, the policy or the person at the browser is another than the page showed.
        if (!isSealOf(view.seal, seal)) return { kind: "consent", view, changed: true };
        const code = await issueCode(read, undefined);
        return code === undefined ? { kind: "consent", view } : answer(to, { code });
      });
    },
  };
}

/**
 * Whether a browser may be sent to a client with an error before its person has said anything (RFC 9700 §4.11.2). Anybody can place a
 * document, and a link to this service must not lead to any web site that its author likes.
 */
function mayBeToldUnasked({ client, redirectUri }: Addressed): boolean {
  return client.documentHost === null || redirectKind(redirectUri) !== "web";
}

/** A remembered consent that nothing may rest on, since it or the login has ended: everything that was begun on it is undone. */
class ConsentEnded extends Error {}

/** Sends a person to sign in before the client is known: no client can be told of an error yet, so a page tells it. */
function loginForPage(asked: AskedParameters, login: () => AuthorizationStep): AuthorizationStep {
  if (asked.one("prompt")?.split(" ").includes("none")) {
    throw page(
      "invalid_request",
      "nobody is signed in, and the client is known only once somebody is",
      "prompt",
    );
  }
  try {
    return login();
  } catch (error) {
    throw error instanceof OAuthError ? page("invalid_request", error.message) : error;
  }
}
