/**
 * The SDK's client, unchanged, against the SDK's server behind `bakehouse/mcp`, over HTTP: discovery, login and consent in a
 * scripted browser, calls, step-up by scope and by a person's yes, revocation.
 */
import {
  Client,
  type ElicitRequest,
  type OAuthClientInformation,
  StreamableHTTPClientTransport,
  UnauthorizedError,
  UrlElicitationRequiredError,
} from "@modelcontextprotocol/client";
import foreign from "macaroon";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";

import {
  type Bakehouse,
  createBakehouse,
  createLocalVerifier,
  type ThirdPartyCaveat,
  Token,
} from "../../src/client/index.ts";
import { createMcpGuard, type McpGuard } from "../../src/client/mcp/mcp.ts";
import { seal } from "../../src/client/mcp/sealed.ts";
import { type OwnService, startOwnService } from "../support/own-service.ts";
import { freePort } from "../support/process-service.ts";
import { CALLBACK, type Memory, personAt, rememberingProvider, serveTools } from "./house.ts";

const MODES = [
  ["2026-07-28", { pin: "2026-07-28" }],
  ["the revisions before it", "legacy"],
] as const;

type Mode = (typeof MODES)[number][1];

const TOOLS = {
  read: ["files:read"],
  write: ["files:read", "files:write"],
  pay: ["files:read"],
  bare: ["files:read"],
};

let service: OwnService;
let platform: Bakehouse;
let admin: Bakehouse;
let resource: string;
/** A program on alice's own machine, which nobody can prove to be itself. */
let program: OAuthClientInformation;
/** One that authenticates. */
let server: OAuthClientInformation;
let guard: McpGuard;
let tools: Awaited<ReturnType<typeof serveTools>>;
const told: string[] = [];
/** The places in traces that the guard has named to the service. */
const places: (string | null)[] = [];

beforeAll(async () => {
  service = await startOwnService();
  platform = createBakehouse({
    url: service.url,
    credential: service.credential("default.token"),
    fetch(url, init) {
      places.push(new Headers(init.headers).get("traceparent"));
      return fetch(url, init);
    },
  });
  admin = createBakehouse({ url: service.url, credential: service.credential("admin.token") });
  const port = await freePort();
  resource = `http://127.0.0.1:${port}/mcp`;
  await admin.resources.setHosts("default", ["127.0.0.1"]);
  await admin.platforms.setPolicy("default", {
    rules: [{ max_ttl: 3_600, session: 86_400, on_behalf_of: true }],
  });
  const scopes = [
    { scope: "files:read", description: "Read your files" },
    { scope: "files:write", description: "Change your files" },
  ];
  await admin.resources.register("default", { resource, name: "Files", scopes });
  await admin.resources.register("default", { resource: `${resource}2`, name: "Others", scopes });
  const facts = { client_name: "Agent", redirect_uris: [CALLBACK] };
  program = await admin.clients.register({ ...facts, token_endpoint_auth_method: "none" });
  server = await admin.clients.register({ ...facts, token_endpoint_auth_method: "client_secret_post" });
  guard = createMcpGuard({
    service: platform,
    resource,
    tools: TOOLS,
    scopes: ["files:read"],
    name: "Files",
    onError: ({ message }) => told.push(message),
  });
  tools = await serveTools(port, guard);
});

afterAll(async () => {
  await tools?.close();
  await service?.stop();
});

/** A stock client, and the pages that it was asked to lead its person to. */
function stockClient(mode: Mode, memory: Memory, onPage?: (url: string) => Promise<"accept" | "decline">) {
  const pages: string[] = [];
  const client = new Client(
    { name: "agent", version: "1.0.0" },
    { capabilities: { elicitation: { url: {} } }, versionNegotiation: { mode } },
  );
  client.setRequestHandler("elicitation/create", async ({ params }: ElicitRequest) => {
    if (params.mode !== "url") throw new Error("no page");
    pages.push(params.message);
    return { action: (await onPage?.(params.url)) ?? "accept" };
  });
  const transport = new StreamableHTTPClientTransport(new URL(resource), { authProvider: memory });
  return { client, transport, pages };
}

/** Connects, and logs alice in on the way. */
async function connected(
  mode: Mode,
  onPage?: (url: string) => Promise<"accept" | "decline">,
  client = program,
) {
  const memory = rememberingProvider(client);
  const alice = personAt("alice");
  const first = stockClient(mode, memory);
  await expect(first.client.connect(first.transport)).rejects.toThrow(UnauthorizedError);
  const shown = await consented(first.transport, memory, alice);
  const second = stockClient(mode, memory, onPage);
  await second.client.connect(second.transport);
  return { ...second, memory, alice, shown };
}

async function consented(
  transport: StreamableHTTPClientTransport,
  memory: Memory,
  alice: ReturnType<typeof personAt>,
) {
  if (memory.led === undefined) throw new Error("the client led nobody anywhere");
  const asked = memory.led;
  const { back, page } = await alice.consent(asked);
  await transport.finishAuth(back);
  return { asked, page };
}

async function called(client: Client, name: string, args: Readonly<Record<string, unknown>>) {
  const { content, isError } = await client.callTool({ name, arguments: { ...args } });
  const [first] = content as readonly { readonly text?: string }[];
  return isError === true ? `refused: ${first?.text}` : first?.text;
}

const accessToken = ({ saved }: Memory) => Token.parse(saved?.access_token ?? "");

/** Narrows the token that a client keeps, as an agent does for another. */
function narrow(memory: Memory, ...caveats: readonly (string | ThirdPartyCaveat)[]): void {
  if (memory.saved === undefined) throw new Error("the client has no token");
  const { refresh_token: _, ...saved } = memory.saved;
  memory.saved = {
    ...saved,
    access_token: accessToken(memory)
      .attenuate(...caveats)
      .encode(),
  };
}

test("what a client is told before it has a token", async () => {
  const bare = await fetch(resource, { method: "POST", body: "{}" });
  expect(bare.status).toBe(401);
  const challenge = bare.headers.get("www-authenticate") ?? "";
  const address = resource.replace("/mcp", "/.well-known/oauth-protected-resource/mcp");
  expect(challenge).toContain(`resource_metadata="${address}"`);
  expect(challenge).toContain(`scope="files:read"`);
  expect(await (await fetch(address)).json()).toEqual({
    resource,
    authorization_servers: [service.url],
    bearer_methods_supported: ["header"],
    scopes_supported: ["files:read", "files:write"],
    resource_name: "Files",
  });
});

describe.each(MODES)("a client of %s", (_, mode) => {
  test("discovers, logs a person in, has their consent, and calls a tool", async () => {
    const { client, shown, memory } = await connected(mode);
    expect(shown.asked.origin).toBe(service.url);
    expect(shown.asked.searchParams.get("resource")).toBe(resource);
    expect(shown.asked.searchParams.get("scope")).toBe("files:read");
    expect(shown.page).toContain("Read your files");
    expect(shown.page).not.toContain("Change your files");
    expect(await called(client, "read", { path: "/a" })).toBe("/a for alice");
    expect(memory.saved?.scope).toBe("files:read");
    await client.close();
  });

  test("has its place in a trace handed on with what the guard asks", async () => {
    const { client } = await connected(mode);
    const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    places.length = 0;
    await client.callTool({ name: "read", arguments: { path: "/a" }, _meta: { traceparent: "x" } });
    expect(new Set(places)).toEqual(new Set([null]));
    await client.callTool({ name: "read", arguments: { path: "/a" }, _meta: { traceparent } });
    expect(places).toContain(traceparent);
    await client.close();
  });

  test("steps up where a call needs more scopes, by one consent", async () => {
    const { client, transport, memory, alice } = await connected(mode);
    await expect(called(client, "write", { path: "/a" })).rejects.toThrow(UnauthorizedError);
    const { asked, page } = await consented(transport, memory, alice);
    expect(asked.searchParams.get("scope")?.split(" ").toSorted()).toEqual(["files:read", "files:write"]);
    expect(page).toContain("Change your files");
    expect(await called(client, "write", { path: "/a" })).toBe("wrote /a");
    await client.close();
  });

  test("is refused by a caveat in words that a model reads", async () => {
    const { client, memory } = await connected(mode);
    narrow(memory, "tool in read, pay", "args.amount <= 20");
    expect(await called(client, "pay", { amount: 40, to: "printers" })).toMatch(/^refused: .*amount/);
    await client.close();
  });

  test("fails cleanly once its link is revoked: it asks for a new login", async () => {
    const { client, memory } = await connected(mode);
    expect(await called(client, "read", { path: "/a" })).toBe("/a for alice");
    await platform.revoke({ revocation_id: accessToken(memory).revocationId });
    memory.led = undefined;
    await expect(called(client, "read", { path: "/a" })).rejects.toThrow(UnauthorizedError);
    expect(memory.led).toBeInstanceOf(URL);
    await client.close();
  });
});

/** Makes the token that a client keeps need alice's yes to each call. */
async function needYes(memory: Memory): Promise<void> {
  const publicKey = await platform.dischargeKey();
  narrow(memory, { location: service.url, condition: "exact approved-by alice Pay", publicKey });
}

describe("a call that needs a person's yes", () => {
  test("goes on once it has it, and is good for that one call", async () => {
    let page = "";
    const decider = personAt("alice");
    const { client, memory, pages } = await connected(MODES[0][1], async (url) => {
      page = await decider.decide(url, "approve");
      return "accept";
    });
    await needYes(memory);
    expect(await called(client, "pay", { amount: 40, to: "printers" })).toBe("paid 40 to printers");
    expect(pages).toHaveLength(1);
    expect(page).toContain("args.amount = 40");
    const code = /the code (\S+) must stand/.exec(pages[0] ?? "")?.[1] ?? "none";
    expect(page).toContain(code);
    expect(await called(client, "pay", { amount: 41, to: "printers" })).toBe("paid 41 to printers");
    expect(pages).toHaveLength(2);
    await client.close();
  });

  test("is told a no", async () => {
    const decider = personAt("alice");
    const { client, memory } = await connected(MODES[0][1], async (url) => {
      await decider.decide(url, "deny");
      return "accept";
    });
    await needYes(memory);
    expect(await called(client, "pay", { amount: 40, to: "printers" })).toMatch(/^refused: /);
    await client.close();
  });

  test("asks nobody any more where the person does not want to see the page", async () => {
    const { client, memory, pages } = await connected(MODES[0][1], async () => "decline");
    await needYes(memory);
    expect(await called(client, "pay", { amount: 40, to: "printers" })).toMatch(/^refused: /);
    const url = /at (\S+),/.exec(pages[0] ?? "")?.[1] ?? "";
    await expect(personAt("alice").decide(url, "approve")).rejects.toThrow("nothing to decide");
    await client.close();
  });

  test("is an error with the page for an older client, whose next try goes on", async () => {
    const { client, memory } = await connected("legacy");
    await needYes(memory);
    const call = () => called(client, "pay", { amount: 40, to: "printers" });
    const error = await call().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(UrlElicitationRequiredError);
    const [elicited] = (error as UrlElicitationRequiredError).elicitations;
    await personAt("alice").decide(elicited?.url ?? "", "approve");
    expect(await call()).toBe("paid 40 to printers");
    await expect(call()).rejects.toThrow(UrlElicitationRequiredError);
    await client.close();
  });
});

/** Appends a caveat with a foreign library, which takes any text. */
function appended(token: Token, caveat: string): string {
  const macaroon = foreign.importMacaroon(JSON.parse(token.encode("v2-json")));
  macaroon.addFirstPartyCaveat(caveat);
  return Token.parse(JSON.stringify(macaroon.exportJSON())).encode("v2");
}

describe("a token of the code flow", () => {
  let token: string;
  beforeAll(async () => {
    const { client, memory } = await connected("legacy", undefined, server);
    await client.close();
    token = accessToken(memory).encode();
  });

  test("that a foreign library narrowed is good at its resource, and at no other", async () => {
    const narrowed = appended(Token.parse(token), "tool = read");
    const context = { tool: "read", scope: "files:read" };
    const verify = (at: string, what: object = context) =>
      platform.verify({ token: narrowed, context: { ...what }, resource: at });
    expect(await verify(resource)).toMatchObject({ allowed: true });
    expect(await verify(`${resource}2`)).toMatchObject({ allowed: false, code: "caveat_failed" });
    expect(await verify(resource, { tool: "pay", scope: "files:read" })).toMatchObject({ allowed: false });
    const info = { clientId: server.client_id, scopes: ["files:read"], resource: new URL(resource) };
    expect(await guard.verifyAccessToken(narrowed)).toMatchObject(info);
  });
});

/** Sends one message as a client of the older revisions would, with a token. */
async function sent(token: string, method: string, params: object, at: McpGuard = guard, headers = {}) {
  const request = new Request(resource, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      accept: "application/json, text/event-stream",
      authorization: `Bearer ${token}`,
      ...headers,
    },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }),
  });
  if (at === guard) return fetch(request);
  return at.protect({ fetch: async () => new Response("passed") }).fetch(request);
}

describe("a hostile holder", () => {
  let token: Token;
  beforeEach(async () => {
    const { client, memory } = await connected("legacy");
    await client.close();
    token = accessToken(memory);
  });

  test("reaches nothing that is not guarded", async () => {
    const narrowed = token.attenuate("tool = pay").encode();
    for (const [method, params] of [
      ["resources/read", { uri: "file:///secret" }],
      ["tools/call", { name: "unknown", arguments: { path: "/a" } }],
      ["tools/call", { name: "constructor", arguments: {} }],
      ["tools/call", {}],
      ["prompts/get", { name: "x" }],
    ] as const) {
      const text = await (await sent(narrowed, method, params)).text();
      expect(text, method).toContain('"error"');
      expect(text, method).not.toContain('secret"');
    }
    expect((await sent(narrowed, "tools/list", {})).status).toBe(200);
  });

  test("learns nothing of a tool whose code is not guarded, and its owner is told", async () => {
    told.length = 0;
    const answer = await sent(token.encode(), "tools/call", { name: "bare", arguments: { path: "/a" } });
    expect(answer.status).toBe(500);
    expect(await answer.text()).not.toContain("open");
    expect(told[0]).toContain('guard.tool("bare"');
  });

  test.each([
    [
      "was issued for none",
      async () => (await platform.issue({ platform: "default", on_behalf_of: { subject: "alice" } })).token,
    ],
    [
      "was issued for none, whatever is appended",
      async () => {
        const { token } = await platform.issue({ platform: "default", on_behalf_of: { subject: "alice" } });
        return Token.parse(token).attenuate(`aud = ${resource}`, "tool = read").encode();
      },
    ],
    ["names another resource", async () => token.attenuate(`aud = ${resource}2`).encode()],
    ["is over", async () => token.attenuate("time < 2020-01-01T00:00:00Z").encode()],
    ["has a caveat that nobody knows", async () => appended(token, "colour is red")],
    [
      "was signed by somebody else",
      async () => token.encode().replace(/.(?=.{20}$)/, (c) => (c === "A" ? "B" : "A")),
    ],
    ["is none", async () => "AgEC"],
  ])("is not let in with a token that %s", async (_, made) => {
    const answer = await sent(await made(), "tools/list", {});
    expect(answer.status).toBe(401);
    expect(answer.headers.get("www-authenticate")).toContain('error="invalid_token"');
  });

  test("does not get past a yes by a state of another call, of another token, or made up", async () => {
    const publicKey = await platform.dischargeKey();
    const gated = token.attenuate({
      location: service.url,
      condition: "exact approved-by alice Pay",
      publicKey,
    });
    const meta = {
      "io.modelcontextprotocol/protocolVersion": "2026-07-28",
      "io.modelcontextprotocol/clientInfo": { name: "x", version: "1" },
      "io.modelcontextprotocol/clientCapabilities": { elicitation: { url: {} } },
    };
    const call = async (holder: Token, amount: number, requestState?: string) => {
      const params = {
        name: "pay",
        arguments: { amount, to: "me" },
        _meta: meta,
        ...(requestState !== undefined && { requestState }),
      };
      const headers = { "mcp-protocol-version": "2026-07-28", "mcp-method": "tools/call", "mcp-name": "pay" };
      const answer = await sent(holder.encode(), "tools/call", params, guard, headers);
      return (await answer.json()) as {
        readonly result?: {
          readonly isError?: boolean;
          readonly requestState?: string;
          readonly inputRequests?: Record<string, { readonly params: { readonly url: string } }>;
          readonly content?: readonly { readonly text: string }[];
        };
      };
    };
    const begun = (await call(gated, 1)).result;
    const [page] = Object.values(begun?.inputRequests ?? {});
    await personAt("alice").decide(page?.params.url ?? "", "approve");
    const state = begun?.requestState ?? "";
    expect((await call(gated, 2, state)).result).toMatchObject({ isError: true });
    const other = gated.attenuate("tool = pay");
    expect((await call(other, 1, state)).result?.content?.[0]?.text).not.toBe("paid 1 to me");
    expect((await call(gated, 1, "bWFkZSB1cA")).result?.content?.[0]?.text).not.toBe("paid 1 to me");
    // The key to it is the token's, which its holder has.
    const forged = await seal(gated, { waiting: [], had: [gated.encode()] });
    expect((await call(gated, 1, forged)).result).toMatchObject({ isError: true });
    const waiting = Array(9).fill({ id: "x", secret: "y", url: "http://z.example" });
    const many = (await call(gated, 1, await seal(gated, { waiting, had: [] }))).result;
    expect(JSON.stringify(many?.inputRequests)).toContain(service.url);
    expect((await call(gated, 1, state)).result?.content?.[0]?.text).toBe("paid 1 to me");
    expect((await call(gated, 1, state)).result).toMatchObject({ isError: true });
  });
});

test("a further method is cleared by its name and scopes, so no token for tools alone passes there", async () => {
  const { client, memory } = await connected("legacy");
  await client.close();
  const token = accessToken(memory);
  const open = createMcpGuard({
    service: platform,
    resource,
    tools: TOOLS,
    methods: { "resources/read": ["files:read"], "prompts/get": ["files:write"] },
  });
  const read = (holder: Token, method = "resources/read") =>
    sent(holder.encode(), method, { uri: "file:///a" }, open);
  expect(await (await read(token)).text()).toBe("passed");
  expect(await (await read(token.attenuate("action = resources/read"))).text()).toBe("passed");
  expect(await (await read(token.attenuate("tool = read"))).json()).toMatchObject({
    error: { code: -32_602 },
  });
  expect((await read(token, "prompts/get")).status).toBe(403);
});

test("where nothing can be known the answer is 503, and no token is called bad", async () => {
  const nowhere = createBakehouse({
    url: `http://127.0.0.1:${await freePort()}`,
    credential: "x",
    retries: 0,
  });
  const errors: string[] = [];
  const blind = createMcpGuard({
    service: nowhere,
    resource,
    tools: TOOLS,
    onError: ({ code }) => errors.push(code),
  });
  const answer = await sent("AgEC", "tools/list", {}, blind);
  expect(answer.status).toBe(503);
  expect(answer.headers.get("www-authenticate")).toBeNull();
  await expect(blind.verifyAccessToken("AgEC")).rejects.toMatchObject({
    name: "OAuthError",
    code: "server_error",
  });
  const metadata = await blind
    .protect({ fetch: async () => new Response() })
    .fetch(new Request(blind.metadataUrl));
  expect(metadata.status).toBe(503);
  expect(errors).toEqual(["unreachable"]);
});

test("a local verifier in front of the service answers alike", async () => {
  const verifier = createLocalVerifier({ service: platform });
  try {
    const local = createMcpGuard({ service: platform, verifier, resource, tools: TOOLS });
    const { client, memory } = await connected("legacy");
    await client.close();
    const token = accessToken(memory);
    expect(await local.verifyAccessToken(token.encode())).toMatchObject({
      clientId: "",
      scopes: ["files:read"],
    });
    await expect(
      local.verifyAccessToken(token.attenuate(`aud = ${resource}2`).encode()),
    ).rejects.toMatchObject({
      code: "invalid_token",
    });
  } finally {
    verifier.close();
  }
});

test.each([
  [{ resource: "HTTPS://mcp.example.com/mcp" }, "canonical"],
  [{ tools: { pay: "payments" } }, "lists of scopes"],
  [{ tool: {} }, "did you mean tools?"],
])("wrong options fail at once: %o", (wrong, cure) => {
  const options = { service: platform, resource, tools: TOOLS, ...wrong };
  expect(() => createMcpGuard(options as Parameters<typeof createMcpGuard>[0])).toThrow(cure);
});

test("a tool that is not declared can't be guarded", () => {
  expect(() => guard.tool("other", async () => ({ content: [] }))).toThrow("one of the guard's tools");
});
