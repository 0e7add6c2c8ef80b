/** Short signed verdicts: foreign gateways verify them by the key set alone, and nothing gets one that introspection would refuse. */
import { createLocalJWKSet, createRemoteJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify } from "jose";
import * as oauth from "oauth4webapi";
import { beforeAll, describe, expect, test } from "vitest";

import { type Answer, describeService, type Issued } from "../support/service.ts";
import { stubRelyingParty } from "../support/service-login.ts";
import { linkOf, narrow } from "../support/service-macaroons.ts";
import { type Client, ISSUER, type Parameters, player, RESOURCE } from "./flow.ts";

const people = stubRelyingParty();
const OTHER = "https://bank.example.com/mcp";
const EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange";
const JWT = "urn:ietf:params:oauth:token-type:jwt";
const ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token";
const DAY = 86_400_000;

interface Exchanged {
  readonly access_token: string;
  readonly issued_token_type: string;
  readonly token_type: string;
  readonly expires_in: number;
  readonly scope?: string;
}

interface Keys {
  readonly keys: readonly { readonly kid: string }[];
}

describeService(
  "short signed verdicts",
  (service) => {
    const play = player(service, people);
    let gateway: Client;

    beforeAll(async () => {
      await play.resource();
      await service().createPlatform("bank");
      await play.resource(OTHER, "bank");
      gateway = await play.client({ token_endpoint_auth_method: "client_secret_post" });
    });

    const ask = (subject_token: string, more: Parameters = {}) =>
      play.post("/oauth/token", {
        grant_type: EXCHANGE,
        subject_token,
        subject_token_type: ACCESS_TOKEN,
        requested_token_type: JWT,
        resource: RESOURCE,
        client_id: gateway.client_id,
        client_secret: gateway.client_secret,
        ...more,
      });
    async function signed(token: string, more: Parameters = {}): Promise<Exchanged> {
      const answer = await ask(token, more);
      expect(answer.status, answer.text).toBe(200);
      expect(answer.headers.get("cache-control")).toBe("no-store");
      return answer.json<Exchanged>();
    }
    const bound = (...caveats: readonly string[]) =>
      service().issue({ caveats: [`aud = ${RESOURCE}`, "scope in files:read, files:write", ...caveats] });
    const errorOf = (answer: Answer) => answer.json<{ readonly error: string }>().error;
    const kidOf = ({ access_token }: Exchanged) => decodeProtectedHeader(access_token).kid;
    const published = async (get = service().get) =>
      (await get("/.well-known/jwks.json")).json<Keys>().keys.map(({ kid }) => kid);

    test("jose verifies one from the key set over HTTP, and it says what introspection would", async () => {
      const { client_secret } = gateway;
      const got = await play.redeem(gateway, await play.code(gateway), { client_secret });
      const { access_token } = got.json<Exchanged>();
      const child = narrow(access_token, "agent = child#1");
      const said = await signed(child);
      expect(said).toMatchObject({
        issued_token_type: JWT,
        token_type: "Bearer",
        expires_in: 300,
        scope: "files:read",
      });
      const server = await service().listen();
      try {
        const keys = createRemoteJWKSet(new URL("/.well-known/jwks.json", server.url));
        const { payload, protectedHeader } = await jwtVerify(said.access_token, keys, {
          issuer: ISSUER,
          audience: RESOURCE,
          typ: "at+jwt",
          algorithms: ["EdDSA"],
        });
        expect(protectedHeader).toEqual({ alg: "EdDSA", typ: "at+jwt", kid: expect.any(String) });
        expect(payload).toEqual({
          iss: ISSUER,
          sub: expect.stringMatching(/^[\w-]{16}$/),
          aud: RESOURCE,
          client_id: gateway.client_id,
          iat: expect.any(Number),
          exp: (payload.iat ?? 0) + 300,
          jti: expect.stringMatching(/^[\w-]{22}$/),
          scope: "files:read",
          revocation_id: linkOf(child),
          agents: ["child#1"],
        });
        expect((await signed(child)).access_token).not.toBe(said.access_token);
      } finally {
        await server.close();
      }
    });

    test("oauth4webapi exchanges, and accepts it as a JWT access token", async () => {
      const { token } = await bound();
      const as: oauth.AuthorizationServer = (
        await service().get("/.well-known/oauth-authorization-server")
      ).json<oauth.AuthorizationServer & Record<string, unknown>>();
      expect(as.grant_types_supported).toContain(EXCHANGE);
      const options = {
        [oauth.allowInsecureRequests]: true,
        [oauth.customFetch]: async (
          address: string,
          { method, headers, body }: oauth.CustomFetchOptions<string, unknown>,
        ) => {
          const { pathname } = new URL(address);
          const text = body === undefined || body === null ? null : String(body);
          const answer = await service().request(pathname, { method, headers, body: text });
          return new Response(answer.text, { status: answer.status, headers: answer.headers });
        },
      };
      const client: oauth.Client = { client_id: gateway.client_id };
      const proof = oauth.ClientSecretPost(gateway.client_secret ?? "");
      const parameters = {
        subject_token: token,
        subject_token_type: ACCESS_TOKEN,
        requested_token_type: JWT,
        audience: RESOURCE,
      };
      const answer = await oauth.genericTokenEndpointRequest(
        as,
        client,
        proof,
        EXCHANGE,
        parameters,
        options,
      );
      const { access_token } = await oauth.processGenericTokenEndpointResponse(as, client, answer);
      const call = new Request(RESOURCE, { headers: { authorization: `Bearer ${access_token}` } });
      const claims = await oauth.validateJwtAccessToken(as, call, RESOURCE, options);
      expect(claims).toMatchObject({ client_id: gateway.client_id, scope: "files:read files:write" });
    });

    test("it never outlives the token, and is never wider", async () => {
      const { token } = await bound();
      const soon = new Date(Date.now() + 60_000).toISOString();
      const short = await signed(narrow(token, `time < ${soon}`));
      expect(decodeJwt(short.access_token).exp).toBeLessThanOrEqual(Date.parse(soon) / 1000);
      expect(short.expires_in).toBeLessThanOrEqual(60);
      expect((await signed(token, { scope: "files:write" })).scope).toBe("files:write");
      expect((await signed(narrow(token, "scope = files:read"))).scope).toBe("files:read");
      for (const scope of ["files:delete", "files:read files:delete", "files:read  files:write"]) {
        expect(errorOf(await ask(token, { scope })), scope).toBe("invalid_scope");
      }
      const narrowed = narrow(token, "scope = files:read");
      expect(errorOf(await ask(narrowed, { scope: "files:write" }))).toBe("invalid_scope");
    });

    describe("what introspection would not call active gets none", () => {
      test.each<readonly [string, (token: string) => string]>([
        ["a condition on arguments", (token) => narrow(token, "args.amount <= 5")],
        ["a budget", (token) => narrow(token, "uses <= 5")],
        ["a holder's key", (token) => narrow(token, `holder = ${"A".repeat(43)}`)],
        ["another resource", (token) => narrow(token, `aud = ${OTHER}`)],
        ["no scope left", (token) => narrow(token, "scope = files:delete")],
        ["its end", (token) => narrow(token, "time < 2020-01-01T00:00:00Z")],
        ["no macaroon", () => "x.y.z"],
      ])("%s", async (_, change) => {
        const answer = await ask(change((await bound()).token));
        expect(answer.status).toBe(400);
        expect(errorOf(answer)).toBe("invalid_request");
      });

      test("a token that names no resource, or is another platform's", async () => {
        const unbound = await service().issue();
        expect(errorOf(await ask(unbound.token))).toBe("invalid_request");
        expect(errorOf(await ask(narrow(unbound.token, `aud = ${RESOURCE}`)))).toBe("invalid_request");
        const foreign = await service().issue({ platform: "bank", caveats: [`aud = ${RESOURCE}`] });
        expect(errorOf(await ask(foreign.token))).toBe("invalid_request");
        expect(errorOf(await ask((await bound()).token, { resource: OTHER }))).toBe("invalid_request");
        const elsewhere = { resource: "https://nowhere.example/mcp" };
        expect(errorOf(await ask(unbound.token, elsewhere))).toBe("invalid_target");
      });

      test("a token that was revoked; what is out by then goes on to its end", async () => {
        const one: Issued = await bound();
        const { access_token } = await signed(one.token);
        await service().revoke([{ token: one.token }]);
        expect(errorOf(await ask(one.token))).toBe("invalid_request");
        const keys = (await service().get("/.well-known/jwks.json")).json<{ keys: [] }>();
        await jwtVerify(access_token, createLocalJWKSet(keys), { audience: RESOURCE });
      });
    });

    test("only a client that authenticates gets one", async () => {
      const { token } = await bound();
      const open = await play.client();
      for (const more of [
        { client_id: open.client_id, client_secret: undefined },
        { client_secret: undefined },
        { client_secret: "x" },
        { client_id: undefined, client_secret: undefined },
        { client_id: open.client_id },
      ]) {
        const answer = await ask(token, more);
        expect(answer.status, JSON.stringify(more)).toBe(401);
        expect(errorOf(answer)).toBe("invalid_client");
      }
    });

    test.each<readonly [string, Parameters, string]>([
      ["no token", { subject_token: undefined }, "invalid_request"],
      ["two tokens", { subject_token: ["a", "b"] }, "invalid_request"],
      ["no type of it", { subject_token_type: undefined }, "invalid_request"],
      ["a token's other type", { subject_token_type: JWT }, "invalid_request"],
      ["an actor", { actor_token: "x", actor_token_type: JWT }, "invalid_request"],
      ["two places", { resource: [RESOURCE, OTHER] }, "invalid_target"],
      ["another audience", { audience: OTHER }, "invalid_target"],
      ["no place, of two", { resource: undefined }, "invalid_target"],
    ])("refuses a request with %s", async (_, more, error) => {
      expect(errorOf(await ask((await bound()).token, more))).toBe(error);
    });

    test("each is on record, by its id and the link that it stands for", async () => {
      const one = await bound();
      const { access_token } = await signed(one.token);
      const events = await service().get("/v1/audit?action=verdict.signed", service().asPlatform());
      const [last] = events.json<{ items: readonly { actor: object; details: object }[] }>().items;
      const { jti, exp } = decodeJwt(access_token);
      expect(last).toMatchObject({
        actor: { kind: "holder", token_id: one.token_id },
        details: {
          jti,
          token_id: one.token_id,
          revocation_id: one.revocation_id,
          client_id: gateway.client_id,
          resource: RESOURCE,
          expires_at: (exp ?? 0) * 1000,
        },
      });
      expect(events.text).not.toContain(access_token.split(".")[2]);
    });

    test("every replica publishes the same keys: the next one a day before it signs, the last one a day after", async () => {
      const other = service().replica();
      await other.start();
      const first = kidOf(await signed((await bound()).token));
      expect(await published(other.get)).toEqual([first]);

      await service().advance(30 * DAY);
      await service().maintenance.run();
      expect(service().reports).toEqual([]);
      const both = await published();
      expect(both).toHaveLength(2);
      expect(both).toContain(first);
      expect(kidOf(await signed((await bound()).token))).toBe(first);
      await service().advance(DAY + 1_000);
      const next = kidOf(await signed((await bound()).token));
      expect(both.filter((kid) => kid !== first)).toEqual([next]);
      expect((await published()).sort()).toEqual([...both].sort());
      await service().advance(DAY + 1_000);
      await service().maintenance.run();
      expect(await published()).toEqual([next]);
      const gone = await service().get("/v1/audit?action=verdict_key.destroyed", service().asAdmin());
      expect(gone.json()).toMatchObject({ items: [{ details: { key_id: first } }] });
    });
  },
  { relyingParty: people.relyingParty },
);
