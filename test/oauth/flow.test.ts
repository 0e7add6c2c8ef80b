/** The authorization server on both databases: stock clients drive it, then everything that must not pass. */
import { generateKeyPairSync } from "node:crypto";
import { exportJWK, type JWK, SignJWT } from "jose";
import * as oauth from "oauth4webapi";
import * as openid from "openid-client";
import { beforeAll, describe, expect, test } from "vitest";

import { decodeBundle } from "../../src/macaroon/index.ts";
import { describeService } from "../support/service.ts";
import { stubRelyingParty } from "../support/service-login.ts";
import {
  type Client,
  caveatsOf,
  configured,
  DAY,
  discovered,
  ISSUER,
  landed,
  type Parameters,
  POLICY,
  pkce,
  player,
  REDIRECT,
  RESOURCE,
} from "./flow.ts";

const people = stubRelyingParty();
const LOOPBACK = "http://127.0.0.1/cb";
const DOCUMENT = "https://cimd.example/client.json";

/** Documents by their addresses, as the guarded fetch would bring them. */
const documents = new Map<string, object>();
const fetched: string[] = [];

describeService(
  "the authorization server",
  (service) => {
    const play = player(service, people);
    const { client, code, redeem, refresh, tokens, query, ask, answer, browser, post, isRevoked } = play;
    let app: Client;

    beforeAll(async () => {
      await play.resource();
      app = await client();
    });

    describe("stock clients", () => {
      test.each(["oauth2", "oidc"] as const)("oauth4webapi discovers by %s", async (algorithm) => {
        const { as: server } = await discovered(service, algorithm);
        expect(server.issuer).toBe(ISSUER);
        expect(server.code_challenge_methods_supported).toEqual(["S256"]);
      });

      const { privateKey, publicKey } = generateKeyPairSync("ed25519");

      test.each(["none", "client_secret_basic", "client_secret_post", "private_key_jwt"] as const)(
        "oauth4webapi goes through code, refresh and revocation with %s",
        async (method) => {
          const jwk: JWK = { ...(await exportJWK(publicKey)), kid: "k" };
          const jwt = method === "private_key_jwt";
          const made = await client({
            token_endpoint_auth_method: method,
            ...(jwt ? { jwks: { keys: [jwk] } } : {}),
          });
          const { insecure, as } = await discovered(service);
          const key = await crypto.subtle.importKey(
            "pkcs8",
            privateKey.export({ type: "pkcs8", format: "der" }),
            "Ed25519",
            false,
            ["sign"],
          );
          const proof = {
            none: () => oauth.None(),
            client_secret_basic: () => oauth.ClientSecretBasic(made.client_secret ?? ""),
            client_secret_post: () => oauth.ClientSecretPost(made.client_secret ?? ""),
            private_key_jwt: () => oauth.PrivateKeyJwt({ key, kid: "k" }),
          }[method];
          const one: oauth.Client = { client_id: made.client_id };

          const verifier = oauth.generateRandomCodeVerifier();
          const state = oauth.generateRandomState();
          const challenge = await oauth.calculatePKCECodeChallenge(verifier);
          const session = await browser();
          const back = landed(await answer(query(made.client_id, challenge, { state }), session));
          const parameters = oauth.validateAuthResponse(as, one, back, state);
          const redeemed = await oauth.authorizationCodeGrantRequest(
            as,
            one,
            proof(),
            parameters,
            REDIRECT,
            verifier,
            {
              additionalParameters: { resource: RESOURCE },
              ...insecure,
            },
          );
          const first = await oauth.processAuthorizationCodeResponse(as, one, redeemed);
          expect(first).toMatchObject({ token_type: "bearer", scope: "files:read", expires_in: 3600 });
          const again = await oauth.refreshTokenGrantRequest(
            as,
            one,
            proof(),
            first.refresh_token ?? "",
            insecure,
          );
          const second = await oauth.processRefreshTokenResponse(as, one, again);
          expect(second.refresh_token).not.toBe(first.refresh_token);
          expect(second.access_token).not.toBe(first.access_token);
          const revoked = await oauth.revocationRequest(
            as,
            one,
            proof(),
            second.refresh_token ?? "",
            insecure,
          );
          await oauth.processRevocationResponse(revoked);
          const dead = await oauth.refreshTokenGrantRequest(
            as,
            one,
            proof(),
            second.refresh_token ?? "",
            insecure,
          );
          await expect(oauth.processRefreshTokenResponse(as, one, dead)).rejects.toMatchObject({
            error: "invalid_grant",
          });
          expect(await isRevoked(second.access_token)).toBe(true);
        },
      );

      test("openid-client goes through code, refresh and revocation", async () => {
        const made = await client({ token_endpoint_auth_method: "client_secret_post" });
        const config = await configured(service, made.client_id, openid.ClientSecretPost(made.client_secret));
        const pkceCodeVerifier = openid.randomPKCECodeVerifier();
        const state = openid.randomState();
        const url = openid.buildAuthorizationUrl(config, {
          redirect_uri: REDIRECT,
          code_challenge: await openid.calculatePKCECodeChallenge(pkceCodeVerifier),
          code_challenge_method: "S256",
          resource: RESOURCE,
          scope: "files:read",
          state,
        });
        const back = landed(await answer(url.search.slice(1), await browser()));
        const checks = { pkceCodeVerifier, expectedState: state };
        const first = await openid.authorizationCodeGrant(config, back, checks, { resource: RESOURCE });
        const second = await openid.refreshTokenGrant(config, first.refresh_token ?? "", {
          resource: RESOURCE,
        });
        expect(second.scope).toBe("files:read");
        await openid.tokenRevocation(config, second.refresh_token ?? "");
        expect(await isRevoked(second.access_token)).toBe(true);
        await expect(openid.refreshTokenGrant(config, second.refresh_token ?? "")).rejects.toMatchObject({
          error: "invalid_grant",
        });
      });

      test("the metadata has what their schemas demand, and is the same at both places", async () => {
        const both = await Promise.all(
          ["oauth-authorization-server", "openid-configuration"].map((name) =>
            service().get(`/.well-known/${name}`),
          ),
        );
        expect(both[0]?.text).toBe(both[1]?.text);
        const said = both[0]?.json() ?? {};
        // Of the MCP SDK's schemas for both documents, those that may not be left out.
        const demanded = [
          "issuer",
          "authorization_endpoint",
          "token_endpoint",
          "jwks_uri",
          "response_types_supported",
        ];
        const openid = ["subject_types_supported", "id_token_signing_alg_values_supported"];
        expect(Object.keys(said)).toEqual(expect.arrayContaining([...demanded, ...openid]));
        for (const [name, value] of Object.entries(said)) {
          if (name.endsWith("_endpoint")) {
            const { pathname } = new URL(String(value));
            const there = await service().request(pathname, { method: "OPTIONS" });
            expect(there.status, name).toBe(204);
          }
        }
      });
    });

    test("what comes out is a macaroon for this resource, these scopes and this client", async () => {
      const got = await tokens(app, { scope: "files:read files:write" });
      expect(got).toMatchObject({ token_type: "Bearer", expires_in: 3600, scope: "files:read files:write" });
      expect(caveatsOf(got.access_token).slice(1)).toEqual([
        `aud = ${RESOURCE}`,
        "scope in files:read, files:write",
        `client = ${app.client_id}`,
      ]);
    });

    test("it is good at its resource, within its scopes, and nowhere else", async () => {
      const { access_token: token } = await tokens(app);
      const verify = async (resource: string | undefined, scope: string) => {
        const body = { token, context: { scope }, ...(resource === undefined ? {} : { resource }) };
        const said = await service().send("POST", "/v1/verify", body, service().asPlatform());
        return said.json<{ readonly allowed?: boolean }>().allowed;
      };
      expect(await verify(RESOURCE, "files:read")).toBe(true);
      expect(await verify(RESOURCE, "files:write")).toBe(false);
      expect(await verify(undefined, "files:read")).toBe(false);
    });

    test("a client on loopback is not named in its token, and any port is its own", async () => {
      const native = await client({ redirect_uris: [LOOPBACK] });
      const at = "http://127.0.0.1:49152/cb";
      const got = await redeem(native, await code(native, { redirect_uri: at }), { redirect_uri: at });
      expect(got.status, got.text).toBe(200);
      const { access_token } = got.json<{ access_token: string }>();
      expect(caveatsOf(access_token).filter((text) => text.startsWith("client"))).toEqual([]);
    });

    test("no scope asked for is all of the resource's, and each is a limit", async () => {
      expect((await tokens(app, { scope: undefined })).scope).toBe("files:read files:write");
    });

    describe("a request that is told of on a page, and never by a redirect", () => {
      test.each<{ readonly why: string; readonly more: Parameters }>([
        { why: "no client", more: { client_id: undefined } },
        { why: "an empty client", more: { client_id: "" } },
        { why: "two clients", more: { client_id: ["a", "b"] } },
        { why: "an unknown client", more: { client_id: "019a8b3c-5d7e-7f10-8a2b-3c4d5e6f7081" } },
        { why: "a client that is no id", more: { client_id: "x'--" } },
        { why: "two redirects", more: { redirect_uri: [REDIRECT, REDIRECT] } },
        { why: "another redirect", more: { redirect_uri: "https://evil.example/cb" } },
        { why: "a redirect in capitals", more: { redirect_uri: "https://APP.example/cb" } },
        { why: "a redirect with a port", more: { redirect_uri: "https://app.example:444/cb" } },
        { why: "a longer redirect", more: { redirect_uri: `${REDIRECT}/` } },
        { why: "a redirect with a query", more: { redirect_uri: `${REDIRECT}?a=b` } },
        { why: "a redirect with a fragment", more: { redirect_uri: `${REDIRECT}#a` } },
        { why: "a redirect that is written otherwise", more: { redirect_uri: "https://app.example/%63b" } },
        { why: "a redirect with a user", more: { redirect_uri: "https://u@app.example/cb" } },
        { why: "a redirect over http", more: { redirect_uri: "http://app.example/cb" } },
      ])("$why", async ({ more }) => {
        const session = await browser();
        for (const headers of [{}, session]) {
          const page = await ask(query(app.client_id, pkce().challenge, more), headers);
          expect(page.status).toBe(400);
          expect(page.headers.get("location")).toBeNull();
          expect(page.text).not.toContain("evil.example");
        }
      });
    });

    describe("a request that the client is told of", () => {
      test.each<{ readonly error: string; readonly more: Parameters; readonly state?: null }>([
        { error: "invalid_request", more: { response_type: undefined } },
        { error: "unsupported_response_type", more: { response_type: "token" } },
        { error: "unsupported_response_type", more: { response_type: "code id_token" } },
        { error: "invalid_request", more: { response_type: ["code", "code"] } },
        { error: "invalid_request", more: { response_mode: "fragment" } },
        { error: "invalid_request", more: { code_challenge: undefined } },
        { error: "invalid_request", more: { code_challenge: "short" } },
        { error: "invalid_request", more: { code_challenge_method: undefined } },
        { error: "invalid_request", more: { code_challenge_method: "plain" } },
        { error: "invalid_request", more: { state: ["a", "b"] }, state: null },
        { error: "invalid_request", more: { state: "a\nb" }, state: null },
        { error: "invalid_scope", more: { scope: "files:delete" } },
        { error: "invalid_scope", more: { scope: "files:read  files:write" } },
        { error: "invalid_scope", more: { scope: "files:rea" } },
        { error: "invalid_scope", more: { scope: "FILES:READ" } },
        { error: "invalid_request", more: { scope: ["files:read", "files:read"] } },
        { error: "invalid_target", more: { resource: [RESOURCE, RESOURCE] } },
        { error: "invalid_target", more: { resource: `${RESOURCE}/sub` } },
        { error: "invalid_target", more: { resource: RESOURCE.slice(0, -1) } },
        { error: "invalid_target", more: { resource: "https://other.example.com/mcp" } },
        { error: "invalid_target", more: { resource: `${RESOURCE}#x` } },
        { error: "invalid_target", more: { resource: "mcp" } },
        { error: "request_not_supported", more: { request: "x" } },
        { error: "request_uri_not_supported", more: { request_uri: "https://evil.example/r" } },
        { error: "invalid_request", more: { prompt: "always" } },
        { error: "invalid_request", more: { prompt: "none login" } },
        { error: "login_required", more: { prompt: "none" } },
      ])("$error: $more", async ({ error, more, state = "the state" }) => {
        const back = landed(await ask(query(app.client_id, pkce().challenge, more)));
        expect(`${back.origin}${back.pathname}`).toBe(REDIRECT);
        expect(back.searchParams.get("error")).toBe(error);
        expect(back.searchParams.get("iss")).toBe(ISSUER);
        expect(back.searchParams.get("state")).toBe(state);
        expect(back.searchParams.get("code")).toBeNull();
      });

      test("a no of the person", async () => {
        const session = await browser("nick");
        const back = landed(await answer(query(app.client_id, pkce().challenge), session, "deny"));
        expect(back.searchParams.get("error")).toBe("access_denied");
        expect(back.searchParams.get("iss")).toBe(ISSUER);
      });

      test("prompt=none where the person has to be asked", async () => {
        const session = await browser("nora");
        const back = landed(await ask(query(app.client_id, pkce().challenge, { prompt: "none" }), session));
        expect(back.searchParams.get("error")).toBe("consent_required");
      });

      test("a person whom the platform does not admit", async () => {
        await service().createPlatform("closed", { rules: [] });
        await play.resource("https://closed.example.com/mcp", "closed");
        const session = await browser();
        const asked = query(app.client_id, pkce().challenge, { resource: "https://closed.example.com/mcp" });
        expect(landed(await ask(asked, session)).searchParams.get("error")).toBe("access_denied");
      });
    });

    describe("the person", () => {
      test("signs in and comes back to the very request", async () => {
        const asked = query(app.client_id, pkce().challenge, { prompt: "consent", unknown: "x" });
        const login = landed(await ask(asked));
        expect(login.pathname).toBe("/login");
        const back = new URL(login.searchParams.get("return_to") ?? "", ISSUER);
        expect(back.pathname).toBe("/oauth/authorize");
        expect(back.searchParams.get("state")).toBe("the state");
        expect(back.searchParams.get("prompt")).toBe("consent");
        expect(back.searchParams.has("unknown")).toBe(false);
        expect((await service().get(`${login.pathname}${login.search}`)).status).toBe(303);
      });

      test("signs in anew for prompt=login, once", async () => {
        const session = await browser();
        const login = landed(await ask(query(app.client_id, pkce().challenge, { prompt: "login" }), session));
        expect(login.searchParams.get("max_age")).toBe("0");
        const back = new URL(login.searchParams.get("return_to") ?? "", ISSUER);
        expect(back.searchParams.has("prompt")).toBe(false);
      });

      test("sees the host, the resource, each scope and what the policy adds", async () => {
        await service().createPlatform("shop", {
          rules: [{ max_ttl: 600, caveats: ["amount <= 40"] }],
        } as never);
        await play.resource("https://shop.example.com/mcp", "shop", { caveats: ["region = eu"] });
        const session = await browser("sam");
        const asked = query(app.client_id, pkce().challenge, { resource: "https://shop.example.com/mcp" });
        const { text, headers } = await ask(asked, session);
        for (const shown of [
          "app.example",
          "https://shop.example.com/mcp",
          "Read your files",
          "10 minutes",
          "40",
          "eu",
        ]) {
          expect(text).toContain(shown);
        }
        expect(text).not.toContain("Change your files");
        expect(headers.get("content-security-policy")).toContain("frame-ancestors 'none'");
      });

      test("is warned of a client that nobody can prove, and asked each time", async () => {
        const native = await client({ redirect_uris: [LOOPBACK] });
        const session = await browser("lena");
        const asked = query(native.client_id, pkce().challenge, { redirect_uri: LOOPBACK });
        expect((await ask(asked, session)).text).toContain("nobody can tell");
        await answer(asked, session);
        expect((await ask(asked, session)).status).toBe(200);
      });

      test("answers what was shown to them, and nothing else", async () => {
        const session = await browser("eve");
        const asked = query(app.client_id, pkce().challenge);
        const other = await browser("mallory");
        const seal = /name="seal" value="([^"]*)"/.exec((await ask(asked, other)).text)?.[1];
        for (const wrong of ["", "x", seal]) {
          const again = await answer(asked, session, "allow", wrong);
          expect(again.text).toContain("has changed");
        }
        const wider = query(app.client_id, pkce().challenge, { scope: "files:read files:write" });
        const own = /name="seal" value="([^"]*)"/.exec((await ask(asked, session)).text)?.[1];
        expect((await answer(wider, session, "allow", own)).text).toContain("has changed");
      });

      test("answers from this service's own page alone", async () => {
        const { cookie } = await browser("eve");
        const asked = query(app.client_id, pkce().challenge);
        for (const origin of [undefined, "https://evil.example", "null"]) {
          const headers = { cookie, ...(origin === undefined ? {} : { origin }) };
          expect((await answer(asked, headers, "allow", "x")).status).toBe(403);
        }
        expect((await answer(asked, { origin: ISSUER }, "allow", "x")).status).toBe(401);
      });
    });

    describe("a consent", () => {
      const consents = async (headers: Readonly<Record<string, string>>) =>
        (await service().get("/v1/consents", headers)).json<{ items: { id: string; subject: string }[] }>()
          .items;

      test("is remembered for as much as was allowed, and forgotten with its sessions", async () => {
        const session = await browser("rita");
        const both = { scope: "files:read files:write" };
        await answer(query(app.client_id, pkce().challenge, { scope: "files:read" }), session);
        expect((await ask(query(app.client_id, pkce().challenge, both), session)).status).toBe(200);
        await answer(query(app.client_id, pkce().challenge, both), session);
        const { verifier, challenge } = pkce();
        const back = landed(await ask(query(app.client_id, challenge), session));
        const got = await redeem(app, { text: back.searchParams.get("code") ?? "", verifier });
        expect(got.status, got.text).toBe(200);
        expect((await ask(query(app.client_id, challenge, { prompt: "consent" }), session)).status).toBe(200);

        const [mine, more] = await consents(service().asHuman("rita"));
        expect(more).toBeUndefined();
        expect((await consents(service().asHuman("mallory"))).map(({ id }) => id)).not.toContain(mine?.id);
        expect((await consents(service().asAdmin())).map(({ id }) => id)).toContain(mine?.id);
        const path = `/v1/consents/${mine?.id}`;
        const remove = (headers: Readonly<Record<string, string>>) =>
          service().request(path, { method: "DELETE", headers });
        expect((await remove(service().asHuman("mallory"))).status).toBe(404);
        expect((await remove(service().asHuman("rita"))).status).toBe(204);
        expect((await ask(query(app.client_id, challenge), session)).status).toBe(200);
        const { refresh_token } = got.json<{ refresh_token: string }>();
        expect((await refresh(app, refresh_token)).json()).toMatchObject({ error: "invalid_grant" });
      });

      test("ends with a revocation of its person", async () => {
        const session = await browser({ subject: "petra", authenticatedAt: Date.now() - 60_000 });
        await answer(query(app.client_id, pkce().challenge), session);
        expect((await ask(query(app.client_id, pkce().challenge), session)).status).toBe(303);
        await service().revoke([{ principal: { subject: "petra" } }], service().asAdmin());
        const later = await browser({ subject: "petra", authenticatedAt: Date.now() + 60_000 });
        expect((await ask(query(app.client_id, pkce().challenge), later)).status).toBe(200);
      });
    });

    describe("a client with a document of its own", () => {
      const document = { client_id: DOCUMENT, client_name: "Cimd", redirect_uris: [REDIRECT] };

      test("goes through the flow, and is named by the host of its document", async () => {
        documents.set(DOCUMENT, document);
        const one = { client_id: DOCUMENT };
        const session = await browser();
        expect((await ask(query(DOCUMENT, pkce().challenge), session)).text).toContain("cimd.example");
        const got = await tokens(one);
        expect(caveatsOf(got.access_token)).toContain(`client = ${DOCUMENT}`);
        expect((await refresh(one, got.refresh_token)).status).toBe(200);
      });

      test("is told of an error on a page before its person has said anything, and by a redirect once they said no", async () => {
        documents.set(DOCUMENT, document);
        const session = await browser();
        for (const more of [{ scope: "nope" }, { prompt: "none", scope: "files:write" }]) {
          const told = await ask(query(DOCUMENT, pkce().challenge, more), await browser("nobody-yet"));
          expect([told.status, told.headers.get("location")], JSON.stringify(more)).toEqual([400, null]);
        }
        const refused = await answer(
          query(DOCUMENT, pkce().challenge, { prompt: "consent" }),
          session,
          "deny",
        );
        expect(landed(refused).searchParams.get("error")).toBe("access_denied");
      });

      test("gives back a token that is gone already", async () => {
        const back = await post("/oauth/revoke", { token: `${"x".repeat(80)}`, client_id: DOCUMENT });
        expect(back.status).toBe(200);
      });

      test("is fetched for nobody that has not signed in, nor at the token endpoint without a grant", async () => {
        const id = "https://unasked.example/client.json";
        const login = await ask(query(id, pkce().challenge));
        expect(landed(login).pathname).toBe("/login");
        const form = { client_id: id, code: "x".repeat(59), code_verifier: "v".repeat(43) };
        const said = await post("/oauth/token", { grant_type: "authorization_code", ...form });
        expect(said.json()).toMatchObject({ error: "invalid_grant" });
        expect((await refresh({ client_id: id }, "x".repeat(80))).json()).toMatchObject({
          error: "invalid_grant",
        });
        expect(fetched).not.toContain(id);
      });

      test.each([
        { why: "of a host that policy does not let in", id: "https://refused.example/client.json" },
        { why: "that is not there", id: "https://nowhere.example/client.json" },
        { why: "without a path", id: "https://cimd.example/" },
        { why: "over http", id: "http://cimd.example/client.json" },
      ])("$why is a page", async ({ id }) => {
        const page = await ask(query(id, pkce().challenge), await browser());
        expect(page.status).toBe(400);
        expect(page.headers.get("location")).toBeNull();
      });
    });

    describe("the token endpoint refuses", () => {
      const ELSE = "019a8b3c-5d7e-7f10-8a2b-3c4d5e6f7081";

      test.each<{ readonly error: string; readonly status?: number; readonly more: Parameters }>([
        { error: "invalid_request", more: { grant_type: undefined } },
        { error: "unsupported_grant_type", more: { grant_type: "password" } },
        { error: "unsupported_grant_type", more: { grant_type: "AUTHORIZATION_CODE" } },
        { error: "invalid_request", more: { grant_type: ["authorization_code", "authorization_code"] } },
        { error: "invalid_request", more: { code: undefined } },
        { error: "invalid_request", more: { code: "" } },
        { error: "invalid_grant", more: { code: "x" } },
        { error: "invalid_grant", more: { code: "A".repeat(59) } },
        { error: "invalid_request", more: { code_verifier: undefined } },
        { error: "invalid_request", more: { code_verifier: "short" } },
        { error: "invalid_grant", more: { code_verifier: "v".repeat(43) } },
        { error: "invalid_grant", more: { redirect_uri: "https://app.example/CB" } },
        { error: "invalid_target", more: { resource: "https://closed.example.com/mcp" } },
        { error: "invalid_target", more: { resource: `${RESOURCE}/` } },
        { error: "invalid_target", more: { resource: [RESOURCE, RESOURCE] } },
        { error: "invalid_scope", more: { scope: "files:write" } },
        { error: "invalid_scope", more: { scope: "\t" } },
        { error: "invalid_client", status: 401, more: { client_id: undefined } },
        { error: "invalid_client", status: 401, more: { client_id: ELSE } },
        { error: "invalid_client", status: 401, more: { client_secret: "x" } },
        { error: "invalid_request", more: { client_assertion: "x" } },
        { error: "invalid_request", more: { client_assertion: "x", client_assertion_type: "y" } },
        { error: "invalid_request", more: { client_id: ["a", "b"] } },
      ])("$error: $more", async ({ error, status = 400, more }) => {
        const got = await code(app);
        const said = await redeem(app, got, more);
        expect(said.status, said.text).toBe(status);
        expect(said.json()).toMatchObject({
          error,
          error_description: expect.any(String),
          code: expect.any(String),
        });
        expect(said.headers.get("content-type")).toBe("application/json");
        expect(said.headers.get("cache-control")).toBe("no-store");
        expect(said.text).not.toContain(got.text);
        // None of it has used the code up.
        expect((await redeem(app, got)).status).toBe(200);
      });

      test("a code of another client", async () => {
        const got = await code(app);
        expect((await redeem(await client(), got)).json()).toMatchObject({ error: "invalid_grant" });
        expect((await redeem(app, got)).status).toBe(200);
      });

      test("another body than a form", async () => {
        const headers = { "content-type": "application/json" };
        const said = await service().request("/oauth/token", { method: "POST", headers, body: "{}" });
        expect(said.status).toBe(415);
        expect(said.json()).toMatchObject({ error: "invalid_request" });
      });

      const { privateKey, publicKey } = generateKeyPairSync("ed25519");
      const jwks = async () => ({ keys: [await exportJWK(publicKey)] });

      test("a client that proves itself wrongly, or in another way than its own", async () => {
        const basic = await client({ token_endpoint_auth_method: "client_secret_basic" });
        const got = await code(basic);
        const header = (id: string, secret: string) => ({
          authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString("base64")}`,
        });
        const form = { grant_type: "authorization_code", code: got.text, code_verifier: got.verifier };
        const { client_id, client_secret = "" } = basic;
        for (const [headers, more] of [
          [{}, { client_id }],
          [{}, { client_id, client_secret }],
          [header(client_id, "x"), {}],
          [header(client_id, ""), {}],
          [header(app.client_id, client_secret), {}],
          [{ authorization: "Basic !" }, {}],
          [{ authorization: `Bearer ${client_secret}` }, {}],
        ] as const) {
          const said = await post("/oauth/token", { ...form, ...more }, headers);
          expect(said.json(), JSON.stringify(headers)).toMatchObject({ error: "invalid_client" });
          expect(said.status).toBe(401);
          expect(said.headers.get("www-authenticate")).toContain("Basic");
        }
        const two = await post("/oauth/token", { ...form, client_secret }, header(client_id, client_secret));
        expect(two.json()).toMatchObject({ error: "invalid_request" });
        const other = await post(
          "/oauth/token",
          { ...form, client_id: app.client_id },
          header(client_id, client_secret),
        );
        expect(other.json()).toMatchObject({ error: "invalid_request" });
        expect((await post("/oauth/token", form, header(client_id, client_secret))).status).toBe(200);
      });

      test("an assertion that is another's, for another, or shown twice", async () => {
        const signing = await client({ token_endpoint_auth_method: "private_key_jwt", jwks: await jwks() });
        const { client_id } = signing;
        const signed = (claims: object, key = privateKey, alg = "EdDSA") =>
          new SignJWT({ iss: client_id, sub: client_id, aud: ISSUER, jti: crypto.randomUUID(), ...claims })
            .setProtectedHeader({ alg })
            .setExpirationTime("1m")
            .sign(key);
        const got = await code(signing);
        const type = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
        const send = (client_assertion: string) =>
          redeem(signing, got, { client_assertion, client_assertion_type: type });
        const unsigned = `${Buffer.from('{"alg":"none"}').toString("base64url")}.${(await signed({})).split(".")[1]}.`;
        for (const wrong of [
          await signed({ aud: `${ISSUER}/oauth/token` }),
          await signed({ iss: app.client_id }),
          await signed({ sub: app.client_id }),
          await signed({ jti: undefined }),
          await signed({}, generateKeyPairSync("ed25519").privateKey),
          unsigned,
          "x.y.z",
        ]) {
          expect((await send(wrong)).json()).toMatchObject({ error: "invalid_client" });
        }
        const good = await signed({});
        expect((await send(good)).status).toBe(200);
        expect((await send(good)).json()).toMatchObject({ error: "invalid_client" });
      });
    });

    describe("codes", () => {
      test("are good once: a second use revokes what the first gave", async () => {
        const got = await code(app);
        const first = (await redeem(app, got)).json<{ access_token: string; refresh_token: string }>();
        expect(await isRevoked(first.access_token)).toBe(false);
        expect((await redeem(app, got)).json()).toMatchObject({ error: "invalid_grant" });
        expect(await isRevoked(first.access_token)).toBe(true);
        expect((await refresh(app, first.refresh_token)).json()).toMatchObject({ error: "invalid_grant" });
      });

      test("of two redeems at once one gets a token, and it is revoked", async () => {
        const got = await code(app);
        const both = await Promise.all([redeem(app, got), redeem(app, got)]);
        expect(both.map(({ status }) => status).sort()).toEqual([200, 400]);
        const won = both.find(({ status }) => status === 200)?.json<{ access_token: string }>();
        expect(await isRevoked(won?.access_token ?? "")).toBe(true);
      });
    });

    describe("refresh tokens", () => {
      test("have one successor: two at once get the same", async () => {
        const { refresh_token } = await tokens(app);
        const both = await Promise.all([refresh(app, refresh_token), refresh(app, refresh_token)]);
        expect(both.map(({ status }) => status)).toEqual([200, 200]);
        expect(both[0]?.text).toBe(both[1]?.text);
      });

      test("end the whole session once a replaced one is used after its successor", async () => {
        const first = await tokens(app);
        const second = (await refresh(app, first.refresh_token)).json<typeof first>();
        const third = (await refresh(app, second.refresh_token)).json<typeof first>();
        expect((await refresh(app, first.refresh_token)).json()).toMatchObject({ error: "invalid_grant" });
        expect((await refresh(app, third.refresh_token)).json()).toMatchObject({ error: "invalid_grant" });
        for (const { access_token } of [first, second, third])
          expect(await isRevoked(access_token)).toBe(true);
      });

      test("of another client, changed or made up are no good, and end nothing", async () => {
        const { refresh_token } = await tokens(app);
        const changed = `${refresh_token.slice(0, 40)}AAAA${refresh_token.slice(44)}`;
        for (const [one, text] of [
          [await client(), refresh_token],
          [app, changed],
          [app, "x"],
          [app, "A".repeat(80)],
        ] as const) {
          expect((await refresh(one, text)).json()).toMatchObject({ error: "invalid_grant" });
        }
        expect((await refresh(app, refresh_token)).status).toBe(200);
      });

      test("never widen, and may narrow", async () => {
        const { refresh_token } = await tokens(app, { scope: "files:read files:write" });
        const narrow = (await refresh(app, refresh_token, { scope: "files:read" })).json<{
          refresh_token: string;
          access_token: string;
        }>();
        expect(caveatsOf(narrow.access_token)).toContain("scope in files:read");
        const wide = await refresh(app, narrow.refresh_token, {
          scope: "files:read files:write files:delete",
        });
        expect(wide.json()).toMatchObject({ error: "invalid_scope" });
        const other = await refresh(app, narrow.refresh_token, {
          resource: "https://closed.example.com/mcp",
        });
        expect(other.json()).toMatchObject({ error: "invalid_target" });
        expect((await refresh(app, narrow.refresh_token)).json()).toMatchObject({
          scope: "files:read files:write",
        });
      });

      test("are given back by their own client alone", async () => {
        const { refresh_token, access_token } = await tokens(app);
        const revoke = (client_id: string | undefined) =>
          post("/oauth/revoke", { token: refresh_token, client_id });
        expect((await revoke(undefined)).status).toBe(401);
        const other = await revoke((await client()).client_id);
        expect(other.status).toBe(401);
        expect(other.json()).toMatchObject({ error: "invalid_client" });
        expect(await isRevoked(access_token)).toBe(false);
        expect((await revoke(app.client_id)).status).toBe(200);
        expect(await isRevoked(access_token)).toBe(true);
        expect((await revoke(app.client_id)).status).toBe(200);
      });
    });

    test("a deleted client holds nothing any more", async () => {
      const gone = await client();
      const got = await code(gone);
      const held = await tokens(gone);
      const path = `/v1/clients/${gone.client_id}`;
      expect((await service().request(path, { method: "DELETE", headers: service().asAdmin() })).status).toBe(
        204,
      );
      expect((await redeem(gone, got)).json()).toMatchObject({ error: "invalid_client" });
      expect((await refresh(gone, held.refresh_token)).json()).toMatchObject({ error: "invalid_client" });
      expect(await isRevoked(held.access_token)).toBe(true);
      expect((await ask(query(gone.client_id, pkce().challenge), await browser())).status).toBe(400);
    });

    describe("a grant dies with a revocation", () => {
      const admin = () => service().asAdmin();
      const grantee = () => `grantee ${crypto.randomUUID()}`;
      const targets = (subject: string, held: { access_token: string } | undefined) => {
        const record = held === undefined ? undefined : decodeBundle(held.access_token);
        const identifier = record?.ok ? new TextDecoder().decode(record.macaroons[0].identifier) : "";
        const [, keyId, tokenId, principalId] = identifier.split(".");
        return {
          principal: { principal: { subject } },
          "principal id": { principal: { id: principalId } },
          "token id": { token_id: tokenId },
          key: { key_id: keyId },
          platform: { platform: "default" },
          holder: { token: held?.access_token },
        } as const;
      };

      // A session that began a minute ago, so that the service's clock and the database's may differ.
      const early = (subject: string) => ({ subject, authenticatedAt: Date.now() - 60_000 });

      test.each(["principal", "principal id", "token id", "holder"] as const)(
        "a family, by %s",
        async (name) => {
          const subject = grantee();
          const held = await tokens(app, {}, early(subject));
          const headers = name === "holder" ? {} : admin();
          await service().revoke([targets(subject, held)[name]], headers);
          expect((await refresh(app, held.refresh_token)).json()).toMatchObject({ error: "invalid_grant" });
        },
      );

      test("the same answer is not given again after it", async () => {
        const subject = grantee();
        const held = await tokens(app, {}, early(subject));
        expect((await refresh(app, held.refresh_token)).status).toBe(200);
        await service().revoke([{ principal: { subject } }], admin());
        expect((await refresh(app, held.refresh_token)).json()).toMatchObject({ error: "invalid_grant" });
      });

      test("a code, by principal", async () => {
        const subject = grantee();
        const got = await code(app, {}, early(subject));
        await service().revoke([{ principal: { subject } }], admin());
        expect((await redeem(app, got)).json()).toMatchObject({ error: "invalid_grant" });
      });

      test("also when both happen at once: no token is alive after the revocation was answered", async () => {
        for (let round = 0; round < 5; round++) {
          const subject = grantee();
          const got = await code(app, {}, early(subject));
          const held = await tokens(app, {}, early(subject));
          const [redeemed, refreshed] = await Promise.all([
            redeem(app, got),
            refresh(app, held.refresh_token),
            service().revoke([{ principal: { subject } }], admin()),
          ]);
          for (const { status, json } of [redeemed, refreshed]) {
            if (status !== 200) continue;
            const out = json<{ access_token: string; refresh_token: string }>();
            expect(await isRevoked(out.access_token)).toBe(true);
            expect((await refresh(app, out.refresh_token)).json()).toMatchObject({ error: "invalid_grant" });
          }
        }
      });

      test("codes, families and consents of a platform, by its key and by its name", async () => {
        for (const name of ["key", "platform"] as const) {
          const [platform, uri] = [`mortal-${name}`, `https://${name}.mortal.example.com/mcp`];
          await service().createPlatform(platform, POLICY as never);
          await play.resource(uri, platform);
          const more = { resource: uri };
          const subject = grantee();
          const session = await browser(early(subject));
          const { verifier, challenge } = pkce();
          const asked = query(app.client_id, challenge, more);
          const got = landed(await answer(asked, session)).searchParams.get("code") ?? "";
          const held = (await redeem(app, { text: got, verifier }, more)).json<{
            access_token: string;
            refresh_token: string;
          }>();
          const open = await code(app, more, early(subject));
          expect((await ask(asked, session)).status).toBe(303);
          const target = name === "platform" ? { platform } : targets(subject, held).key;
          await service().revoke([target], admin());
          expect((await refresh(app, held.refresh_token)).json(), name).toMatchObject({
            error: "invalid_grant",
          });
          expect((await redeem(app, open, more)).json(), name).toMatchObject({ error: "invalid_grant" });
          const later = await browser({ subject, authenticatedAt: Date.now() + 60_000 });
          expect((await ask(asked, later)).status, name).toBe(200);
        }
      });
    });

    test("platforms neither see nor touch clients and consents, nor tokens of each other", async () => {
      await service().createPlatform("other");
      await tokens(app);
      const other = service().asPlatform("other");
      for (const path of ["/v1/clients", "/v1/consents"])
        expect((await service().get(path, other)).status).toBe(403);
      const { access_token } = await tokens(app);
      const said = await service().send("POST", "/v1/verify", { token: access_token, context: {} }, other);
      expect(said.json()).toMatchObject({ allowed: false, code: "unknown_key" });
      expect((await service().get("/v1/tokens", other)).json()).toMatchObject({ items: [] });
    });
  },
  {
    relyingParty: people.relyingParty,
    documents: {
      async fetch(url) {
        fetched.push(url.href);
        const document = documents.get(url.href);
        if (document === undefined) return { ok: false, why: "it could not be had" };
        return {
          ok: true,
          bytes: new TextEncoder().encode(JSON.stringify(document)),
          cacheControl: "",
          age: 0,
        };
      },
    },
  },
);

describeService(
  "time in the authorization server",
  (service) => {
    const { resource, client, code, redeem, refresh, tokens } = player(service, people, true);

    test("a code lives a minute, an answer ten seconds, a session as long as policy says", async () => {
      await resource();
      const app = await client();
      const late = await code(app);
      await service().advance(61_000);
      people.advance(61_000);
      expect((await redeem(app, late)).json()).toMatchObject({ error: "invalid_grant" });

      const first = await tokens(app);
      const again = await refresh(app, first.refresh_token);
      await service().advance(5_000);
      expect((await refresh(app, first.refresh_token)).text).toBe(again.text);
      await service().advance(6_000);
      expect((await refresh(app, first.refresh_token)).json()).toMatchObject({ error: "invalid_grant" });
      const { refresh_token } = again.json<typeof first>();
      expect((await refresh(app, refresh_token)).json()).toMatchObject({ error: "invalid_grant" });

      people.advance(11_000);
      let held = await tokens(app);
      for (let hours = 0; hours < 23; hours += 11.5) {
        await service().advance(11.5 * 3_600_000);
        held = (await refresh(app, held.refresh_token)).json<typeof first>();
      }
      await service().advance(1_800_000);
      const last = (await refresh(app, held.refresh_token)).json<typeof first>();
      expect(last.expires_in).toBeLessThanOrEqual(1_800);
      await service().advance(1_801_000);
      expect((await refresh(app, last.refresh_token)).json()).toMatchObject({ error: "invalid_grant" });
      expect(DAY).toBe(86_400);
    });
  },
  { relyingParty: people.relyingParty },
);
