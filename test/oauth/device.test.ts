/** Devices at the authorization server (RFC 8628): stock clients drive it, then everything that must not pass. */
import * as oauth from "oauth4webapi";
import * as openid from "openid-client";
import { beforeAll, describe, expect, test } from "vitest";

import { decodeBundle } from "../../src/macaroon/index.ts";
import { type Answer, describeService } from "../support/service.ts";
import { type Person, stubRelyingParty } from "../support/service-login.ts";
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

const people = stubRelyingParty();
const GRANT = "urn:ietf:params:oauth:grant-type:device_code";

/** The answer to a device that begins. */
interface Begun {
  readonly device_code: string;
  readonly user_code: string;
  readonly verification_uri: string;
  readonly expires_in: number;
  readonly interval: number;
}

describeService(
  "devices at the authorization server",
  (service) => {
    const play = player(service, people);
    const { client, browser, post, refresh, redeem, isRevoked } = play;
    let app: Client;
    let peers = 0;

    const admin = () => service().asAdmin();
    const ask = (of: Client, more: Parameters = {}, headers = {}) =>
      post(
        "/oauth/device_authorization",
        { client_id: of.client_id, resource: RESOURCE, scope: "files:read", ...more },
        { "x-test-peer": `198.51.100.${++peers % 250}`, ...headers },
      );
    async function begin(of: Client = app, more: Parameters = {}): Promise<Begun> {
      const answer = await ask(of, more);
      expect(answer.status, answer.text).toBe(200);
      return answer.json<Begun>();
    }
    const poll = (of: Client, device_code: string | undefined, more: Parameters = {}) =>
      post("/oauth/token", { grant_type: GRANT, device_code, client_id: of.client_id, ...more });
    const page = (headers: Readonly<Record<string, string>>, form: Readonly<Record<string, string>>) =>
      service().request("/device", { method: "POST", headers, body: new URLSearchParams(form) });
    const sealOf = ({ text }: Answer) => /name="seal" value="([^"]*)"/.exec(text)?.[1] ?? "";

    /** A person types the code and answers. */
    async function answer(user_code: string, decision = "allow", who: Person | string = "alice") {
      const session = await browser(who);
      const shown = await page(session, { user_code });
      return page(session, { user_code, decision, seal: sealOf(shown) });
    }
    async function given(of: Client = app, more: Parameters = {}, who: Person | string = "alice") {
      const { device_code, user_code } = await begin(of, more);
      expect((await answer(user_code, "allow", who)).text).toContain("Go back to the device");
      const got = await poll(of, device_code);
      expect(got.status, got.text).toBe(200);
      return { device_code, ...got.json<Tokens>() };
    }
    function refused(got: Answer, error: string, status = 400): void {
      expect(got.json(), got.text).toMatchObject({ error });
      expect(got.status).toBe(status);
    }

    beforeAll(async () => {
      await play.resource();
      app = await client();
    });

    describe("stock clients", () => {
      test("oauth4webapi waits, is told to go on waiting, and gets its token", async () => {
        const { insecure, as } = await discovered(service);
        const made = await client({ token_endpoint_auth_method: "client_secret_basic" });
        const one: oauth.Client = { client_id: made.client_id };
        const how = oauth.ClientSecretBasic(made.client_secret ?? "");
        const parameters = { scope: "files:read", resource: RESOURCE };
        const asked = await oauth.deviceAuthorizationRequest(as, one, how, parameters, insecure);
        const { device_code, user_code, verification_uri } = await oauth.processDeviceAuthorizationResponse(
          as,
          one,
          asked,
        );
        expect(verification_uri).toBe(`${ISSUER}/device`);
        const turn = async () =>
          oauth.processDeviceCodeResponse(
            as,
            one,
            await oauth.deviceCodeGrantRequest(as, one, how, device_code, insecure),
          );
        await expect(turn()).rejects.toMatchObject({ error: "authorization_pending" });
        await answer(user_code);
        const got = await turn();
        expect(got).toMatchObject({ token_type: "bearer", scope: "files:read" });
        expect(caveatsOf(got.access_token)).toContain(`client = ${made.client_id}`);
      });

      test("openid-client polls until the person has answered", async () => {
        const config = await configured(service, app.client_id, openid.None());
        const begun = await openid.initiateDeviceAuthorization(config, { resource: RESOURCE });
        await answer(begun.user_code);
        const got = await openid.pollDeviceAuthorizationGrant(config, { ...begun, interval: 0.01 });
        expect(got.scope).toBe("files:read files:write");
      });
    });

    test("the page shows what it allows, the code and the warning, and takes no code from its address", async () => {
      const { user_code } = await begin();
      expect(user_code).toMatch(/^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$/);
      const session = await browser();
      const entry = await service().get(`/device?user_code=${user_code}`, session);
      expect(entry.text).not.toContain(user_code);
      const signedOut = await service().get("/device");
      expect([signedOut.status, signedOut.headers.get("location")]).toEqual([
        303,
        "/login?return_to=%2Fdevice",
      ]);
      const typed = ` ${user_code.toLowerCase().replace("-", " ")} `;
      const { text } = await page(session, { user_code: typed });
      for (const said of [
        user_code,
        RESOURCE,
        "Read your files",
        "1 hour",
        "in front of you",
        "nobody can tell",
      ]) {
        expect(text).toContain(said);
      }
      expect(text).not.toContain("Change your files");
    });

    test("a client that nobody can tell is not named in its token; policy's session gives a refresh token", async () => {
      const got = await given();
      expect(caveatsOf(got.access_token).join()).not.toContain("client");
      expect((await refresh(app, got.refresh_token)).status).toBe(200);
    });

    test("a yes is not remembered, and is on record", async () => {
      const who = `asked ${crypto.randomUUID()}`;
      await given(app, {}, who);
      const session = await browser(who);
      expect((await service().get("/v1/consents", session)).json()).toMatchObject({ items: [] });
      const { user_code, device_code } = await begin();
      expect(sealOf(await page(session, { user_code }))).not.toBe("");
      refused(await poll(app, device_code), "authorization_pending");
      const said = await service().get(
        `/v1/audit?actor=${encodeURIComponent(who)}&action=consent.given`,
        admin(),
      );
      expect(said.json<{ items: object[] }>().items).toMatchObject([
        { details: { client_id: app.client_id, device: true } },
      ]);
    });

    test("a no is told to the device, and is for good", async () => {
      const { device_code, user_code } = await begin();
      expect((await answer(user_code, "deny")).text).toContain("gets nothing");
      refused(await poll(app, device_code), "access_denied");
      expect((await answer(user_code)).text).toContain("No device waits");
      refused(await poll(app, device_code), "access_denied");
    });

    test("one person answers: of two at once one is heard", async () => {
      const { device_code, user_code } = await begin();
      const both = await Promise.all([answer(user_code, "allow", "ann"), answer(user_code, "allow", "bob")]);
      expect(both.filter(({ text }) => text.includes("Go back to the device"))).toHaveLength(1);
      expect((await poll(app, device_code)).status).toBe(200);
    });

    test("a device that asks too often is slowed down, each time more", async () => {
      const { device_code, user_code } = await begin();
      refused(await poll(app, device_code), "authorization_pending");
      refused(await poll(app, device_code), "slow_down");
      await service().advance(6_000);
      people.advance(6_000);
      refused(await poll(app, device_code), "slow_down");
      await service().advance(16_000);
      people.advance(16_000);
      refused(await poll(app, device_code), "authorization_pending");
      await answer(user_code);
      expect((await poll(app, device_code)).status).toBe(200);
    });

    describe("the device's code", () => {
      test("is good once: a second use revokes what the first gave", async () => {
        const { device_code, access_token, refresh_token } = await given();
        expect(await isRevoked(access_token)).toBe(false);
        refused(await poll(app, device_code), "invalid_grant");
        expect(await isRevoked(access_token)).toBe(true);
        refused(await refresh(app, refresh_token), "invalid_grant");
      });

      test("gives one token to two callers at once", async () => {
        const { device_code, user_code } = await begin();
        await answer(user_code);
        const both = await Promise.all([poll(app, device_code), poll(app, device_code)]);
        expect(both.map(({ status }) => status).sort()).toEqual([200, 400]);
      });

      test("is its own client's, and no code of the other grant", async () => {
        const { device_code, user_code } = await begin();
        await answer(user_code);
        refused(await poll(await client(), device_code), "invalid_grant");
        refused(await redeem(app, { text: device_code, verifier: "a".repeat(43) }), "invalid_grant");
        refused(await poll(app, (await play.code(app)).text), "invalid_grant");
        expect((await poll(app, device_code)).status).toBe(200);
      });

      test.each<{ readonly error: string; readonly more: Parameters }>([
        { error: "invalid_request", more: { device_code: undefined } },
        { error: "invalid_request", more: { device_code: ["a", "b"] } },
        { error: "invalid_grant", more: { device_code: "x" } },
        { error: "invalid_grant", more: { device_code: "A".repeat(59) } },
        { error: "invalid_target", more: { resource: "https://other.example.com/mcp" } },
        { error: "invalid_target", more: { resource: [RESOURCE, RESOURCE] } },
        { error: "invalid_scope", more: { scope: "files:write" } },
      ])("$error: $more", async ({ error, more }) => {
        const { device_code, user_code } = await begin();
        await answer(user_code);
        refused(await poll(app, device_code, more), error);
      });

      test("of no client, or one that does not authenticate", async () => {
        const made = await client({ token_endpoint_auth_method: "client_secret_post" });
        const { device_code, user_code } = await begin(made, { client_secret: made.client_secret });
        await answer(user_code);
        refused(await poll(made, device_code), "invalid_client", 401);
        refused(await poll(made, device_code, { client_secret: "x" }), "invalid_client", 401);
        refused(await poll(made, device_code, { client_id: undefined }), "invalid_client", 401);
        const got = await poll(made, device_code, { client_secret: made.client_secret });
        expect(got.status, got.text).toBe(200);
      });
    });

    describe("a request that is not one", () => {
      test.each<{ readonly error: string; readonly more: Parameters; readonly status?: number }>([
        { error: "invalid_client", more: { client_id: undefined }, status: 401 },
        { error: "invalid_client", more: { client_id: "x" }, status: 401 },
        { error: "invalid_request", more: { client_id: ["a", "b"] } },
        { error: "invalid_client", more: { client_secret: "x" }, status: 401 },
        { error: "unauthorized_client", more: { client_id: "https://cimd.example/client.json" } },
        { error: "invalid_target", more: { resource: `${RESOURCE}/sub` } },
        { error: "invalid_target", more: { resource: [RESOURCE, RESOURCE] } },
        { error: "invalid_scope", more: { scope: "files:delete" } },
        { error: "invalid_scope", more: { scope: "files:read  files:write" } },
        { error: "invalid_request", more: { scope: ["files:read", "files:read"] } },
      ])("$error: $more", async ({ error, more, status = 400 }) => {
        refused(await ask(app, more), error, status);
      });

      test("one network begins so many", async () => {
        const from = { "x-test-peer": "203.0.113.9" };
        let status = 200;
        for (let n = 0; n < 40 && status === 200; n++) ({ status } = await ask(app, {}, from));
        expect(status).toBe(429);
        expect((await ask(app)).status).toBe(200);
      });

      test("one network that is refused uses up nothing of those beside it", async () => {
        const from = { "x-test-peer": "203.0.114.9" };
        for (let n = 0; n < 170; n++) await ask(app, {}, from);
        expect((await ask(app, {}, from)).status).toBe(429);
        expect((await ask(app, {}, { "x-test-peer": "203.0.114.10" })).status).toBe(200);
      });
    });

    describe("the person's page", () => {
      test("tells of a code that is none, and holds up a person who guesses, and nobody else", async () => {
        const session = await browser(`guesser ${crypto.randomUUID()}`);
        for (const user_code of ["", "x", "AAAA-AAAA", "WDJB-MJHT", "BBBBBBBBB"]) {
          const said = await page(session, { user_code });
          expect([said.status, said.text.includes("No device waits")]).toEqual([200, true]);
        }
        const { user_code } = await begin();
        expect((await page(session, { user_code })).status).toBe(429);
        expect((await page(await browser(), { user_code })).text).toContain(user_code);
      });

      test("takes no answer without its seal, another's, or from another origin", async () => {
        const { device_code, user_code } = await begin();
        const session = await browser("sam");
        const seal = sealOf(await page(session, { user_code }));
        const other = await page(await browser("tom"), { user_code, decision: "allow", seal });
        expect(other.text).toContain("has changed since");
        expect((await page(session, { user_code, decision: "allow", seal: "" })).text).toContain(
          "has changed",
        );
        expect((await page(session, { user_code, decision: "maybe", seal })).status).toBe(400);
        const foreign = { ...session, origin: "https://evil.example" };
        expect((await page(foreign, { user_code, decision: "allow", seal })).status).toBe(403);
        expect((await page({ origin: ISSUER }, { user_code, decision: "allow", seal })).status).toBe(401);
        refused(await poll(app, device_code), "authorization_pending");
      });

      test("asks nobody whom the platform issues nothing to", async () => {
        const uri = "https://closed-device.example.com/mcp";
        await service().createPlatform("closed-device", { rules: [] });
        await play.resource(uri, "closed-device");
        const { user_code } = await begin(app, { resource: uri });
        expect((await page(await browser(), { user_code })).status).toBe(403);
      });
    });

    describe("what was revoked does not come back by it", () => {
      const grantee = () => `device ${crypto.randomUUID()}`;
      // A session that began a minute ago, so that the service's clock and the database's may differ.
      const early = (subject: string) => ({ subject, authenticatedAt: Date.now() - 60_000 });

      test("a person, between the yes and the token, and also when both happen at once", async () => {
        const subject = grantee();
        const { device_code, user_code } = await begin();
        await answer(user_code, "allow", early(subject));
        await service().revoke([{ principal: { subject } }], admin());
        refused(await poll(app, device_code), "invalid_grant");
        for (let round = 0; round < 3; round++) {
          const one = grantee();
          const begun = await begin();
          await answer(begun.user_code, "allow", early(one));
          const [got] = await Promise.all([
            poll(app, begun.device_code),
            service().revoke([{ principal: { subject: one } }], admin()),
          ]);
          if (got?.status === 200) expect(await isRevoked(got.json<Tokens>().access_token)).toBe(true);
        }
      });

      test("a platform, and a root key", async () => {
        for (const name of ["key", "platform"] as const) {
          // A login ends with the root key of its time, so each has a platform of its own.
          const [platform, uri] = [`mortal-device-${name}`, `https://mortal-${name}.example.com/mcp`];
          await service().createPlatform(platform);
          await play.resource(uri, platform);
          const more = { resource: uri };
          const { access_token } = await given(app, more, early(grantee()));
          const decoded = decodeBundle(access_token);
          const identifier = decoded.ok ? new TextDecoder().decode(decoded.macaroons[0].identifier) : "";
          const { device_code, user_code } = await begin(app, more);
          await answer(user_code, "allow", early(grantee()));
          const target = name === "key" ? { key_id: identifier.split(".")[1] } : { platform };
          await service().revoke([target], admin());
          refused(await poll(app, device_code), "invalid_grant");
        }
      });

      test("a client that is deleted", async () => {
        const gone = await client({ token_endpoint_auth_method: "client_secret_post" });
        const secret = { client_secret: gone.client_secret };
        const waiting = await begin(gone, secret);
        const allowed = await begin(gone, secret);
        await answer(allowed.user_code);
        const path = `/v1/clients/${gone.client_id}`;
        expect((await service().request(path, { method: "DELETE", headers: admin() })).status).toBe(204);
        refused(await poll(gone, allowed.device_code, secret), "invalid_client", 401);
        expect((await answer(waiting.user_code)).text).toContain("No device waits");
      });
    });

    test("a request is over after ten minutes, answered or not", async () => {
      const waiting = await begin();
      const allowed = await begin();
      await answer(allowed.user_code);
      await service().advance(601_000);
      people.advance(601_000);
      refused(await poll(app, waiting.device_code), "expired_token");
      refused(await poll(app, allowed.device_code), "expired_token");
      expect((await answer(waiting.user_code)).text).toContain("No device waits");
    });
  },
  { relyingParty: people.relyingParty },
);
