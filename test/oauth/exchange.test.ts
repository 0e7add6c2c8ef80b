/** Token exchange (RFC 8693): of a person's ID token, and of macaroons, which are only ever narrowed. */
import * as oauth from "oauth4webapi";
import * as openid from "openid-client";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Assertions } from "../../src/domain/ports/identity.ts";
import { decodeBundle } from "../../src/macaroon/index.ts";
import { createAssertions } from "../../src/oidc/assertions.ts";
import { systemClock } from "../../src/run/system.ts";
import { type FakeIssuer, startFakeIssuer } from "../support/fake-issuer.ts";
import { type Allowed, type Answer, describeService } from "../support/service.ts";
import { stubRelyingParty } from "../support/service-login.ts";
import { stubIdToken, type TestHuman } from "../support/service-people.ts";
import {
  type Client,
  caveatsOf,
  configured,
  discovered,
  ISSUER,
  type Parameters,
  player,
  RESOURCE,
  type Tokens,
} from "./flow.ts";

const GRANT = "urn:ietf:params:oauth:grant-type:token-exchange";
const TYPE = "urn:ietf:params:oauth:token-type:";
const OPEN = "https://open.example.com/mcp";
const FOREIGN = "https://foreign.example.com/mcp";

let jobs: FakeIssuer;
let trusted: Assertions;
beforeAll(async () => {
  jobs = await startFakeIssuer();
  trusted = createAssertions({
    issuers: [{ issuer: jobs.issuer, kind: "workload", groupsClaim: ["groups"], allowInsecureIssuer: true }],
    clock: systemClock,
  });
});
afterAll(() => jobs.close());

const seconds = () => Math.floor(Date.now() / 1000);
const worker = (over: Record<string, unknown> = {}) =>
  jobs.signIdToken({
    nonce: undefined,
    auth_time: undefined,
    email: undefined,
    email_verified: undefined,
    groups: undefined,
    aud: ISSUER,
    sub: "ci/researcher",
    exp: seconds() + 600,
    ...over,
  });

describeService(
  "token exchange",
  (service) => {
    const play = player(service, stubRelyingParty());
    const { client, post, isRevoked } = play;
    let app: Client;

    const admin = () => service().asAdmin();
    const exchange = (more: Parameters) => post("/oauth/token", { grant_type: GRANT, ...more });
    const ofPerson = (who: TestHuman, more: Parameters = {}) =>
      exchange({
        subject_token: stubIdToken(who),
        subject_token_type: `${TYPE}id_token`,
        resource: RESOURCE,
        ...more,
      });
    const ofMacaroon = (subject_token: string, more: Parameters = {}) =>
      exchange({ subject_token, subject_token_type: `${TYPE}access_token`, ...more });
    const withActor = async (token: string, over = {}, more: Parameters = {}) =>
      ofMacaroon(token, { actor_token: await worker(over), actor_token_type: `${TYPE}jwt`, ...more });

    function given(answer: Answer): Tokens & { readonly issued_token_type: string } {
      expect(answer.status, answer.text).toBe(200);
      return answer.json();
    }
    function refused(answer: Answer, error: string, status = 400): void {
      expect(answer.json(), answer.text).toMatchObject({ error });
      expect(answer.status).toBe(status);
    }
    /** A root that a person has, for both scopes of the resource. */
    const root = async (who: TestHuman = { subject: "alice" }) => given(await ofPerson(who)).access_token;
    const idOf = (token: string) => {
      const decoded = decodeBundle(token);
      return decoded.ok ? new TextDecoder().decode(decoded.macaroons[0].identifier).split(".")[2] : undefined;
    };
    const ask = (token: string, scope = "files:read", resource = RESOURCE) =>
      service().verify(token, { scope }, { resource });

    beforeAll(async () => {
      await play.resource();
      await service().createPlatform("open");
      await play.resource(OPEN, "open", { accept_unbound: true, caveats: ["action = read"], max_ttl: 600 });
      await service().createPlatform("foreign");
      await play.resource(FOREIGN, "foreign");
      app = await client({ token_endpoint_auth_method: "client_secret_post" });
    });

    test("oauth4webapi and openid-client exchange both kinds", async () => {
      const { insecure, as } = await discovered(service);
      expect(as.grant_types_supported).toContain(GRANT);
      const one: oauth.Client = { client_id: app.client_id };
      const parameters = {
        subject_token: stubIdToken({ subject: "alice" }),
        subject_token_type: `${TYPE}id_token`,
        resource: RESOURCE,
      };
      const asked = await oauth.genericTokenEndpointRequest(
        as,
        one,
        oauth.ClientSecretPost(app.client_secret ?? ""),
        GRANT,
        parameters,
        insecure,
      );
      const first = await oauth.processGenericTokenEndpointResponse(as, one, asked);
      expect(first).toMatchObject({
        issued_token_type: `${TYPE}access_token`,
        token_type: "bearer",
        scope: "files:read files:write",
      });
      expect(caveatsOf(first.access_token)).toContain(`client = ${app.client_id}`);

      const config = await configured(service, app.client_id, openid.ClientSecretPost(app.client_secret));
      const second = await openid.genericGrantRequest(config, GRANT, {
        subject_token: first.access_token,
        subject_token_type: `${TYPE}access_token`,
        scope: "files:read",
      });
      expect(second.scope).toBe("files:read");
      expect(idOf(second.access_token)).toBe(idOf(first.access_token));
      expect(await ask(second.access_token)).toMatchObject({ allowed: true });
      expect(await ask(second.access_token, "files:write")).toMatchObject({ allowed: false });
    });

    describe("of a person's ID token", () => {
      test("gives a root under policy, for one resource", async () => {
        const got = given(await ofPerson({ subject: "alice" }, { scope: "files:read" }));
        expect(got).toMatchObject({ issued_token_type: `${TYPE}access_token`, scope: "files:read" });
        expect(caveatsOf(got.access_token).slice(1)).toEqual([`aud = ${RESOURCE}`, "scope in files:read"]);
        expect(await ask(got.access_token)).toMatchObject({ allowed: true, principal: { subject: "alice" } });
        const audience = { resource: undefined, audience: RESOURCE };
        given(await ofPerson({ subject: "alice" }, audience));
      });

      test("dies with what would kill a token of then", async () => {
        const subject = `exchanged ${crypto.randomUUID()}`;
        const who = { subject, issuedAt: Date.now() - 60_000 };
        const { access_token } = given(await ofPerson(who));
        await service().revoke([{ principal: { subject } }], admin());
        expect(await isRevoked(access_token)).toBe(true);
        refused(await ofPerson(who), "invalid_request");
        given(await ofPerson({ subject }));
      });

      test("gives nothing where policy admits nobody", async () => {
        refused(await ofPerson({ subject: "alice", issuer: "https://partner.test" }), "invalid_request");
      });

      test("ends with a client that is deleted, if that exchanged it", async () => {
        const gone = await client({ token_endpoint_auth_method: "client_secret_post" });
        const { client_id, client_secret } = gone;
        const { access_token } = given(await ofPerson({ subject: "alice" }, { client_id, client_secret }));
        const path = `/v1/clients/${client_id}`;
        expect((await service().request(path, { method: "DELETE", headers: admin() })).status).toBe(204);
        expect(await isRevoked(access_token)).toBe(true);
      });
    });

    describe("of a macaroon", () => {
      test("appends resource, scope and life to the same token, and never a longer one", async () => {
        const token = await root();
        const before = caveatsOf(token);
        const same = given(await ofMacaroon(token));
        expect(same.access_token).toBe(token);
        const got = given(
          await ofMacaroon(token, { resource: RESOURCE, scope: "files:read", expires_in: "60" }),
        );
        expect(idOf(got.access_token)).toBe(idOf(token));
        const added = caveatsOf(got.access_token).slice(before.length);
        expect(added.slice(0, -1)).toEqual(["scope in files:read"]);
        expect(added.at(-1)).toMatch(/^time < /);
        expect(got.expires_in).toBeLessThanOrEqual(60);
        const long = given(await ofMacaroon(token, { expires_in: "999999999" }));
        expect(long.access_token).toBe(token);
        expect(long.expires_in).toBeLessThanOrEqual(3_600);
        const [first, second] = [await ask(token), await ask(got.access_token)] as [Allowed, Allowed];
        expect(second.revocation_ids.slice(0, first.revocation_ids.length)).toEqual(first.revocation_ids);
      });

      test("never widens: scopes, resources, or what was narrowed before", async () => {
        const token = await root();
        const narrow = given(await ofMacaroon(token, { scope: "files:read" })).access_token;
        refused(await ofMacaroon(narrow, { scope: "files:read files:write" }), "invalid_scope");
        refused(await ofMacaroon(narrow, { scope: "files:write" }), "invalid_scope");
        refused(await ofMacaroon(token, { scope: "files:delete" }), "invalid_scope");
        refused(await ofMacaroon(token, { resource: FOREIGN }), "invalid_target");
        refused(await ofMacaroon(token, { resource: `${RESOURCE}/sub` }), "invalid_target");
        refused(await ofMacaroon(token, { resource: OPEN }), "invalid_target");
      });

      test("for a resource that takes unbound tokens adds its caveats; for others it needs an issued aud", async () => {
        const { token } = await service().issue({ platform: "open" });
        const got = given(await ofMacaroon(token, { resource: OPEN }));
        expect(caveatsOf(got.access_token).slice(1, 3)).toEqual([`aud = ${OPEN}`, "action = read"]);
        expect(got.expires_in).toBeLessThanOrEqual(600);
        const { token: unbound } = await service().issue();
        refused(await ofMacaroon(unbound, { resource: RESOURCE }), "invalid_target");
        const narrowed = given(await ofMacaroon(unbound, { scope: "anything" }));
        expect(caveatsOf(narrowed.access_token).at(-1)).toBe("scope in anything");
      });

      test("names the actor that a trusted issuer vouches for, before its limits, until its word ends", async () => {
        const token = await root();
        const got = given(await withActor(token, { exp: seconds() + 120 }, { scope: "files:read" }));
        const added = caveatsOf(got.access_token).slice(caveatsOf(token).length);
        expect(added[0]).toMatch(/^agent = ci\/researcher#[A-Za-z0-9_-]{16}$/);
        expect(added[1]).toBe("scope in files:read");
        expect(added[2]).toMatch(/^time < /);
        expect(got.expires_in).toBeLessThanOrEqual(120);
        const again = given(await withActor(token));
        expect(caveatsOf(again.access_token)[caveatsOf(token).length]).not.toBe(added[0]);
        const said = await ask(got.access_token);
        expect(said).toMatchObject({ allowed: true, principal: { subject: "alice" } });
        const listed = await service().get(
          `/v1/audit?token_id=${idOf(token)}&action=token.exchanged`,
          admin(),
        );
        expect(listed.json<{ items: object[] }>().items).toHaveLength(2);
        await service().revoke([{ agent: "ci/researcher", token_id: idOf(token) }], admin());
        expect(await isRevoked(got.access_token)).toBe(true);
        expect(await isRevoked(token)).toBe(false);
      });

      test("takes no actor but a job's or service's, and none that was revoked", async () => {
        const token = await root();
        for (const over of [
          { aud: "https://other.example" },
          { exp: 1 },
          { iss: "https://stranger.example" },
          { sub: "two words" },
          { sub: "a".repeat(129) },
          { sub: "a#b" },
        ]) {
          refused(await withActor(token, over), "invalid_request");
        }
        const actor_token = await worker();
        refused(await ofMacaroon(token, { actor_token }), "invalid_request");
        refused(await ofMacaroon(token, { actor_token_type: `${TYPE}jwt` }), "invalid_request");
        refused(
          await ofMacaroon(token, { actor_token, actor_token_type: `${TYPE}id_token` }),
          "invalid_request",
        );
        refused(
          await ofPerson({ subject: "alice" }, { actor_token, actor_token_type: `${TYPE}jwt` }),
          "invalid_request",
        );
        const sub = `gone-${crypto.randomUUID()}`;
        const old = { sub, iat: seconds() - 60 };
        given(await withActor(token, old));
        const principal = { issuer: jobs.issuer, subject: sub, kind: "workload" };
        await service().revoke([{ principal }], admin());
        refused(await withActor(token, old), "invalid_request");
      });

      test("that is revoked, over, foreign, the service's own, or comes with discharges", async () => {
        const token = await root({ subject: `dead ${crypto.randomUUID()}` });
        const short = given(await ofMacaroon(token, { expires_in: "1" })).access_token;
        await service().advance(2_000);
        refused(await ofMacaroon(short), "invalid_request");
        await service().revoke([{ token }]);
        refused(await ofMacaroon(token), "invalid_request");
        refused(await ofMacaroon(service().adminToken), "invalid_request");
        const good = await root();
        refused(await ofMacaroon(`${good.slice(0, -6)}AAAAAA`), "invalid_request");
        const bundle = Buffer.concat([Buffer.from(good, "base64url"), Buffer.from(short, "base64url")]);
        refused(await ofMacaroon(bundle.toString("base64url")), "invalid_request");
      });
    });

    test.each<{ readonly error: string; readonly more: Parameters }>([
      { error: "invalid_request", more: { subject_token: undefined } },
      { error: "invalid_request", more: { subject_token: "x" } },
      { error: "invalid_request", more: { subject_token: "x.y.z" } },
      { error: "invalid_request", more: { subject_token: ["a", "b"] } },
      { error: "invalid_request", more: { subject_token_type: undefined } },
      { error: "invalid_request", more: { subject_token_type: `${TYPE}saml2` } },
      { error: "invalid_request", more: { subject_token_type: `${TYPE}access_token` } },
      { error: "invalid_request", more: { requested_token_type: `${TYPE}jwt` } },
      { error: "invalid_request", more: { requested_token_type: `${TYPE}refresh_token` } },
      { error: "invalid_target", more: { audience: OPEN } },
      { error: "invalid_target", more: { resource: [RESOURCE, OPEN] } },
      { error: "invalid_target", more: { resource: undefined } },
      { error: "invalid_target", more: { resource: "mcp" } },
      { error: "invalid_scope", more: { scope: "files:delete" } },
      { error: "invalid_scope", more: { scope: "files:read  files:write" } },
      { error: "invalid_request", more: { scope: ["files:read", "files:read"] } },
    ])("a request that is not one, $error: $more", async ({ error, more }) => {
      refused(await ofPerson({ subject: "alice" }, more), error);
    });

    test("a life that is no whole seconds, and a client that does not authenticate", async () => {
      const token = await root();
      for (const expires_in of ["0", "-1", "1.5", "1e3", "x"]) {
        refused(await ofMacaroon(token, { expires_in }), "invalid_request");
      }
      refused(await ofMacaroon(token, { client_id: app.client_id }), "invalid_client", 401);
      refused(await ofPerson({ subject: "alice" }, { client_id: "x" }), "invalid_client", 401);
    });
  },
  { assertions: { open: (text) => trusted.open(text) } },
);
