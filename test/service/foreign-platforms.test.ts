/** Every route, asked by a platform about what another one has: it learns nothing of it, and changes nothing. */
import { beforeAll, expect, test } from "vitest";

import { uuidv7 } from "../../src/domain/parts/uuid.ts";
import { ROUTES } from "../../src/http/routes/all.ts";
import { systemRandomness } from "../../src/run/system.ts";
import { type Client, landed, pkce, player, REDIRECT } from "../oauth/flow.ts";
import { type Answer, bearer, describeService, type Issued, type Policy } from "../support/service.ts";
import { stubRelyingParty } from "../support/service-login.ts";
import { bundle, narrow, opened, tickets } from "../support/service-macaroons.ts";

const people = stubRelyingParty();
const LOCATION = "http://127.0.0.1:8080";
const DAY = 86_400;
const POLICY: Policy = { rules: [{ max_ttl: DAY, session: DAY, on_behalf_of: true }] };

/** What a platform has, by what names it. Of these a client's secret and a token's text are known to their holders alone. */
interface Things {
  readonly platform: string;
  readonly resource: string;
  readonly resourceId: string;
  readonly token: string;
  readonly tokenId: string;
  readonly revocationId: string;
  readonly keyId: string;
  readonly principalId: string;
  readonly subject: string;
  readonly consent: string;
  readonly code: string;
  readonly refresh: string;
  readonly reservation: string;
  /** A request for a discharge, which an approver is asked about. */
  readonly approval: string;
  readonly session: string;
  readonly client: string;
}

interface Ask {
  readonly path: string;
  readonly body?: object;
  readonly form?: Readonly<Record<string, string>>;
  /** Headers in the place of the credential. */
  readonly more?: Readonly<Record<string, string>>;
}

/** What is asked of a route: something for each way of naming a thing. */
type Asks = (of: Things) => readonly Ask[];

const at =
  (path: (of: Things) => string, body?: (of: Things) => object): Asks =>
  (of) => [{ path: path(of), ...(body && { body: body(of) }) }];

const RESOURCE = { name: "Files", scopes: [], caveats: [], accept_unbound: true };
const revoking = (of: Things) => [
  { token_id: of.tokenId },
  { token_id: of.tokenId, successors: true },
  { revocation_id: of.revocationId },
  { principal: { id: of.principalId } },
  { principal: { subject: of.subject } },
  { key_id: of.keyId },
  { platform: of.platform },
  { approval_id: of.approval },
  { agent: "worker", token_id: of.tokenId },
];

/** A text says why nothing of a platform can be named there: the route is asked all the same, and must say nothing of it. */
const ASKS: Readonly<Record<string, Asks | string>> = {
  "POST /v1/tokens": at(
    () => "/v1/tokens",
    ({ platform, subject }) => ({ platform, on_behalf_of: { subject } }),
  ),
  // The text is what opens it: a platform has its own.
  "POST /v1/tokens/{id}/renew": (of) => [
    { path: `/v1/tokens/${of.tokenId}/renew`, body: { token: own.token } },
    { path: `/v1/tokens/${own.tokenId}/renew`, body: { token: madeUp(of.token) } },
  ],
  "GET /v1/tokens": (of) => [{ path: "/v1/tokens" }, { path: `/v1/tokens?platform=${of.platform}` }],
  "GET /v1/tokens/{id}": at(({ tokenId }) => `/v1/tokens/${tokenId}`),
  "GET /v1/tokens/{id}/tree": at(({ tokenId }) => `/v1/tokens/${tokenId}/tree`),
  "GET /v1/links/{revocation_id}": at(({ revocationId }) => `/v1/links/${revocationId}`),
  "POST /v1/verify": ({ token, resource }) => [
    { path: "/v1/verify", body: { token, context: {} } },
    { path: "/v1/verify", body: { token, context: {}, resource } },
    { path: "/v1/verify", body: { token: own.token, context: {}, resource } },
  ],
  "POST /v1/verify/batch": at(
    () => "/v1/verify/batch",
    ({ token, resource }) => ({
      requests: [
        { token, context: {} },
        { token: own.token, context: {}, resource },
      ],
    }),
  ),
  "GET /v1/reservations/{id}": at(({ reservation }) => `/v1/reservations/${reservation}`),
  "POST /v1/reservations/{id}/settle": at(
    ({ reservation }) => `/v1/reservations/${reservation}/settle`,
    () => ({ cost: { EUR: "1" } }),
  ),
  "DELETE /v1/reservations/{id}": at(({ reservation }) => `/v1/reservations/${reservation}`),
  // It writes an entry that matches nothing, and says no more of what it would stop.
  "POST /v1/revocations": (of) =>
    revoking(of).flatMap((target) => [
      { path: "/v1/revocations", body: { targets: [target], dry_run: true } },
      { path: "/v1/revocations", body: { targets: [target] } },
    ]),
  "GET /v1/revocations": at(() => "/v1/revocations?limit=1000"),
  "POST /oauth/revoke": ({ refresh, token }) => [
    { path: "/oauth/revoke", form: { token: refresh } },
    { path: "/oauth/revoke", form: { token: madeUp(token) } },
  ],
  "POST /oauth/introspect": ({ token }) => [
    { path: "/oauth/introspect", form: { token } },
    { path: "/oauth/introspect", form: { token }, more: bearer(asResource) },
  ],
  "POST /v1/discharge": "a ticket is sealed and names no platform, and a token is shown by its holder",
  "POST /v1/discharge/{id}/collect": at(
    ({ approval }) => `/v1/discharge/${approval}/collect`,
    () => ({ secret: "x".repeat(43) }),
  ),
  "POST /v1/discharge/{id}/withdraw": at(
    ({ approval }) => `/v1/discharge/${approval}/withdraw`,
    () => ({ secret: "x".repeat(43) }),
  ),
  "GET /v1/approvals": at(() => "/v1/approvals"),
  "POST /v1/approvals/{id}": at(
    ({ approval }) => `/v1/approvals/${approval}`,
    () => ({ decision: "deny" }),
  ),
  "GET /v1/sessions": at(() => "/v1/sessions"),
  "DELETE /v1/sessions/{id}": at(({ session }) => `/v1/sessions/${session}`),
  "GET /discharge/info": "the service's key",
  "GET /publickey": "the service's key",
  "POST /discharge": "a ticket is sealed and names no platform",
  "GET /wait-token": "its ticket opens it, which is a secret",
  "GET /v1/platforms": at(() => "/v1/platforms"),
  "POST /v1/platforms": at(
    () => "/v1/platforms",
    ({ platform }) => ({ name: platform }),
  ),
  "PATCH /v1/platforms/{name}": at(
    ({ platform }) => `/v1/platforms/${platform}`,
    () => ({ resource_hosts: [] }),
  ),
  "POST /v1/platforms/{name}/credentials": at(
    ({ platform }) => `/v1/platforms/${platform}/credentials`,
    () => ({}),
  ),
  "GET /v1/platforms/{name}/policy": at(({ platform }) => `/v1/platforms/${platform}/policy`),
  "PUT /v1/platforms/{name}/policy": at(
    ({ platform }) => `/v1/platforms/${platform}/policy`,
    () => ({ rules: [] }),
  ),
  "POST /v1/platforms/{name}/policy": at(
    ({ platform }) => `/v1/platforms/${platform}/policy`,
    ({ subject }) => ({ dry_run: true, subject }),
  ),
  "GET /v1/platforms/{name}/resources": at(({ platform }) => `/v1/platforms/${platform}/resources`),
  "POST /v1/platforms/{name}/resources": ({ platform, resource }) => [
    { path: `/v1/platforms/${platform}/resources`, body: { ...RESOURCE, resource: own.resource } },
    { path: `/v1/platforms/${own.platform}/resources`, body: { ...RESOURCE, resource } },
  ],
  "PUT /v1/platforms/{name}/resources/{id}": ({ platform, resource, resourceId }) => [
    { path: `/v1/platforms/${platform}/resources/${resourceId}`, body: { ...RESOURCE, resource } },
    {
      path: `/v1/platforms/${own.platform}/resources/${resourceId}`,
      body: { ...RESOURCE, resource: own.resource },
    },
    {
      path: `/v1/platforms/${own.platform}/resources/${own.resourceId}`,
      body: { ...RESOURCE, resource },
    },
  ],
  "DELETE /v1/platforms/{name}/resources/{id}": ({ platform, resourceId }) => [
    { path: `/v1/platforms/${platform}/resources/${resourceId}` },
    { path: `/v1/platforms/${own.platform}/resources/${resourceId}` },
  ],
  "GET /oauth/authorize":
    "it knows people alone, and a resource is there for everybody who wants to log in to it",
  "POST /oauth/authorize": "it knows people alone",
  // The client is one of the service's, and not the one that the grant was given to.
  "POST /oauth/token": ({ code, refresh }) => [
    {
      path: "/oauth/token",
      form: {
        grant_type: "authorization_code",
        code,
        code_verifier: "v".repeat(43),
        client_id: own.client,
        resource: own.resource,
      },
    },
    {
      path: "/oauth/token",
      form: { grant_type: "refresh_token", refresh_token: refresh, client_id: own.client },
    },
  ],
  "GET /v1/clients": at(() => "/v1/clients"),
  "POST /v1/clients": at(
    () => "/v1/clients",
    ({ client }) => ({
      client_name: client,
      redirect_uris: [REDIRECT],
      token_endpoint_auth_method: "none",
    }),
  ),
  "DELETE /v1/clients/{id}": at(({ client }) => `/v1/clients/${client}`),
  "GET /v1/consents": at(() => "/v1/consents"),
  "DELETE /v1/consents/{id}": at(({ consent }) => `/v1/consents/${consent}`),
  "GET /v1/keys": ({ platform }) => [{ path: "/v1/keys" }, { path: `/v1/keys?platform=${platform}` }],
  "POST /v1/keys/rotate": at(
    () => "/v1/keys/rotate",
    ({ platform }) => ({ platform }),
  ),
  "GET /v1/audit": (of) => [{ path: "/v1/audit?limit=1000" }, ...auditAsks("/v1/audit", of)],
  "GET /v1/audit/export": (of) => auditAsks("/v1/audit/export", of),
  "GET /v1/audit/checkpoint": "a hash over salted hashes",
  "GET /v1/audit/key": "the service's key",
  "GET /v1/audit/tile/{level}/{first}": "salted hashes",
  "GET /v1/audit/tile/{level}/{first}/{second}": "salted hashes",
  "GET /v1/audit/tile/{level}/{first}/{second}/{third}": "salted hashes",
  "GET /v1/audit/tile/{level}/{first}/{second}/{third}/{fourth}": "salted hashes",
  "GET /.well-known/oauth-authorization-server": "the service's metadata",
  "GET /.well-known/openid-configuration": "the service's metadata",
  "GET /.well-known/jwks.json": "the service's keys",
  "GET /.well-known/oauth-protected-resource": "the service's metadata",
  "GET /login": "for people",
  "GET /callback": "for people",
  "POST /logout": "for people",
  "GET /discharges/{id}": at(({ approval }) => `/discharges/${approval}`),
  "POST /discharges/{id}": (of) => [{ path: `/discharges/${of.approval}`, form: { decision: "deny" } }],
  "GET /approvals": at(() => "/approvals"),
  "GET /approvals/{id}": at(({ approval }) => `/approvals/${approval}`),
  "POST /approvals/{id}": (of) => [{ path: `/approvals/${of.approval}`, form: { decision: "deny" } }],
  "GET /tokens": at(() => "/tokens"),
  "GET /tokens/{id}": at(({ tokenId }) => `/tokens/${tokenId}`),
  "POST /tokens/{id}": (of) => [{ path: `/tokens/${of.tokenId}`, form: { revocation_id: of.revocationId } }],
  "POST /sessions/{id}/end": (of) => [{ path: `/sessions/${of.session}/end`, form: {} }],
  "GET /": "for people",
  "GET /device": "for people",
  "POST /device": "for people, by a code that a device shows",
  "POST /oauth/device_authorization": "for clients, which belong to the service",
  "GET /healthz": "the service's health",
  "GET /readyz": "the service's health",
  "GET /metrics": "the machine's operator, by where they ask from",
  "GET /openapi.yaml": "a document",
  "GET /docs": "a document",
  "GET /docs/{file}": "a document",
};

function auditAsks(path: string, of: Things): readonly Ask[] {
  return [
    `platform=${of.platform}`,
    `token_id=${of.tokenId}`,
    `revocation_id=${of.revocationId}`,
    `principal=${of.principalId}`,
    `actor=${of.subject}`,
  ].map((query) => ({ path: `${path}?${query}` }));
}

const keyOf = ({ method, path }: { readonly method: string; readonly path: string }) => `${method} ${path}`;

test("every route says what is asked of it", () => {
  expect(Object.keys(ASKS).sort()).toEqual(ROUTES.map(keyOf).sort());
});

/** A token of the same form, under a root key that nobody has. */
function madeUp(token: string): string {
  const bytes = Buffer.from(token, "base64url");
  bytes.write("A".repeat(16), bytes.indexOf("bh1.") + 4, "latin1");
  return bytes.toString("base64url");
}

const unknownId = () => uuidv7(Date.now(), systemRandomness);
const sameForm = (secret: string) => `${"A".repeat(secret.length - 1)}A`;

let own: Things;
/** What is named: it must be answered as `nobodys` is. */
let theirs: Things;
/** What nobody names: no answer may have any of it. */
let untold: Things;
let nobodys: Things;
let asResource: string;

/** An answer without what differs for everybody, and with the name of each thing in the place of the thing. */
function comparable({ status, headers, text }: Answer, of: Things): string {
  const rest = [...headers]
    .filter(([name]) => name !== "x-request-id" && name !== "content-length")
    .map(([name, value]) => `${name}: ${value}`);
  let whole = [status, ...rest.sort(), text].join("\n");
  const names = Object.entries(of).sort(([, a], [, b]) => b.length - a.length);
  for (const [name, value] of names) {
    whole = whole.replaceAll(value, `<${name}>`).replaceAll(encodeURIComponent(value), `<${name}>`);
  }
  return whole
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, "<instant>")
    .replace(/reference <code>[^<]*/g, "reference <code>")
    .replace(/[\da-f]{8}-[\da-f]{4}-7[\da-f]{3}-[\da-f]{4}-[\da-f]{12}/g, "<id>")
    .replace(/"issuedBefore":\d+/g, "")
    .replace(/"(sequence|next_cursor)":"[^"]*"/g, '"$1":""');
}

describeService(
  "what is another platform's",
  (service) => {
    const play = player(service, people);
    const asShop = () => service().asPlatform("shop");
    const admin = () => service().asAdmin();
    let clients: readonly Client[];

    async function furnish(platform: string, path: string, subject: string, client: Client): Promise<Things> {
      const resource = `https://${platform}.example/${path}`;
      await play.resource(resource, platform);
      const listed = await service().get(`/v1/platforms/${platform}/resources`, admin());
      const { items } = listed.json<{ items: { id: string; resource: string }[] }>();
      const more = { resource };
      const first = await play.code(client, more, subject);
      const got = await play.redeem(client, first, more);
      expect(got.status, got.text).toBe(200);
      const { access_token: token, refresh_token: refresh } = got.json<{
        access_token: string;
        refresh_token: string;
      }>();
      const { text: code, session } = await play.code(client, more, subject);
      const root = new TextDecoder().decode(opened(token)[0].identifier).split(".");
      const details = await service().get(`/v1/tokens/${root[2]}`, admin());
      const consents = await service().get("/v1/consents", session);
      const sessions = await service().get("/v1/sessions", session);
      const [consent] = consents.json<{ items: { id: string }[] }>().items;
      const [login] = sessions.json<{ items: { id: string }[] }>().items;
      return {
        platform,
        resource,
        resourceId: items.find((one) => one.resource === resource)?.id ?? "",
        token,
        tokenId: root[2] ?? "",
        revocationId: details.json<{ revocation_id: string }>().revocation_id,
        keyId: root[1] ?? "",
        principalId: root[3] ?? "",
        subject,
        consent: consent?.id ?? "",
        code,
        refresh,
        ...(await waiting(platform, subject)),
        session: login?.id ?? "",
        client: client.client_id,
      };
    }

    /** A reservation, and a request for an approval. */
    async function waiting(platform: string, subject: string) {
      const { token } = await service().issue(
        {
          platform,
          caveats: ["spend.EUR <= 10"],
          third_party_caveats: [{ location: LOCATION, condition: "approved-by boss Pay" }],
        },
        subject,
      );
      const asked = await service().send("POST", "/v1/discharge", { caveat_id: tickets(token)[0], token });
      expect(asked.status, asked.text).toBe(202);
      const plain = await service().issue({ platform, caveats: ["spend.EUR <= 10"] }, subject);
      const more = { cost: { EUR: "2" }, reserve: 600 };
      const said = await service().verify(plain.token, {}, more, platform);
      expect(said).toMatchObject({ allowed: true });
      return {
        approval: asked.json<{ id: string }>().id,
        reservation: "reservation" in said ? (said.reservation?.id ?? "") : "",
      };
    }

    beforeAll(async () => {
      for (const name of ["shop", "bank"]) await service().createPlatform(name, POLICY);
      clients = [await play.client(), await play.client({ client_name: "Other" })];
      const [ours, other] = clients as readonly [Client, Client];
      own = await furnish("shop", "mcp", "shop's own", ours);
      theirs = await furnish("bank", "mcp", "the bank's", other);
      untold = await furnish("bank", "files", "the bank's, untold", await play.client());
      await service().send("PATCH", "/v1/platforms/bank", { resource_hosts: ["bank.example"] }, admin());
      const { resource } = own;
      const made = await service().send("POST", "/v1/platforms/shop/credentials", { resource }, admin());
      asResource = made.json<Issued>().token;
      nobodys = {
        platform: "nowhere",
        resource: "https://nowhere.example/mcp",
        resourceId: unknownId(),
        token: madeUp(theirs.token),
        tokenId: unknownId(),
        revocationId: "A".repeat(22),
        keyId: "B".repeat(16),
        principalId: "C".repeat(16),
        subject: "nobody's",
        consent: unknownId(),
        code: sameForm(theirs.code),
        refresh: sameForm(theirs.refresh),
        reservation: unknownId(),
        approval: unknownId(),
        session: unknownId(),
        client: unknownId(),
      };
      for (const [name, value] of Object.entries(theirs)) expect(value, name).not.toBe("");
      before = await state();
    });

    let before: string;

    /** All that an administrator and the people see of the bank. */
    async function state(): Promise<string> {
      const paths = [
        "/v1/platforms/bank/resources",
        "/v1/platforms/bank/policy",
        "/v1/keys?platform=bank",
        "/v1/tokens?platform=bank&limit=1000",
        "/v1/audit?platform=bank&limit=1000",
        "/v1/clients",
        "/v1/consents",
      ];
      const answers = await Promise.all(paths.map((path) => service().get(path, admin())));
      for (const { status, text } of answers) expect(status, text).toBe(200);
      const bank = service().asPlatform("bank");
      const held = [theirs, untold].map(({ reservation }) =>
        service().get(`/v1/reservations/${reservation}`, bank),
      );
      return [...answers, ...(await Promise.all(held))].map(({ text }) => text).join("\n");
    }

    async function send(method: string, { path, body, form, more = {} }: Ask): Promise<Answer> {
      const headers = { ...asShop(), ...more };
      if (body !== undefined) return service().send(method, path, body, headers);
      if (form === undefined) return service().request(path, { method, headers });
      return service().request(path, { method, headers, body: new URLSearchParams(form) });
    }

    function expectSilence(answer: Answer, where: string): void {
      const said = `${answer.text}\n${JSON.stringify([...answer.headers])}`;
      const { platform: _platform, keyId: _keyId, ...secret } = untold;
      for (const [name, value] of Object.entries(secret))
        expect(said, `${where}: ${name}`).not.toContain(value);
    }

    test.each(ROUTES)("$method $path", async (route) => {
      const { method, path } = route;
      const asks = ASKS[keyOf(route)];
      const pairs: readonly (readonly [Ask, Ask])[] =
        typeof asks === "function"
          ? asks(theirs).map((ask, index) => [ask, asks(nobodys)[index] ?? ask] as const)
          : [[{ path: path.replace(/\{[^}]*\}/g, "0") }, { path: path.replace(/\{[^}]*\}/g, "0") }]];
      for (const [foreign, unknown] of pairs) {
        const there = await send(method, foreign);
        const nowhere = await send(method, unknown);
        const where = `${method} ${foreign.path} ${JSON.stringify(foreign.body ?? foreign.form ?? {})}`;
        // Lists of one's own name nothing, and have what was just written.
        if (JSON.stringify(foreign) !== JSON.stringify(unknown)) {
          expect(comparable(there, theirs), where).toBe(comparable(nowhere, nobodys));
        }
        expectSilence(there, where);
      }
      expect(await state()).toBe(before);
    });

    test("it is as alive as before", async () => {
      for (const { token, resource, refresh, client, code } of [theirs, untold]) {
        const said = await service().verify(token, { scope: "files:read" }, { resource }, "bank");
        expect(said).toMatchObject({ allowed: true });
        const again = await play.refresh({ client_id: client }, refresh);
        expect(again.status, again.text).toBe(200);
        // The code's own verifier is not known here: that it is asked for shows that the code is there.
        const { verifier } = pkce();
        const redeemed = await play.redeem({ client_id: client }, { text: code, verifier }, { resource });
        expect(redeemed.json()).toMatchObject({
          error: "invalid_grant",
          error_description: "code_verifier is not the code's",
        });
      }
    });

    test("its grants give nothing at a resource of one's own", async () => {
      const subject = "both";
      const app = await play.client();
      const bank = { resource: theirs.resource };
      const session = await play.browser(subject);
      const { verifier, challenge } = pkce();
      const back = await play.answer(play.query(app.client_id, challenge, bank), session);
      const text = landed(back).searchParams.get("code") ?? "";
      const wrong = await play.redeem(app, { text, verifier }, { resource: own.resource });
      expect(wrong.json()).toMatchObject({ error: "invalid_target" });
      const got = await play.redeem(app, { text, verifier }, bank);
      const held = got.json<{ access_token: string; refresh_token: string }>();
      const refreshed = await play.refresh(app, held.refresh_token, { resource: own.resource });
      expect(refreshed.json()).toMatchObject({ error: "invalid_target" });
      // The person was asked about the bank's, and is asked again about the shop's.
      const asked = (resource: string) =>
        play.ask(play.query(app.client_id, pkce().challenge, { resource, prompt: "none" }), session);
      const answerAt = async (resource: string) => (await asked(resource)).headers.get("location");
      expect(await answerAt(theirs.resource)).toContain("code=");
      expect(await answerAt(own.resource)).toContain("error=consent_required");
      for (const presented of [held.access_token, narrow(held.access_token, `aud = ${own.resource}`)]) {
        const said = await service().verify(bundle(presented), {}, { resource: own.resource }, "shop");
        expect(said).toMatchObject({ allowed: false, code: "unknown_key" });
      }
    });
  },
  { relyingParty: people.relyingParty },
);
