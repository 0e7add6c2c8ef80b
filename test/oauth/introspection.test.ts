import { connect } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import * as oauth from "oauth4webapi";
import * as openid from "openid-client";
import { beforeAll, describe, expect, test } from "vitest";

import { DomainError } from "../../src/domain/parts/error.ts";
import { hasPython, runPython, WHERE } from "../client-python/python.ts";
import { createTestApp } from "../http/app.ts";
import { CREDENTIALS } from "../support/fake-service.ts";
import { type Answer, bearer, describeService, type Issued } from "../support/service.ts";
import { bound, bundle, createThirdParty, forged, narrow, tickets } from "../support/service-macaroons.ts";
import recorded from "./fastmcp.json" with { type: "json" };

const FILES = "https://mcp.example.com/files";
const MAIL = "https://mcp.example.com/mail";
const OPEN = "https://mcp.example.com/open";

type Headers = Readonly<Record<string, string>>;

const basic = (id: string, secret: string): Headers => ({
  authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString("base64")}`,
});

describeService("POST /oauth/introspect", (service) => {
  let files: string;
  let open: string;
  let whole: Issued;

  const issue = (caveats: readonly string[], more: object = {}) =>
    service().issue({ platform: "shop", caveats, ...more });
  const send = (body: string, headers: Headers = {}): Promise<Answer> =>
    service().request("/oauth/introspect", {
      method: "POST",
      headers: { "content-type": "application/x-www-form-urlencoded", ...headers },
      body,
    });
  const ask = async (token: string, credential = files) => {
    const answer = await send(new URLSearchParams({ token }).toString(), bearer(credential));
    expect(answer.status, answer.text).toBe(200);
    expect(answer.headers.get("cache-control")).toBe("no-store");
    return answer.json<Readonly<Record<string, unknown>> & { active: boolean }>();
  };

  beforeAll(async () => {
    for (const name of ["shop", "bank"]) await service().createPlatform(name);
    const hosts = { resource_hosts: ["mcp.example.com"] };
    await service().send("PATCH", "/v1/platforms/shop", hosts, service().asAdmin());
    for (const [resource, accept_unbound] of [
      [FILES, false],
      [MAIL, false],
      [OPEN, true],
    ] as const) {
      const path = "/v1/platforms/shop/resources";
      await service().send("POST", path, { resource, name: "R", accept_unbound }, service().asAdmin());
    }
    const credentialOf = async (resource: string) => {
      const path = "/v1/platforms/shop/credentials";
      return (await service().send("POST", path, { resource }, service().asAdmin())).json<Issued>().token;
    };
    files = await credentialOf(FILES);
    open = await credentialOf(OPEN);
    whole = await issue([`aud = ${FILES}`, "scope in files:read, files:list, files:write"]);
  });

  test("tells a resource all of a token that is good there", async () => {
    const token = narrow(whole.token, "agent = researcher", "scope in files:read, files:list, mail:read");
    const said = await ask(token);
    const seconds = (at: string) => Math.floor(Date.parse(at) / 1000);
    expect(said).toEqual({
      active: true,
      iss: service().publicUrl,
      sub: whole.principal.id,
      aud: FILES,
      scope: "files:read files:list",
      exp: seconds(whole.expires_at),
      iat: seconds(whole.issued_at),
      jti: whole.token_id,
      token_type: "Bearer",
      principal: whole.principal,
      agents: ["researcher"],
      revocation_ids: expect.any(Array),
    });
    const verdict = await service().verify(token, { scope: "files:read" }, { resource: FILES }, "shop");
    expect(said["revocation_ids"]).toEqual(verdict.allowed && verdict.revocation_ids);
  });

  test("an unbound token is good where that is accepted, and says no audience and no scope", async () => {
    const { token } = await issue([]);
    const said = await ask(token, open);
    expect(said).toMatchObject({ active: true });
    expect(Object.keys(said)).not.toContain("aud");
    expect(Object.keys(said)).not.toContain("scope");
    expect(await ask(token)).toEqual({ active: false });
  });

  describe("the credential", () => {
    const form = () => new URLSearchParams({ token: whole.token }).toString();
    const plain = () =>
      service()
        .asPlatform("shop")
        ["authorization"]?.replace(/^Bearer /, "") ?? "";

    test("comes as Bearer, or as the secret of any client, in the header or in the form", async () => {
      const posted = new URLSearchParams({ token: whole.token, client_id: "x", client_secret: files });
      for (const answer of [
        await send(form(), bearer(files)),
        await send(form(), basic("", files)),
        await send(form(), basic("https%3A%2F%2Fa.example%2Fb", files)),
        await send(posted.toString()),
        await send(new URLSearchParams({ token: whole.token, client_secret: files }).toString()),
      ]) {
        expect(answer.json(), answer.text).toMatchObject({ active: true, aud: FILES, jti: whole.token_id });
      }
    });

    test.each<[string, () => Promise<Answer>, number, string]>([
      ["none", () => send(form()), 401, "invalid_client"],
      ["an empty secret", () => send(`${form()}&client_secret=`), 401, "invalid_client"],
      ["a wrong one", () => send(form(), basic("x", forged(files))), 401, "invalid_client"],
      ["nonsense", () => send(form(), basic("x", "nonsense")), 401, "invalid_client"],
      ["Basic without a colon", () => send(form(), { authorization: "Basic eA==" }), 401, "invalid_client"],
      ["Basic that is no base64", () => send(form(), { authorization: "Basic !!" }), 401, "invalid_client"],
      ["a token of the platform", () => send(form(), bearer(whole.token)), 401, "invalid_client"],
      ["another scheme", () => send(form(), { authorization: `DPoP ${files}` }), 401, "invalid_client"],
      [
        "two ways at once",
        () => send(`${form()}&client_secret=${files}`, basic("x", files)),
        400,
        "invalid_request",
      ],
      ["an administrator's", () => send(form(), service().asAdmin()), 403, "unauthorized_client"],
      ["a person's", () => send(form(), service().asHuman("alice")), 403, "unauthorized_client"],
      [
        "one for other actions",
        () => send(form(), bearer(narrow(files, "action = read"))),
        403,
        "unauthorized_client",
      ],
      [
        "one that names a resource by an appended caveat",
        () => send(form(), bearer(narrow(plain(), `resource = ${FILES}`))),
        403,
        "unauthorized_client",
      ],
    ])("%s is refused", async (_, refused, status, error) => {
      const answer = await refused();
      expect(answer.json(), answer.text).toMatchObject({
        status,
        error,
        error_description: expect.any(String),
      });
      expect(answer.headers.get("cache-control")).toBe("no-store");
      expect(answer.headers.get("content-type")).toBe("application/json");
      expect(answer.headers.has("www-authenticate")).toBe(status === 401);
      expect(answer.text).not.toContain(files);
    });

    test("of another platform or another resource makes the token inactive, and says nothing of it", async () => {
      const bank =
        service()
          .asPlatform("bank")
          ["authorization"]?.replace(/^Bearer /, "") ?? "";
      expect(await ask(whole.token, bank)).toEqual({ active: false });
      expect(await ask(whole.token, open)).toEqual({ active: false });
      // It asks as no resource, so no aud passes.
      expect(await ask(whole.token, plain())).toEqual({ active: false });
    });
  });

  describe("inactive is", () => {
    const here = (...caveats: readonly string[]) => issue([`aud = ${FILES}`, ...caveats]);

    test.each<[string, () => Promise<string>]>([
      ["nonsense", async () => "nonsense"],
      ["a JWT", async () => "eyJhbGciOiJub25lIn0.e30."],
      ["a forged token", async () => forged(whole.token)],
      ["a credential", async () => files],
      ["a token for another resource", async () => (await issue([`aud = ${MAIL}`])).token],
      ["one that was narrowed to another", async () => narrow(whole.token, `aud = ${MAIL}`)],
      ["an unbound one that says it is bound", async () => narrow((await issue([])).token, `aud = ${FILES}`)],
      ["an expired one", async () => narrow(whole.token, "time < 2020-01-01T00:00:00Z")],
      ["one that is not valid yet", async () => narrow(whole.token, "time > 2090-01-01T00:00:00Z")],
      ["one with a condition on arguments", async () => narrow(whole.token, "args.amount <= 5")],
      [
        "one with a condition on the tool",
        async () => narrow(whole.token, "when tool = pay then args.amount <= 5"),
      ],
      ["one whose condition a missing attribute would pass", async () => narrow(whole.token, "tool != pay")],
      ["one with an empty intersection of scopes", async () => narrow(whole.token, "scope = mail:read")],
      ["one with scopes that were denied", async () => narrow(whole.token, "scope not in files:write")],
      ["one with a pattern of scopes", async () => narrow(whole.token, "scope matches files:*")],
      [
        "one with scopes of some calls",
        async () => narrow(whole.token, "when a = b then scope = files:read"),
      ],
      ["one with a path below scope", async () => narrow(whole.token, "scope.x = files:read")],
      ["one whose scope is two in one", async () => (await here('scope in "files:read files:write"')).token],
      ["one with a budget", async () => narrow(whole.token, "uses <= 5")],
      ["one with a spend", async () => narrow(whole.token, "spend.EUR <= 5")],
      ["one with a rate", async () => narrow(whole.token, "rate <= 5/m")],
      [
        "one with a holder",
        async () => narrow(whole.token, "holder = NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"),
      ],
      ["one with an unknown caveat", async () => narrow(whole.token, "what is this")],
      ["one with an appended client", async () => narrow(whole.token, "client = app")],
      ["one that was handed on too often", async () => narrow(whole.token, "depth <= 0", "agent = a")],
    ])("%s", async (_, made) => {
      expect(await ask(await made())).toEqual({ active: false });
    });

    test("one without its discharge, or whose discharge says what the answer can't", async () => {
      const third = createThirdParty();
      const { token } = await here("scope in files:read, files:list");
      const asked = third.require(token, "somebody said so");
      const [ticket = ""] = tickets(asked);
      const withDischarge = (...caveats: readonly string[]) =>
        ask(bundle(asked, bound(asked, third.discharge(ticket, ...caveats))));
      expect(await ask(asked)).toEqual({ active: false });
      expect(await withDischarge()).toMatchObject({ active: true, scope: "files:read files:list" });
      expect(await withDischarge("scope = files:list")).toMatchObject({ active: true, scope: "files:list" });
      for (const caveat of ["args.amount <= 5", `aud = ${MAIL}`, "scope = mail:read", "uses <= 1"]) {
        expect(await withDischarge(caveat), caveat).toEqual({ active: false });
      }
    });

    test("a revoked one, from the answer to the revocation on", async () => {
      const { token } = await here();
      const child = narrow(token, "agent = leaked");
      expect(await ask(child)).toMatchObject({ active: true });
      await service().revoke([{ token: child }], {});
      expect(await ask(child)).toEqual({ active: false });
      expect(await ask(token)).toMatchObject({ active: true });
    });
  });

  test("stock clients introspect, in both ways, and is told that it has a wrong secret", async () => {
    const { url, close } = await service().listen();
    const server = { issuer: service().publicUrl, introspection_endpoint: `${url}/oauth/introspect` };
    const client = { client_id: "https://files.example/a server" };
    const introspect = async (authentication: oauth.ClientAuth, token: string) => {
      const options = { [oauth.allowInsecureRequests]: true };
      const response = await oauth.introspectionRequest(server, client, authentication, token, options);
      return oauth.processIntrospectionResponse(server, client, response);
    };
    for (const way of [oauth.ClientSecretBasic, oauth.ClientSecretPost]) {
      expect(await introspect(way(files), whole.token)).toMatchObject({ active: true, aud: FILES });
      expect(await introspect(way(files), forged(whole.token))).toEqual({ active: false });
      await expect(introspect(way(forged(files)), whole.token)).rejects.toMatchObject({ status: 401 });
    }
    const config = new openid.Configuration(server, client.client_id, files, openid.ClientSecretBasic(files));
    openid.allowInsecureRequests(config);
    expect(await openid.tokenIntrospection(config, whole.token)).toMatchObject({ active: true, aud: FILES });
    await close();
  });

  describe("FastMCP", () => {
    /** The recorded request, byte for byte. @returns the status and the body of the answer */
    async function replay(url: string, token: string, secret = files) {
      const { host, hostname, port } = new URL(url);
      const basic = Buffer.from(`fastmcp-server:${secret}`).toString("base64");
      const written = new URLSearchParams({ token }).toString().slice("token=".length);
      const { length } = `token=${written}&token_type_hint=access_token`;
      const values: Readonly<Record<string, string>> = { host, basic, token: written, length: `${length}` };
      const bytes = recorded.request.join("\r\n").replaceAll(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
      const socket = connect(Number(port), hostname).end(bytes);
      const [head = "", body = ""] = (await text(socket)).split("\r\n\r\n");
      expect(head.toLowerCase()).toContain("content-type: application/json");
      return { status: Number(/^HTTP\/1\.1 (\d+)/.exec(head)?.[1]), said: JSON.parse(body) };
    }

    test("introspects by its recorded request, and reads in the answer what it looks for", async () => {
      const { url, close } = await service().listen();
      const token = narrow(whole.token, "scope in files:read, files:list");
      const { status, said } = await replay(url, token);
      expect(status).toBe(200);
      // It takes sub for a client that is not proven.
      const client = whole.principal.id;
      const exp = Math.floor(Date.parse(whole.expires_at) / 1000);
      expect(said).toMatchObject({ active: true, sub: client, scope: "files:read files:list", exp });
      expect(Object.keys(said)).not.toContain("client_id");
      for (const bad of [forged(token), narrow(token, `aud = ${MAIL}`), "a,b c%"]) {
        expect(await replay(url, bad)).toEqual({ status: 200, said: { active: false } });
      }
      expect(await replay(url, token, forged(files))).toMatchObject({ status: 401 });
      await close();
    });

    test(`lets in and keeps out by Python's standard library${WHERE}`, async () => {
      if (!hasPython()) return;
      const { url, close } = await service().listen();
      const ask = async (token: string, secret: string, ...required: readonly string[]) => {
        const script = join(import.meta.dirname, "introspect.py");
        const place = `${url}/oauth/introspect`;
        const { stdout, stderr } = await runPython([
          script,
          place,
          "fastmcp-server",
          secret,
          token,
          ...required,
        ]);
        if (stdout === "") throw new Error(stderr);
        return JSON.parse(stdout);
      };
      const token = narrow(whole.token, "scope in files:read, files:list");
      const ends = Math.floor(Date.parse(whole.expires_at) / 1000);
      const letIn = { client: whole.principal.id, scopes: ["files:read", "files:list"], ends };
      expect(await ask(token, files, "files:read")).toEqual(letIn);
      expect(await ask(token, files, "files:write")).toBeNull();
      expect(await ask(forged(token), files)).toBeNull();
      expect(await ask(token, forged(files))).toBeNull();
      await close();
    });
  });

  test.each([
    ["no token", "token_type_hint=x", 400],
    ["an empty one", "token=", 400],
    ["a doubled token", "token=a&token=b", 400],
    ["a doubled hint", "token=a&token_type_hint=b&token_type_hint=c", 400],
    ["too many parameters", `token=a&${Array.from({ length: 9 }, (_, n) => `p${n}=x`).join("&")}`, 413],
    ["a huge form", `token=${"x".repeat(100 * 1024)}`, 413],
  ])("%s is refused", async (_, body, status) => {
    const answer = await send(body, bearer(files));
    expect(answer.status, answer.text).toBe(status);
    expect(answer.json()).toMatchObject({ error: "invalid_request", error_description: expect.any(String) });
  });

  test("a body that is no form is refused", async () => {
    const headers = { ...bearer(files), "content-type": "application/json" };
    const answer = await send(JSON.stringify({ token: whole.token }), headers);
    expect(answer.json()).toMatchObject({ status: 415, error: "invalid_request" });
  });
});

test("what cannot be known is 503, and neither active nor inactive", async () => {
  const { request } = createTestApp({
    introspection: {
      introspect: async () => {
        throw new DomainError("unavailable", "the log is not known well enough");
      },
    },
  });
  const answer = await request("/oauth/introspect", {
    method: "POST",
    headers: { "content-type": "application/x-www-form-urlencoded" },
    body: `token=x&client_secret=${CREDENTIALS.platform}`,
  });
  expect(answer.status).toBe(503);
  expect(answer.headers.has("retry-after")).toBe(true);
  expect(await answer.json()).toMatchObject({ error: "temporarily_unavailable" });
});
