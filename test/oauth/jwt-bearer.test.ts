/** Assertions at the token endpoint (RFC 7523): of jobs and services, and of people for a client (ID-JAG). */
import { generateKeyPairSync } from "node:crypto";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import * as oauth from "oauth4webapi";
import * as openid from "openid-client";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { DomainError } from "../../src/domain/parts/error.ts";
import type { Assertions } from "../../src/domain/ports/identity.ts";
import { createAssertions } from "../../src/oidc/assertions.ts";
import { systemClock } from "../../src/run/system.ts";
import { type FakeIssuer, startFakeIssuer } from "../support/fake-issuer.ts";
import type { Answer } from "../support/service.ts";
import { describeService } from "../support/service.ts";
import { stubRelyingParty } from "../support/service-login.ts";
import {
  type Client,
  caveatsOf,
  configured,
  DAY,
  discovered,
  ISSUER,
  type Parameters,
  player,
  RESOURCE,
  type Tokens,
} from "./flow.ts";

const GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const OTHER = "https://other.example.com/mcp";
const DOCUMENT = "https://cimd.example/client.json";
const SUBJECT = "repo:acme/web:ref:refs/heads/main";

let jobs: FakeIssuer;
let enterprise: FakeIssuer;
let trusted: Assertions;

beforeAll(async () => {
  [jobs, enterprise] = await Promise.all([startFakeIssuer(), startFakeIssuer()]);
  const usual = { groupsClaim: ["groups"], allowInsecureIssuer: true };
  trusted = createAssertions({
    issuers: [
      { ...usual, issuer: jobs.issuer, kind: "workload" },
      { ...usual, issuer: enterprise.issuer, kind: "id-jag" },
    ],
    clock: systemClock,
  });
});
afterAll(() => Promise.all([jobs, enterprise].map((issuer) => issuer.close())));

type Over = Record<string, unknown>;

const NO_LOGIN = { nonce: undefined, auth_time: undefined, email: undefined, email_verified: undefined };
const seconds = () => Math.floor(Date.now() / 1000);

const job = (over: Over = {}, header: Over = {}) =>
  jobs.signIdToken(
    {
      ...NO_LOGIN,
      aud: ISSUER,
      sub: SUBJECT,
      exp: seconds() + 600,
      groups: undefined,
      repository: "acme/web",
      ...over,
    },
    { header },
  );

const idJag = ({ client_id }: Client, over: Over = {}, header: Over = {}) =>
  enterprise.signIdToken(
    {
      ...NO_LOGIN,
      aud: ISSUER,
      sub: "alice",
      exp: seconds() + 300,
      jti: crypto.randomUUID(),
      client_id,
      ...over,
    },
    { header: { typ: "oauth-id-jag+jwt", ...header } },
  );

const documents = new Map<string, object>();
const fetched: string[] = [];

describeService(
  "assertions at the token endpoint",
  (service) => {
    const play = player(service, stubRelyingParty());
    const { client, post, isRevoked } = play;
    let app: Client;
    let other: Client;

    const show = (assertion: string, more: Parameters = {}) =>
      post("/oauth/token", { grant_type: GRANT, assertion, resource: RESOURCE, ...more });
    const proof = ({ client_id, client_secret }: Client) => ({ client_id, client_secret });
    const showAs = (of: Client, assertion: string, more: Parameters = {}) =>
      show(assertion, { ...proof(of), ...more });
    const admin = () => service().asAdmin();

    function given(answer: Answer): Tokens {
      expect(answer.status, answer.text).toBe(200);
      return answer.json<Tokens>();
    }
    function refused(answer: Answer, error = "invalid_grant", status = 400): void {
      expect(answer.json(), answer.text).toMatchObject({ error });
      expect(answer.status).toBe(status);
    }

    beforeAll(async () => {
      await play.resource();
      const rules = [
        {
          issuer: jobs.issuer,
          claims: { repository: ["acme/web", "acme/api"] },
          max_ttl: DAY,
          session: DAY,
          caveats: ["action = deploy"],
        },
        { issuer: enterprise.issuer, max_ttl: DAY, session: DAY },
      ];
      const policy = {
        rules: rules.map((rule) => ({ on_behalf_of: false, ...rule })),
        clients: { metadata_documents: true },
      };
      const path = "/v1/platforms/default/policy";
      const put = await service().send("PUT", path, policy, { ...admin(), "if-match": "*" });
      expect(put.status, put.text).toBe(200);
      app = await client({ token_endpoint_auth_method: "client_secret_post" });
      other = await client({ token_endpoint_auth_method: "client_secret_post" });
    });

    describe("stock clients", () => {
      test("oauth4webapi redeems both kinds, and says so to itself from the metadata", async () => {
        const { insecure, as } = await discovered(service);
        expect(as.grant_types_supported).toContain(GRANT);
        const one: oauth.Client = { client_id: app.client_id };
        const how = oauth.ClientSecretPost(app.client_secret ?? "");
        for (const assertion of [await job(), await idJag(app)]) {
          const parameters = { assertion, resource: RESOURCE, scope: "files:read" };
          const answer = await oauth.genericTokenEndpointRequest(as, one, how, GRANT, parameters, insecure);
          const got = await oauth.processGenericTokenEndpointResponse(as, one, answer);
          expect(got).toMatchObject({ token_type: "bearer", scope: "files:read" });
          expect(got.refresh_token).toBeUndefined();
        }
      });

      test("openid-client redeems an ID-JAG", async () => {
        const config = await configured(service, app.client_id, openid.ClientSecretPost(app.client_secret));
        const parameters = { assertion: await idJag(app), resource: RESOURCE };
        const got = await openid.genericGrantRequest(config, GRANT, parameters);
        expect(got.scope).toBe("files:read files:write");
      });
    });

    describe("of a workload", () => {
      test("gives a root for a workload, under policy, bound to the resource and to no client", async () => {
        const got = given(await show(await job(), { scope: "files:read" }));
        expect(got).toMatchObject({ token_type: "Bearer", scope: "files:read" });
        const [time, ...rest] = caveatsOf(got.access_token);
        expect(time).toMatch(/^time < /);
        expect(rest).toEqual([`aud = ${RESOURCE}`, "scope in files:read", "action = deploy"]);
        const said = await service().verify(
          got.access_token,
          { scope: "files:read", action: "deploy" },
          { resource: RESOURCE },
        );
        expect(said).toMatchObject({
          allowed: true,
          principal: { issuer: jobs.issuer, subject: SUBJECT, kind: "workload" },
        });
        const elsewhere = await service().verify(got.access_token, { scope: "files:read", action: "deploy" });
        expect(elsewhere).toMatchObject({ allowed: false });
      });

      test("names a client that authenticated, and no other", async () => {
        const proven = given(await showAs(app, await job()));
        expect(caveatsOf(proven.access_token)).toContain(`client = ${app.client_id}`);
        const open = await client();
        const unproven = given(await show(await job(), { client_id: open.client_id }));
        expect(caveatsOf(unproven.access_token).join()).not.toContain("client");
      });

      test("may be shown again, and gives no life beyond its own", async () => {
        const assertion = await job({ exp: seconds() + 90 });
        const both = await Promise.all([show(assertion), show(assertion), showAs(app, assertion)]);
        for (const answer of both) {
          const { expires_in, refresh_token } = given(answer);
          expect(expires_in).toBeLessThanOrEqual(90);
          expect(refresh_token).toBeUndefined();
        }
        // A clock may be off by a minute: what is over gives nothing all the same.
        refused(await show(await job({ exp: seconds() - 5 })));
      });

      test("cannot be renewed: another assertion is shown", async () => {
        const { access_token: token } = given(await show(await job()));
        const { token_id } = (await service().verify(
          token,
          { scope: "files:read", action: "deploy" },
          { resource: RESOURCE },
        )) as { readonly token_id: string };
        const renewed = await service().send("POST", `/v1/tokens/${token_id}/renew`, { token });
        expect(renewed.status).not.toBe(201);
      });

      test("whose claims no rule asks for gets nothing", async () => {
        refused(await show(await job({ repository: "evil/web" })));
        refused(await show(await job({ repository: ["acme/web"] })));
      });

      test("is on record with its grant, and its actor is a workload", async () => {
        const { access_token } = given(await showAs(app, await job()));
        const { token_id } = (await service().verify(
          access_token,
          { scope: "files:read", action: "deploy" },
          { resource: RESOURCE },
        )) as { readonly token_id: string };
        const listed = await service().get(`/v1/audit?token_id=${token_id}`, admin());
        expect(listed.json<{ items: object[] }>().items[0]).toMatchObject({
          action: "token.issued",
          actor: { kind: "workload", issuer: jobs.issuer, subject: SUBJECT },
          details: { grant: GRANT, client_id: app.client_id },
        });
      });
    });

    describe("of a person (ID-JAG)", () => {
      test("gives a root for the person, bound to the client", async () => {
        const got = given(await showAs(app, await idJag(app)));
        expect(caveatsOf(got.access_token).slice(1)).toEqual([
          `aud = ${RESOURCE}`,
          "scope in files:read, files:write",
          `client = ${app.client_id}`,
        ]);
        expect(got.refresh_token).toBeUndefined();
        const said = await service().verify(
          got.access_token,
          { scope: "files:read" },
          { resource: RESOURCE },
        );
        expect(said).toMatchObject({
          allowed: true,
          principal: { issuer: enterprise.issuer, subject: "alice" },
        });
      });

      test("is used once: of callers at once one is first", async () => {
        const assertion = await idJag(app);
        const answers = await Promise.all(Array.from({ length: 4 }, () => showAs(app, assertion)));
        expect(answers.map(({ status }) => status).sort()).toEqual([200, 400, 400, 400]);
        refused(await showAs(app, assertion));
        const won = answers.find(({ status }) => status === 200);
        // Who shows it again is no thief: the client alone can, and may have lost the answer.
        expect(await isRevoked(won?.json<Tokens>().access_token ?? "")).toBe(false);
      });

      test.each(["transaction begin direct grant", "usedAssertions.has", "issues.look", "issues.record"])(
        "is not used up by an outage (%s)",
        async (call) => {
          const assertion = await idJag(app);
          service().watched.intercept((one) => {
            if (one === call) throw new DomainError("unavailable", "the database does not answer");
          });
          expect((await showAs(app, assertion)).status).toBe(503);
          service().watched.intercept(undefined);
          given(await showAs(app, assertion));
          refused(await showAs(app, assertion));
        },
      );

      test("is not used up by a policy that does not admit the person", async () => {
        const assertion = await idJag(app);
        const to = { resource: "https://closed-jag.example.com/mcp" };
        await service().createPlatform("closed-jag", { rules: [] });
        await play.resource(to.resource, "closed-jag");
        refused(await showAs(app, assertion, to));
        given(await showAs(app, assertion));
      });

      test("is its client's alone, and that has authenticated", async () => {
        const assertion = await idJag(app);
        refused(await show(assertion));
        refused(await showAs(other, assertion));
        refused(await show(assertion, { client_id: app.client_id }), "invalid_client", 401);
        refused(await show(assertion, { ...proof(app), client_secret: "x" }), "invalid_client", 401);
        const open = await client();
        refused(await show(await idJag(open), { client_id: open.client_id }));
        given(await showAs(app, assertion));
      });

      test.each<{ readonly why: string; readonly over: Over }>([
        { why: "no jti", over: { jti: undefined } },
        { why: "no exp", over: { exp: undefined } },
        { why: "an exp that is over", over: { exp: 1 } },
        { why: "no client", over: { client_id: undefined } },
        { why: "another audience", over: { aud: "https://other.example" } },
        { why: "an audience more", over: { aud: [ISSUER, "https://other.example"] } },
        { why: "the token endpoint for audience", over: { aud: `${ISSUER}/oauth/token` } },
        { why: "an issuer that is not trusted", over: { iss: "https://stranger.example" } },
        { why: "an issuer that asserts jobs", over: { iss: "jobs" } },
      ])("with $why is refused", async ({ over }) => {
        const iss = over["iss"] === "jobs" ? { iss: jobs.issuer } : {};
        refused(await showAs(app, await idJag(app, { ...over, ...iss })));
      });

      test("that says to be of another kind is refused", async () => {
        refused(await showAs(app, await idJag(app, {}, { typ: "JWT" })));
        refused(await showAs(app, await job({}, { typ: "oauth-id-jag+jwt" })));
        refused(await showAs(app, await idJag(app, {}, { typ: "at+jwt" })));
      });

      test("is restricted to its resources", async () => {
        const others = { resource: OTHER };
        refused(await showAs(app, await idJag(app, others)), "invalid_target");
        refused(await showAs(app, await idJag(app, { resource: [] })));
        refused(await showAs(app, await idJag(app, { resource: `${RESOURCE}/sub` })), "invalid_target");
        // Its only one is meant where none is named.
        const assertion = await idJag(app, { resource: RESOURCE });
        expect(
          caveatsOf(given(await showAs(app, assertion, { resource: undefined })).access_token),
        ).toContain(`aud = ${RESOURCE}`);
        given(await showAs(app, await idJag(app, { resource: [OTHER, "https://MCP.example.com/mcp"] })));
      });

      test("gives the scopes that are asked for, allowed and the resource's, all three", async () => {
        const scope = "files:read files:delete";
        expect(given(await showAs(app, await idJag(app, { scope }))).scope).toBe("files:read");
        const wide = { scope: "files:read files:write" };
        expect(given(await showAs(app, await idJag(app, { scope }), wide)).scope).toBe("files:read");
        refused(await showAs(app, await idJag(app, { scope }), { scope: "files:write" }), "invalid_scope");
        refused(await showAs(app, await idJag(app), { scope: "files:delete" }), "invalid_scope");
        refused(await showAs(app, await idJag(app, { scope: "files:delete" })), "invalid_scope");
      });

      test("of a client with a document of its own: that is fetched for its own assertion alone", async () => {
        const { privateKey, publicKey } = generateKeyPairSync("ed25519");
        const jwk = await exportJWK(publicKey);
        documents.set(DOCUMENT, {
          client_id: DOCUMENT,
          client_name: "Doc",
          redirect_uris: ["https://cimd.example/cb"],
          token_endpoint_auth_method: "private_key_jwt",
          jwks: { keys: [jwk] },
        });
        const of = { client_id: DOCUMENT };
        fetched.length = 0;
        const authentication = async () => ({
          client_id: DOCUMENT,
          client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
          client_assertion: await new SignJWT({
            iss: DOCUMENT,
            sub: DOCUMENT,
            aud: ISSUER,
            jti: crypto.randomUUID(),
          })
            .setProtectedHeader({ alg: "EdDSA" })
            .setExpirationTime("1m")
            .sign(privateKey),
        });
        refused(await show(await idJag(app), await authentication()));
        refused(await show(`${(await idJag(of)).slice(0, -4)}AAAA`, await authentication()));
        refused(await show(await job(), await authentication()));
        expect(fetched).toEqual([]);
        const got = given(await show(await idJag(of), await authentication()));
        expect(fetched).toEqual([DOCUMENT]);
        expect(caveatsOf(got.access_token)).toContain(`client = ${DOCUMENT}`);
      });
    });

    describe("a client that is deleted while its assertion is redeemed", () => {
      test.each(
        ["transaction begin direct grant", "issues.look", "issues.record"].flatMap((call) =>
          ["job", "ID-JAG"].map((kind) => ({ call, kind })),
        ),
      )("gets nothing, and is told that it is not known ($kind, $call)", async ({ call, kind }) => {
        const gone = await client({ token_endpoint_auth_method: "client_secret_post" });
        const assertion = kind === "job" ? await job() : await idJag(gone);
        let isPlaced = false;
        service().watched.intercept(async (one) => {
          if (one !== call || isPlaced) return;
          isPlaced = true;
          const deleting = { method: "DELETE", headers: admin() };
          const answer = await service().request(`/v1/clients/${gone.client_id}`, deleting);
          expect(answer.status, answer.text).toBe(204);
        });
        const answer = await showAs(gone, assertion);
        service().watched.intercept(undefined);
        expect(isPlaced).toBe(true);
        refused(answer, "invalid_client", 401);
      });
    });

    describe("a request that is not one", () => {
      test.each<{ readonly error: string; readonly more: Parameters }>([
        { error: "invalid_request", more: { assertion: undefined } },
        { error: "invalid_request", more: { assertion: "" } },
        { error: "invalid_request", more: { assertion: ["a.b.c", "a.b.c"] } },
        { error: "invalid_request", more: { scope: ["files:read", "files:read"] } },
        { error: "invalid_target", more: { resource: [RESOURCE, RESOURCE] } },
        { error: "invalid_target", more: { resource: OTHER } },
        { error: "invalid_target", more: { resource: `${RESOURCE}/sub` } },
        { error: "invalid_target", more: { resource: "mcp" } },
        { error: "invalid_scope", more: { scope: "files:rea" } },
        { error: "invalid_scope", more: { scope: "files:read  files:write" } },
        { error: "invalid_grant", more: { assertion: "x" } },
        { error: "invalid_grant", more: { assertion: "x.y.z" } },
        { error: "invalid_request", more: { client_secret: "a", client_assertion: "b" } },
        { error: "unsupported_grant_type", more: { grant_type: `${GRANT}s` } },
      ])("$error: $more", async ({ error, more }) => {
        refused(await show(await job(), more), error);
      });

      test("with a signature, or none, that is not its issuer's", async () => {
        const text = await job();
        const [header = "", payload = "", signature = ""] = text.split(".");
        const none = Buffer.from('{"alg":"none"}').toString("base64url");
        const { privateKey: key } = await generateKeyPair("ES256");
        const foreign = await jobs.signIdToken({ ...NO_LOGIN, aud: ISSUER, sub: SUBJECT }, { key });
        for (const wrong of [
          `${header}.${payload}.`,
          `${none}.${payload}.`,
          `${none}.${payload}.${signature}`,
          foreign,
        ]) {
          refused(await show(wrong));
        }
      });
    });

    describe("what was revoked does not come back by it", () => {
      const minute = 60;
      const early = (over: Over = {}) => ({ iat: seconds() - minute, ...over });

      test("a workload, and no person of the same name", async () => {
        const sub = `job ${crypto.randomUUID()}`;
        const assertion = await job(early({ sub }));
        const { access_token } = given(await show(assertion));
        const principal = { issuer: jobs.issuer, subject: sub };
        await service().revoke([{ principal: { ...principal, kind: "workload" } }], admin());
        refused(await show(assertion));
        expect(await isRevoked(access_token)).toBe(true);
        given(await show(await job({ sub, iat: seconds() + 30 })));
      });

      test("a person, by when they logged in", async () => {
        const sub = `person ${crypto.randomUUID()}`;
        await service().revoke([{ principal: { issuer: enterprise.issuer, subject: sub } }], admin());
        refused(await showAs(app, await idJag(app, { sub, auth_time: seconds() - minute })));
        given(await showAs(app, await idJag(app, { sub, iat: seconds() + 30 })));
      });

      test("a platform", async () => {
        const uri = "https://mortal.example.com/mcp";
        await service().createPlatform("mortal", {
          rules: [{ issuer: jobs.issuer, max_ttl: DAY, on_behalf_of: false }],
        });
        await play.resource(uri, "mortal");
        const assertion = await job(early());
        const to = { resource: uri };
        given(await show(assertion, to));
        await service().revoke([{ platform: "mortal" }], admin());
        refused(await show(assertion, to));
        given(await show(await job({ iat: seconds() + 30 }), to));
      });

      test("also when both happen at once: no token is alive after the revocation was answered", async () => {
        for (let round = 0; round < 5; round++) {
          const sub = `both ${crypto.randomUUID()}`;
          const assertion = await idJag(app, early({ sub }));
          const [shown] = await Promise.all([
            showAs(app, assertion),
            service().revoke([{ principal: { issuer: enterprise.issuer, subject: sub } }], admin()),
          ]);
          if (shown?.status === 200) {
            expect(await isRevoked(shown.json<Tokens>().access_token)).toBe(true);
          }
        }
      });

      test("a deleted client holds nothing any more", async () => {
        const gone = await client({ token_endpoint_auth_method: "client_secret_post" });
        const assertion = await job();
        const held = [given(await showAs(gone, await idJag(gone))), given(await showAs(gone, assertion))];
        const headers = admin();
        const path = `/v1/clients/${gone.client_id}`;
        expect((await service().request(path, { method: "DELETE", headers })).status).toBe(204);
        for (const { access_token } of held) expect(await isRevoked(access_token)).toBe(true);
        refused(await showAs(gone, assertion), "invalid_client", 401);
        given(await show(assertion));
      });
    });
  },
  {
    assertions: { open: (text) => trusted.open(text) },
    documents: {
      async fetch(url) {
        fetched.push(url.href);
        const bytes = new TextEncoder().encode(JSON.stringify(documents.get(url.href)));
        return { ok: true, bytes, cacheControl: "", age: 0 };
      },
    },
  },
);
