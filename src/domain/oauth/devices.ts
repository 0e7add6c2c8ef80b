import { actorOf, auditEvent } from "../audit.ts";
import type { HumanCaller } from "../caller.ts";
import { grantOf, requireStandingGrant } from "../grant.ts";
import type { RootKeys } from "../keys/root-keys.ts";
import type { Sealing } from "../keys/sealing.ts";
import { OAuthError } from "../oauth-error.ts";
import type { DeviceStep, Devices, DeviceView } from "../oauth-service.ts";
import { DomainError } from "../parts/error.ts";
import { DEVICE_LIFE } from "../parts/lifetimes.ts";
import { networkOf, networksAround } from "../parts/network.ts";
import { createRateLimit } from "../parts/rate-limit.ts";
import type { Clock } from "../ports/clock.ts";
import type { DeviceRequest } from "../ports/devices.ts";
import type { Family, Granted, StoredCode } from "../ports/oauth.ts";
import { type PolicyRule, ruleFor } from "../ports/policy.ts";
import type { Randomness } from "../ports/randomness.ts";
import type { Store } from "../ports/store.ts";
import type { Client } from "./client.ts";
import { type Credentials, type FormParameters, formOf, readCredentials } from "./client-auth.ts";
import type { ClientFinder } from "./clients.ts";
import { scopesFor, targetOf } from "./direct-grant.ts";
import type { OAuthResource, OAuthResources } from "./outside.ts";
import { type createRedeeming, invalidGrant, type TokenOptions } from "./redeeming.ts";
import { deviceHashOf, isCode, type OAuthSecrets } from "./secrets.ts";
import { isSealOf, rightsView, sealOf } from "./shape.ts";
import { newUserCode, readUserCode, shownUserCode, userCodeHash } from "./user-code.ts";

/** RFC 8628 §3.4. */
export const DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code";

/** Seconds between two questions of a device. */
const PAUSE = 5;

/** Requests that one network may begin, and all of the wider ones around it: they wait in the database. */
const BEGUN = { perSecond: 0.2, burst: 30, maxKeys: 50_000 };
const BEGUN_AROUND = { perSecond: 1, burst: 150, maxKeys: 50_000 };

/** Wrong codes of one person: with 34 bits, and these for each replica, nobody finds one in the time that it is good. */
const GUESSES = { perSecond: 1 / 60, burst: 5, maxKeys: 50_000 };

/** Codes that are tried until one is free. */
const TRIES = 3;

/** A request, with all that its page says. */
interface Found {
  readonly request: DeviceRequest;
  readonly client: Client;
  readonly resource: OAuthResource;
  readonly scopes: readonly string[];
  readonly rule: PolicyRule;
  readonly view: DeviceView;
}

/**
 * Makes the requests of devices (RFC 8628 §3.1 to §3.3).
 *
 * Registered clients alone begin one: a document would be fetched for a stranger, and nothing but a redirect shows whose it is.
 * The page does not take the code from its address: a link that somebody was sent must not be all that it takes.
 *
 * The order of durable effects of a yes, in one transaction: (1) the answer to the request, which one person gives; (2) the code
 * that the device's own code redeems, with the audit event; (3) the look into the revocation log, under its lock.
 */
export function createDevices(options: {
  readonly store: Store;
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly sealing: Pick<Sealing, "keysFor">;
  readonly secrets: OAuthSecrets;
  readonly rootKeys: Pick<RootKeys, "signing" | "prepare">;
  readonly clients: ClientFinder;
  readonly authenticate: (client: Client, credentials: Credentials) => Promise<void>;
  readonly resources: OAuthResources;
  readonly publicUrl: string;
  readonly ownIssuer: string;
}): Devices {
  const { store, clock, randomness, clients, resources, rootKeys, ownIssuer } = options;
  const [sealKey] = options.sealing.keysFor("device consent");
  const codeKeys = options.sealing.keysFor("device user codes");
  const begun = createRateLimit({ clock, ...BEGUN });
  const begunAround = createRateLimit({ clock, ...BEGUN_AROUND });
  const guesses = createRateLimit({ clock, ...GUESSES });

  async function clientOf(credentials: Credentials, from: string): Promise<Client> {
    if (clients.urlOf(credentials.clientId) !== undefined) {
      throw new OAuthError("unauthorized_client", "devices are served for registered clients alone");
    }
    const client = await clients.registered(credentials.clientId, from);
    if (client === undefined) throw new OAuthError("invalid_client", "the client is not known here");
    await options.authenticate(client, credentials);
    return client;
  }

  /** @throws DomainError `forbidden` for a person whom the platform issues nothing to */
  async function find(caller: HumanCaller, text: string, from: string): Promise<Found | undefined> {
    const { issuer, subject, groups } = caller.identity;
    const person = `${issuer}\n${subject}`;
    if (!guesses.take(person)) {
      throw new DomainError("rate_limited", "too many codes that are none: wait a minute", "user_code");
    }
    const code = readUserCode(text);
    if (code === undefined) return undefined;
    const hashes = codeKeys.map((key) => userCodeHash(code, key));
    const request = await store.devices.find(hashes, await store.now());
    if (request === undefined) return undefined;
    guesses.giveBack(person);
    const client = await clients.registered(request.clientId, from);
    const resource = await resources.find(request.resource);
    if (client === undefined || resource?.platform !== request.platform) return undefined;
    const scopes = request.scopes.filter((one) => resource.scopes.some(({ scope }) => scope === one));
    // Without a scope it would be good for those that the resource has got since.
    if (scopes.length === 0 && (request.scopes.length > 0 || resource.scopes.length > 0)) return undefined;
    const platform = await store.platforms.find(request.platform);
    const who = { issuer, kind: "person", subject, groups, assertedBy: "issuer" } as const;
    const rule = platform && ruleFor(platform.policy, who, ownIssuer);
    if (rule === undefined) {
      throw new DomainError("forbidden", "the resource's platform issues no tokens to this person");
    }
    const view = {
      ...rightsView(client, resource, scopes, rule),
      userCode: shownUserCode(code),
      isUnprovable: client.authMethod === "none",
    };
    const place = Buffer.from(request.hash).toString("base64url");
    const seal = sealOf({ caller, client, place, view }, sealKey);
    return { request, client, resource, scopes, rule, view: { ...view, seal } };
  }

  /** @returns false if somebody was first, or it is over */
  async function settle(caller: HumanCaller, found: Found, allowed: boolean): Promise<boolean> {
    const { request, client, resource, scopes } = found;
    const { hash, expiresAt } = request;
    const { platform } = resource;
    await rootKeys.prepare(platform);
    return store.transaction("answer device", async (repositories) => {
      // Held first: a deletion at the same time waits, and finds the code.
      if (!(await repositories.oauth.holdClient(client.id))) return false;
      const now = await repositories.now();
      const state = allowed ? "approved" : "denied";
      if (!(await repositories.devices.answer(hash, state, now))) return false;
      const details = { client_id: client.id, resource: resource.resource, scopes, device: true };
      const action = allowed ? "consent.given" : "consent.refused";
      const event = { action, actor: actorOf(caller), platform, details } as const;
      await repositories.audit.append([auditEvent(randomness, now, event)]);
      if (!allowed) return true;
      const granted: Granted = {
        clientId: client.id,
        proven: client.authMethod !== "none",
        platform,
        resource: resource.resource,
        scopes,
        identity: caller.identity,
        spokeAt: caller.spokeAt,
        keyId: rootKeys.signing(platform, now)?.id ?? null,
      };
      const code = { ...granted, hash, redirectUri: "", challenge: "", createdAt: now, expiresAt };
      await repositories.oauth.insertCode(code);
      // Last: the revocation log is held from here on.
      await requireStandingGrant(repositories, grantOf(caller, platform));
      return true;
    });
  }

  return {
    async begin(request) {
      const form = formOf(request);
      const client = await clientOf(readCredentials(form, request), request.from);
      // Its own first: a network that has used that up takes nothing of those around it.
      const isRoom =
        begun.take(networkOf(request.from)) &&
        networksAround(request.from).every((network) => begunAround.take(network));
      if (!isRoom) {
        throw new DomainError("rate_limited", "too many requests of devices: repeat later");
      }
      const resource = await targetOf(resources, form, undefined);
      const scopes = scopesFor(form, resource, undefined);
      const device = options.secrets.device();
      const createdAt = await store.now();
      for (let tries = 0; tries < TRIES; tries++) {
        const userCode = newUserCode(randomness);
        const isNew = await store.devices.insert({
          hash: device.hash,
          userHash: userCodeHash(userCode, codeKeys[0]),
          clientId: client.id,
          platform: resource.platform,
          resource: resource.resource,
          scopes,
          state: "pending",
          pause: PAUSE,
          createdAt,
          expiresAt: createdAt + DEVICE_LIFE,
        });
        if (!isNew) continue;
        return {
          device_code: device.text,
          user_code: shownUserCode(userCode),
          verification_uri: `${options.publicUrl}/device`,
          expires_in: DEVICE_LIFE / 1000,
          interval: PAUSE,
        };
      }
      throw new DomainError("unavailable", "no code was free: repeat it");
    },

    async look(caller, userCode, from): Promise<DeviceStep> {
      const found = await find(caller, userCode, from);
      return found === undefined ? { kind: "unknown" } : { kind: "consent", view: found.view };
    },

    async decide(caller, userCode, { allowed, seal }, from): Promise<DeviceStep> {
      const found = await find(caller, userCode, from);
      if (found === undefined) return { kind: "unknown" };
      // The policy, the resource or the person at the browser is another than the page showed.
      if (!isSealOf(found.view.seal, seal)) return { kind: "consent", view: found.view, changed: true };
      return (await settle(caller, found, allowed)) ? { kind: "answered", allowed } : { kind: "unknown" };
    },
  };
}

/**
 * Makes the grant by which a device asks for its answer (RFC 8628 §3.4). What a person allowed is kept as a code, and redeemed as
 * one: once, and a second use revokes what the first gave.
 */
export function createDeviceGrant(
  options: TokenOptions,
  { lookUp, authenticated }: Pick<ReturnType<typeof createRedeeming>, "lookUp" | "authenticated">,
  codes: {
    redeemStored(found: StoredCode, client: Client, form: FormParameters, grant: string): Promise<string>;
    usedTwice(family: Family): Promise<never>;
  },
): (form: FormParameters, credentials: Credentials, from: string) => Promise<string> {
  const { store } = options;
  const unknown = () => invalidGrant("the device code is not good, or no longer");

  return async (form, credentials, from) => {
    const text = form.get("device_code");
    if (text === undefined) throw new OAuthError("invalid_request", "device_code is missing");
    // A client that its own document tells of begins no such flow, and none is fetched for it.
    const client = await authenticated(credentials, from, async () => undefined);
    if (!isCode(text)) throw unknown();
    const hash = deviceHashOf(text);
    const now = await store.now();
    const polled = await lookUp(text, from, () => store.devices.poll(hash, client.id, now));
    if (polled === undefined) throw unknown();
    if (polled.state === "denied") throw new OAuthError("access_denied", "the person said no");
    if (now >= polled.expiresAt) throw new OAuthError("expired_token", "the device code has expired");
    if (polled.state === "pending") {
      throw polled.isEarly
        ? new OAuthError("slow_down", "the device asks too often: wait five seconds longer from now on")
        : new OAuthError("authorization_pending", "the person has not answered yet");
    }
    const found = (await store.oauth.findCode(hash)) ?? (await store.oauth.findFamilyOfCode(hash));
    if (found?.clientId !== client.id) throw unknown();
    return "codeHash" in found
      ? codes.usedTwice(found)
      : codes.redeemStored(found, client, form, DEVICE_CODE);
  };
}
