import { createHash, randomBytes } from "node:crypto";

import * as oauth from "oauth4webapi";
import * as openid from "openid-client";
import { expect } from "vitest";

import { decodeBundle } from "../../src/macaroon/index.ts";
import type { Answer, TestService } from "../support/service.ts";
import type { Person, stubRelyingParty } from "../support/service-login.ts";

export const ISSUER = "http://127.0.0.1:8080";
export const RESOURCE = "https://mcp.example.com/mcp";
export const REDIRECT = "https://app.example/cb";
export const DAY = 86_400;

/** Documents of some hosts are let in, and sessions last a day. */
export const POLICY = {
  rules: [{ max_ttl: DAY, session: DAY, on_behalf_of: true }],
  clients: { metadata_documents: true, domains: ["cimd.example", "*.cimd.example", "nowhere.example"] },
};

type Headers = Readonly<Record<string, string>>;
type SignedIn = { readonly cookie: string; readonly origin: string };

/** A client, as it was registered. */
export interface Client {
  readonly client_id: string;
  readonly client_secret?: string;
}

/** The parameters of a request, or of a form. */
export type Parameters = Readonly<Record<string, string | readonly string[] | undefined>>;

/** A verifier and its challenge. */
export function pkce(): { readonly verifier: string; readonly challenge: string } {
  const verifier = randomBytes(32).toString("base64url");
  return { verifier, challenge: createHash("sha256").update(verifier).digest("base64url") };
}

function formOf(parameters: Parameters): URLSearchParams {
  const form = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    for (const one of [value ?? []].flat()) form.append(name, one);
  }
  return form;
}

/** The parameters of the address that an answer leads to. */
export function landed(answer: Answer): URL {
  const led = /http-equiv="refresh" content="0;url=([^"]*)"/.exec(answer.text)?.[1];
  const location = answer.headers.get("location") ?? led?.replaceAll("&amp;", "&");
  if (location === undefined) throw new Error(`led nowhere: ${answer.status} ${answer.text}`);
  return new URL(location, ISSUER);
}

/** The caveats of a token, as they are written. */
export function caveatsOf(token: string): readonly string[] {
  const decoded = decodeBundle(token);
  if (!decoded.ok) throw new Error("the token cannot be read");
  return decoded.macaroons[0].unverifiedCaveats.map(({ id }) => new TextDecoder().decode(id));
}

/** The service behind a fetch, for clients that were written elsewhere. */
function fetchOf(service: () => TestService) {
  return async (address: string, { method, headers, body }: oauth.CustomFetchOptions<string, unknown>) => {
    const url = new URL(address);
    const text = body === undefined || body === null ? null : String(body);
    const answer = await service().request(`${url.pathname}${url.search}`, { method, headers, body: text });
    const said = answer.text === "" ? null : answer.text;
    return new Response(said, { status: answer.status, headers: answer.headers });
  };
}

/** What oauth4webapi needs to drive the service in this process, and the metadata that it finds. */
export async function discovered(service: () => TestService, algorithm: "oauth2" | "oidc" = "oauth2") {
  const insecure = {
    [oauth.allowInsecureRequests]: true,
    [oauth.customFetch]: fetchOf(service),
  } as const;
  const issuer = new URL(ISSUER);
  const found = await oauth.discoveryRequest(issuer, { algorithm, ...insecure });
  return { insecure, as: await oauth.processDiscoveryResponse(issuer, found) };
}

/** openid-client as one client of the service in this process. */
export function configured(
  service: () => TestService,
  clientId: string,
  how: openid.ClientAuth,
): Promise<openid.Configuration> {
  return openid.discovery(new URL(ISSUER), clientId, undefined, how, {
    algorithm: "oauth2",
    execute: [openid.allowInsecureRequests],
    [openid.customFetch]: fetchOf(service),
  });
}

/**
 * The clients of a service, a person at a browser, and an administrator.
 *
 * @param isAnew whether people sign in each time they are asked
 */
export function player(
  service: () => TestService,
  people: ReturnType<typeof stubRelyingParty>,
  isAnew = false,
) {
  const admin = () => service().asAdmin();

  async function resource(uri = RESOURCE, platform = "default", more: object = {}): Promise<void> {
    const host = new URL(uri).hostname;
    const hosts = await service().send(
      "PATCH",
      `/v1/platforms/${platform}`,
      { resource_hosts: [host] },
      admin(),
    );
    expect(hosts.status, hosts.text).toBe(200);
    if (platform === "default") {
      const put = await service().send("PUT", "/v1/platforms/default/policy", POLICY, admin());
      expect(put.status, put.text).toBe(200);
    }
    const scopes = [
      { scope: "files:read", description: "Read your files" },
      { scope: "files:write", description: "Change your files" },
    ];
    const body = { resource: uri, name: "Files", scopes, caveats: [], accept_unbound: false, ...more };
    const made = await service().send("POST", `/v1/platforms/${platform}/resources`, body, admin());
    expect(made.status, made.text).toBe(201);
  }

  async function client(more: object = {}): Promise<Client> {
    const body = {
      client_name: "App",
      redirect_uris: [REDIRECT],
      token_endpoint_auth_method: "none",
      ...more,
    };
    const made = await service().send("POST", "/v1/clients", body, admin());
    expect(made.status, made.text).toBe(201);
    return made.json<Client>();
  }

  const browsers = new Map<Person | string, SignedIn>();

  /** A browser in which somebody is signed in. Logins of one network are limited, so that theirs is kept while it is good. */
  async function browser(who: Person | string = "alice"): Promise<SignedIn> {
    const kept = isAnew ? undefined : browsers.get(who);
    if (kept !== undefined && (await service().get("/v1/sessions", kept)).status === 200) return kept;
    const signedIn = await people.login(service().request, who);
    browsers.set(who, signedIn);
    return signedIn;
  }

  function query(client_id: string, challenge: string, more: Parameters = {}): string {
    return formOf({
      response_type: "code",
      client_id,
      redirect_uri: REDIRECT,
      code_challenge: challenge,
      code_challenge_method: "S256",
      resource: RESOURCE,
      scope: "files:read",
      state: "the state",
      ...more,
    }).toString();
  }

  const ask = (asked: string, headers: Headers = {}) => service().get(`/oauth/authorize?${asked}`, headers);

  async function answer(asked: string, headers: Headers, decision = "allow", seal?: string): Promise<Answer> {
    const page = seal === undefined ? await ask(asked, headers) : undefined;
    const shown = seal ?? /name="seal" value="([^"]*)"/.exec(page?.text ?? "")?.[1];
    if (shown === undefined)
      throw new Error(`no page asked: ${page?.status} ${page?.headers.get("location")}`);
    return service().request(`/oauth/authorize?${asked}`, {
      method: "POST",
      headers,
      body: new URLSearchParams({ decision, seal: shown }),
    });
  }

  /** A code that alice let a client have. */
  async function code(of: Client, more: Parameters = {}, who: Person | string = "alice") {
    const { verifier, challenge } = pkce();
    const session = await browser(who);
    const back = landed(
      await answer(query(of.client_id, challenge, { prompt: "consent", ...more }), session),
    );
    const text = back.searchParams.get("code");
    if (text === null) throw new Error(`no code: ${back}`);
    return { text, verifier, session, back };
  }

  const post = (path: string, form: Parameters, headers: Headers = {}) =>
    service().request(path, { method: "POST", headers, body: formOf(form) });

  const redeem = (
    of: Client,
    got: { readonly text: string; readonly verifier: string },
    more: Parameters = {},
  ) =>
    post("/oauth/token", {
      grant_type: "authorization_code",
      code: got.text,
      code_verifier: got.verifier,
      redirect_uri: REDIRECT,
      client_id: of.client_id,
      resource: RESOURCE,
      ...more,
    });

  const refresh = (of: Client, token: string, more: Parameters = {}) =>
    post("/oauth/token", {
      grant_type: "refresh_token",
      refresh_token: token,
      client_id: of.client_id,
      ...more,
    });

  /** The tokens of a whole flow. */
  async function tokens(of: Client, more: Parameters = {}, who: Person | string = "alice"): Promise<Tokens> {
    const got = await redeem(of, await code(of, more, who));
    expect(got.status, got.text).toBe(200);
    return got.json<Tokens>();
  }

  /** Whether verify knows a token as alive, whatever else it says of it. */
  async function isRevoked(token: string): Promise<boolean> {
    const body = { token, context: { scope: "files:read" } };
    const said = await service().send("POST", "/v1/verify", body, service().asPlatform());
    return said.json<{ readonly code?: string }>().code === "revoked";
  }

  return { resource, client, browser, query, ask, answer, code, post, redeem, refresh, tokens, isRevoked };
}

/** An answer of the token endpoint. */
export interface Tokens {
  readonly access_token: string;
  readonly refresh_token: string;
  readonly expires_in: number;
  readonly scope: string;
}
