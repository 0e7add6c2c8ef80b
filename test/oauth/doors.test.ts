/**
 * A token that a foreign library narrowed, at every door at which a resource asks: what was issued for one resource is good there
 * and nowhere else, and what was issued for none is good where that is accepted, whatever its holder appends.
 */
import foreign from "macaroon";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import {
  type Bakehouse,
  createBakehouse,
  createLocalVerifier,
  decide,
  guardTool,
  type LocalVerifier,
  Token,
  ToolRefusedError,
} from "../../src/client/index.ts";
import { createMcpGuard } from "../../src/client/mcp/mcp.ts";
import {
  type Allowed,
  type Answer,
  bearer,
  describeService,
  type Issued,
  type Refused,
} from "../support/service.ts";
import { stubRelyingParty } from "../support/service-login.ts";
import { type Client, ISSUER, player, RESOURCE } from "./flow.ts";

const people = stubRelyingParty();
const OTHER = "https://mcp.example.com/other";
const OPEN = "https://mcp.example.com/open";
const TYPE = "urn:ietf:params:oauth:token-type:";
const SCOPE = "files:read";

/** Appends caveats with npm's `macaroon`, which knows nothing of their language. */
function appended(token: string, ...caveats: readonly string[]): string {
  const macaroon = foreign.importMacaroon(JSON.parse(Token.parse(token).encode("v2-json")));
  for (const caveat of caveats) macaroon.addFirstPartyCaveat(caveat);
  return Token.parse(JSON.stringify(macaroon.exportJSON())).encode();
}

type Door = (token: string, resource: string) => Promise<boolean>;

describeService(
  "a resource's doors",
  (service) => {
    const play = player(service, people);
    const credentials = new Map<string, string>();
    let gateway: Client;
    let listening: { readonly url: string; close(): Promise<void> };
    let platform: Bakehouse;
    let local: LocalVerifier;
    let bound: string;
    let unbound: string;

    beforeAll(async () => {
      await play.resource();
      await play.resource(OTHER);
      await play.resource(OPEN, "default", { accept_unbound: true });
      for (const resource of [RESOURCE, OTHER, OPEN]) {
        const path = "/v1/platforms/default/credentials";
        const made = await service().send("POST", path, { resource }, service().asAdmin());
        credentials.set(resource, made.json<Issued>().token);
      }
      gateway = await play.client({ token_endpoint_auth_method: "client_secret_post" });
      listening = await service().listen();
      const credential = (service().asPlatform()["authorization"] ?? "").slice("Bearer ".length);
      platform = createBakehouse({ url: listening.url, credential });
      local = createLocalVerifier({ service: platform });
      bound = (await play.tokens(await play.client())).access_token;
      unbound = (await service().issue()).token;
    });
    afterAll(async () => {
      local?.close();
      await listening?.close();
    });

    const context = { scope: SCOPE, tool: "read" };
    const credentialOf = (resource: string) => credentials.get(resource) ?? "";
    const isActive = (answer: Answer) => answer.json<{ readonly active?: boolean }>().active === true;
    const exchanged = async (token: string, resource: string, more: object = {}) => {
      const answer = await play.post("/oauth/token", {
        grant_type: "urn:ietf:params:oauth:grant-type:token-exchange",
        subject_token: token,
        subject_token_type: `${TYPE}access_token`,
        resource,
        client_id: gateway.client_id,
        client_secret: gateway.client_secret,
        ...more,
      });
      if (answer.status !== 200) {
        expect(answer.json(), answer.text).toMatchObject({
          error: expect.stringMatching(/^invalid_(target|request)$/),
        });
      }
      return answer.status === 200;
    };

    const DOORS: Readonly<Record<string, Door>> = {
      verify: async (token, resource) => (await service().verify(token, context, { resource })).allowed,
      "verify by the resource's own credential": async (token, resource) => {
        const as = bearer(credentialOf(resource));
        const answer = await service().send("POST", "/v1/verify", { token, context }, as);
        return answer.json<Allowed | Refused>().allowed;
      },
      batch: async (token, resource) => {
        const body = { requests: [{ token, context, resource }] };
        const answer = await service().send("POST", "/v1/verify/batch", body, service().asPlatform());
        return answer.json<{ results: readonly Allowed[] }>().results[0]?.allowed === true;
      },
      "introspection by Bearer": async (token, resource) =>
        isActive(await play.post("/oauth/introspect", { token }, bearer(credentialOf(resource)))),
      "introspection by Basic": async (token, resource) => {
        const basic = Buffer.from(`files:${credentialOf(resource)}`).toString("base64");
        return isActive(await play.post("/oauth/introspect", { token }, { authorization: `Basic ${basic}` }));
      },
      "introspection by a secret in the form": async (token, resource) =>
        isActive(await play.post("/oauth/introspect", { token, client_secret: credentialOf(resource) })),
      exchange: (token, resource) => exchanged(token, resource),
      "exchange for an audience": (token, audience) =>
        exchanged(token, audience, { resource: undefined, audience }),
      "exchange for a signed verdict": (token, resource) =>
        exchanged(token, resource, { requested_token_type: `${TYPE}jwt` }),
      "a guard": async (token, resource) =>
        (await decide(platform, { authorization: `Bearer ${token}`, context, resource })).pass,
      "a guard in front of a local verifier": async (token, resource) =>
        (await decide(local, { authorization: `Bearer ${token}`, context, resource })).pass,
      "a tool": async (token, resource) => {
        const tool = guardTool(platform, "read", async () => true);
        return tool({}, { token, resource, context: { scope: SCOPE } }).catch((error: unknown) => {
          if (error instanceof ToolRefusedError) return false;
          throw error;
        });
      },
      "an MCP server": async (token, resource) => {
        const acceptUnbound = resource === OPEN;
        const guard = createMcpGuard({
          service: platform,
          resource,
          tools: { read: [SCOPE] },
          issuer: ISSUER,
          acceptUnbound,
        });
        const access = await guard.verifyAccessToken(token).catch(({ code }: { code: unknown }) => code);
        if (access === "invalid_token") return false;
        expect(access).toMatchObject({ token });
        return true;
      },
    };

    /** What introspection and verdicts cannot carry is not appended: what is not said here is tested beside them. */
    const APPENDED = [
      [`aud = ${OTHER}`],
      [`aud in ${RESOURCE}, ${OTHER}, ${OPEN}`],
      [`aud = ${RESOURCE}`, `aud = ${OTHER}`],
      [`aud = ${OTHER}`, `scope = ${SCOPE}`],
      [`resource = ${OTHER}`],
      ["client = app"],
      [`agent = ${OTHER}`],
      [`AUD = ${OTHER}`],
      [` aud = ${OTHER}`],
      [`aud = ${OTHER}/`],
    ] as const;

    describe.each(Object.entries(DOORS))("%s", (_, allows) => {
      test("lets a token of the code flow in that a foreign library narrowed, as its resource and no other", async () => {
        const narrowed = appended(bound, `scope in ${SCOPE}, files:list`, "agent = researcher");
        expect(await allows(narrowed, RESOURCE)).toBe(true);
        expect(await allows(narrowed, OTHER)).toBe(false);
        expect(await allows(narrowed, OPEN)).toBe(false);
        expect(await allows(appended(bound, `aud = ${RESOURCE}`), RESOURCE)).toBe(true);
        expect(await allows(appended(bound, `aud = ${OTHER}`), RESOURCE)).toBe(false);
        expect(await allows(appended(bound, `aud = ${OTHER}`), OTHER)).toBe(false);
      });

      test("lets a token of no resource in where that is accepted alone, whatever is appended", async () => {
        expect(await allows(appended(unbound, "agent = researcher"), OTHER)).toBe(false);
        for (const caveats of APPENDED) {
          expect(await allows(appended(unbound, ...caveats), OTHER), caveats.join()).toBe(false);
          expect(await allows(appended(bound, ...caveats), OTHER), caveats.join()).toBe(false);
        }
      });
    });

    test("a token of no resource is let in where that is accepted", async () => {
      for (const [name, allows] of Object.entries(DOORS)) {
        expect(await allows(appended(unbound, `aud = ${OPEN}`, `scope = ${SCOPE}`), OPEN), name).toBe(true);
      }
    });
  },
  { relyingParty: people.relyingParty },
);
