import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";

import { type Context, Hono } from "hono";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import {
  type Allowed,
  allow,
  type Bakehouse,
  BakehouseError,
  createBakehouse,
  createLocalVerifier,
  guardHono,
  guardNode,
  guardTool,
  Token,
  ToolRefusedError,
  type Verifier,
} from "../../src/client/index.ts";
import { startTestService, type TestService } from "../support/service.ts";

let service: TestService;
let server: { readonly url: string; close(): Promise<void> };

beforeAll(async () => {
  service = await startTestService({ kind: "pglite" });
  server = await service.listen();
});

afterAll(async () => {
  await server.close();
  await service.close();
});

const credentialOf = (headers: Readonly<Record<string, string>>) => headers["authorization"]?.slice(7) ?? "";

/** In this process: every answer is held against openapi.yaml on its way. */
async function inProcess(url: string, init: RequestInit): Promise<Response> {
  const { pathname, search } = new URL(url);
  const answer = await service.request(`${pathname}${search}`, init);
  return new Response(answer.text, { status: answer.status, headers: answer.headers });
}

type Ways = { readonly name: string; readonly client: (credential: string) => Bakehouse };

const WAYS: readonly Ways[] = [
  {
    name: "in process",
    client: (credential) => createBakehouse({ url: "http://127.0.0.1:8080", credential, fetch: inProcess }),
  },
  { name: "over the network", client: (credential) => createBakehouse({ url: server.url, credential }) },
];

describe.each(WAYS)("[pglite] the client $name", ({ client }) => {
  test("asks for the decision alone, and an older service for the whole answer", async () => {
    const platform = client(credentialOf(service.asPlatform()));
    const { token } = await service.issue();
    const question = { token, context: { action: "read" } };
    const decision = await platform.decision(question);
    expect(decision).toMatchObject({ allowed: true, agents: [] });
    expect(decision).not.toHaveProperty("summary");

    const bodies: string[] = [];
    const older = createBakehouse({
      url: "http://127.0.0.1:8080",
      credential: credentialOf(service.asPlatform()),
      fetch: async (url, init) => {
        bodies.push(String(init.body));
        if (!bodies.at(-1)?.includes('"answer"')) return inProcess(url, init);
        const problem = {
          type: "about:blank",
          title: "x",
          status: 400,
          code: "invalid_request",
          detail: "unknown",
          member: "answer",
        };
        return Response.json(problem, {
          status: 400,
          headers: { "content-type": "application/problem+json" },
        });
      },
    });
    expect(await older.decision(question)).toMatchObject({
      allowed: true,
      revocation_id: expect.any(String),
    });
    const refused = await older.decision({ token: "nonsense", context: {} });
    expect(refused).toMatchObject({ allowed: false, code: "malformed" });
    expect(bodies.map((body) => body.includes('"answer"'))).toEqual([true, false, false]);
    await expect(platform.decision({ ...question, min_sequence: "?" })).rejects.toMatchObject({
      status: 400,
    });
  });

  test("issues, narrows offline, verifies, revokes", async () => {
    const alice = client(credentialOf(service.asHuman("alice")));
    const platform = client(credentialOf(service.asPlatform()));
    const issued = await alice.issue({
      platform: "default",
      caveats: [allow.action("read", "list")],
      ttl: 600,
    });
    expect(issued.principal.subject).toBe("alice");

    const researcher = Token.parse(issued.token).delegate("researcher", {
      caveats: [allow.resource("repo:acme/**")],
    });
    const scraper = researcher.delegate("scraper");
    const context = { action: "read", resource: "repo:acme/web" };
    const allowed = await platform.verify({ token: scraper.encode(), context });
    if (!allowed.allowed) throw new Error(allowed.detail);
    expect(allowed.agents).toEqual(scraper.inspect().agents);
    expect(allowed.revocation_ids.at(-1)).toBe(scraper.revocationId);
    expect(allowed.revocation_ids).toContain(researcher.revocationId);

    const refused = await platform.verify({
      token: scraper.encode(),
      context: { ...context, action: "write" },
    });
    expect(refused).toMatchObject({ allowed: false, code: "caveat_failed" });

    const why = { reason: "test", publicReason: true };
    const { sequence } = await client("none").revoke({ token: researcher.encode() }, why);
    const tokens = [issued.token, researcher.encode(), scraper.encode()];
    const verdicts = await platform.verifyBatch(
      tokens.map((token) => ({ token, context, min_sequence: sequence })),
    );
    expect(verdicts.map((verdict) => "allowed" in verdict && verdict.allowed)).toEqual([true, false, false]);

    const log = await platform.revocations();
    expect(log.items.map(({ target }) => target.revocation_id)).toContain(researcher.revocationId);
    expect((await alice.tokens.get(issued.token_id)).status).toBe("active");
    expect((await alice.tokens.list({ limit: 1 })).items).toHaveLength(1);
  });

  test("administers platforms and keys", async () => {
    const administrator = client(service.adminToken);
    const name = `p${Math.floor(Math.random() * 1e9)}`;
    expect((await administrator.platforms.create({ name })).policy.rules).toEqual([]);
    const policy = { rules: [{ max_ttl: 60, on_behalf_of: true }] };
    await administrator.platforms.setPolicy(name, policy);
    expect(await administrator.platforms.policy(name)).toMatchObject(policy);
    const { token } = await administrator.platforms.issueCredential(name, {
      caveats: ["action in issue, keys"],
    });
    const platform = client(token);
    const issued = await platform.issue({ platform: name, ttl: 60, on_behalf_of: { subject: "bob" } });
    expect(issued.principal.asserted_by).toBe("platform");
    expect((await platform.keys.rotate(name)).state).toBe("pending");
    expect((await platform.keys.list()).items).toHaveLength(2);
    await expect(platform.tokens.list()).rejects.toMatchObject({ code: "forbidden", status: 403 });
    await expect(
      platform.issue({ platform: name, ttl: 61, on_behalf_of: { subject: "bob" } }),
    ).rejects.toMatchObject({
      code: "ttl_too_long",
    });
    expect((await administrator.platforms.list()).items.map((item) => item.name)).toContain(name);
  });

  test("is told who may not", async () => {
    await expect(client("no-credential").keys.list()).rejects.toMatchObject({
      code: "unauthenticated",
      status: 401,
    });
  });
});

test("[pglite] one idempotency key, one token", async () => {
  const alice = createBakehouse({ url: server.url, credential: credentialOf(service.asHuman("alice")) });
  const request = { platform: "default" };
  const [first, second] = await Promise.all([
    alice.issue(request, { idempotencyKey: "same" }),
    alice.issue(request, { idempotencyKey: "same" }),
  ]);
  expect(first.token_id).toBe(second.token_id);
});

test("[pglite] a local verifier answers by itself what it has asked once, and all below it", async () => {
  const platform = createBakehouse({ url: server.url, credential: credentialOf(service.asPlatform()) });
  const verifier = createLocalVerifier({ service: platform });
  try {
    await verifier.ready();
    const token = Token.parse((await service.issue()).token).delegate("a");
    const request = { token: token.encode(), context: { action: "read" } };
    const asked = await verifier.verify(request);
    expect(verifier.counts).toEqual({ local: 0, asked: 1 });
    const known = await verifier.verify(request);
    expect({ ...known, sequence: "", summary: "" }).toEqual({ ...asked, sequence: "", summary: "" });
    const child = token.delegate("b", { caveats: ["action = read"] }).encode();
    expect(await verifier.verify({ token: child, context: { action: "write" } })).toMatchObject({
      code: "caveat_failed",
    });
    const here = await verifier.verify({ token: child, context: { action: "read" } });
    const there = await platform.verify({ token: child, context: { action: "read" } });
    expect({ ...here, sequence: "", summary: "" }).toEqual({ ...there, sequence: "", summary: "" });
    expect(verifier.counts).toEqual({ local: 3, asked: 1 });

    // What it cannot know is asked: other roots, forged tails, caveats that it does not know, reserved facts.
    const other = (await service.issue()).token;
    const forged = Token.parse(child).attenuate("x = 1").encode();
    const flipped = `${forged.slice(0, -8)}${forged.at(-8) === "A" ? "B" : "A"}${forged.slice(-7)}`;
    for (const [text, context] of [
      [other, {}],
      [flipped, {}],
      [child, { time: "x" }],
    ] as const) {
      const before = verifier.counts.asked;
      await verifier.verify({ token: text, context }).catch(() => {});
      expect(verifier.counts.asked).toBe(before + 1);
    }
  } finally {
    verifier.close();
  }
});

describe("[pglite] guards", () => {
  let verifier: Verifier;
  let good: string;
  beforeAll(async () => {
    verifier = createBakehouse({ url: server.url, credential: credentialOf(service.asPlatform()) });
    const { token } = await service.issue({ caveats: ["method = GET", "path matches /docs/**"] });
    good = token;
  });

  const broken: Verifier = createBakehouse({ url: "http://127.0.0.1:1", credential: "x", retries: 0 });
  const CASES = [
    { name: "a good token", path: "/docs/a", auth: () => `Bearer ${good}`, status: 200, challenge: null },
    {
      name: "a path that it forbids",
      path: "/other",
      auth: () => `Bearer ${good}`,
      status: 403,
      challenge: 'Bearer error="insufficient_scope"',
    },
    { name: "no token", path: "/docs/a", auth: () => undefined, status: 401, challenge: "Bearer" },
    { name: "another scheme", path: "/docs/a", auth: () => "Basic eDp5", status: 401, challenge: "Bearer" },
    {
      name: "two tokens in one",
      path: "/docs/a",
      auth: () => `Bearer ${good}, Bearer ${good}`,
      status: 401,
      challenge: 'Bearer error="invalid_token"',
    },
    {
      name: "a token of nobody's",
      path: "/docs/a",
      auth: () => "Bearer AgEA",
      status: 401,
      challenge: 'Bearer error="invalid_token"',
    },
    {
      name: "a service that is away",
      path: "/docs/a",
      auth: () => `Bearer ${good}`,
      status: 503,
      challenge: null,
      away: true,
    },
  ] as const;

  const headersOf = (auth: string | undefined) => (auth === undefined ? {} : { authorization: auth });

  test.each(CASES)("hono: $name", async ({ path, auth, status, challenge, ...rest }) => {
    let ran = 0;
    const app = new Hono<{ Variables: { bakehouse: Allowed } }>();
    app.use(guardHono("away" in rest ? broken : verifier));
    app.get("*", (c) => {
      ran++;
      return c.json({ principal: c.get("bakehouse").principal.subject });
    });
    const response = await app.request(path, { headers: headersOf(auth()) });
    expect(response.status).toBe(status);
    expect(response.headers.get("www-authenticate")).toBe(challenge);
    expect(ran).toBe(status === 200 ? 1 : 0);
    if (status === 200) expect(await response.json()).toEqual({ principal: "alice" });
    else expect(await response.json()).toMatchObject({ status, code: expect.any(String) });
  });

  test.each(CASES)("node:http: $name", async ({ path, auth, status, challenge, ...rest }) => {
    let ran = 0;
    const guard = guardNode("away" in rest ? broken : verifier);
    const web = createServer((request, response) => {
      void guard(request, response, (error) => {
        ran++;
        response.statusCode = error === undefined ? 200 : 500;
        response.end("{}");
      });
    });
    await new Promise<void>((resolve) => web.listen(0, "127.0.0.1", resolve));
    const address = web.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    try {
      const response = await fetch(`http://127.0.0.1:${port}${path}?q=1`, { headers: headersOf(auth()) });
      expect(response.status).toBe(status);
      expect(response.headers.get("www-authenticate")).toBe(challenge);
      expect(ran).toBe(status === 200 ? 1 : 0);
    } finally {
      web.close();
      web.closeAllConnections();
    }
  });

  test("a local verifier asks once about a token with a budget, where no answer came", async () => {
    const asked: (string | undefined)[] = [];
    const whole = createBakehouse({ url: server.url, credential: credentialOf(service.asPlatform()) });
    const away: Bakehouse = {
      ...whole,
      async verify(request) {
        asked.push(request.min_sequence);
        throw new BakehouseError("unavailable", "the answer was lost");
      },
    };
    const here = createLocalVerifier({ service: away });
    try {
      await here.ready();
      for (const caveats of [["uses <= 5"], []]) {
        const { token } = await service.issue({ caveats });
        await expect(here.verify({ token, context: {} })).rejects.toMatchObject({ code: "unavailable" });
      }
      expect(asked).toEqual([expect.any(String), expect.any(String), undefined]);
    } finally {
      here.close();
    }
  });

  describe("that charge what a call costs", () => {
    const left = async (token: string) => {
      const verdict = await verifier.verify({ token, context: {}, cost: { tokens: 0 }, dry_run: true });
      return verdict.allowed ? verdict.budgets.map(({ remaining }) => remaining) : verdict.code;
    };
    const budgeted = async () => (await service.issue({ caveats: ["spend.tokens <= 1000"] })).token;
    const client = () => createBakehouse({ url: server.url, credential: credentialOf(service.asPlatform()) });
    const unsettled: unknown[] = [];
    function settling<Done>(spent: (done: Done) => Record<string, number>, from = client()) {
      return { service: from, spent, onUnsettled: (error: unknown) => void unsettled.push(error) };
    }

    test("tools: by the arguments, or by what the result says", async () => {
      const token = await budgeted();
      const cost = ({ most }: { most: number }) => ({ tokens: most });
      const plain = guardTool(verifier, "ask", () => 7, { cost });
      expect(await plain({ most: 100 }, { token })).toBe(7);
      expect(await left(token)).toEqual(["900"]);
      const settle = settling((used: number) => ({ tokens: used }));
      const ask = guardTool(verifier, "ask", ({ most }: { most: number }) => most / 10, { cost, settle });
      expect(await ask({ most: 500 }, { token })).toBe(50);
      expect(await left(token)).toEqual(["850"]);
      await expect(ask({ most: 900 }, { token })).rejects.toMatchObject({
        verdict: { code: "budget_exhausted" },
      });
      const failing = guardTool(verifier, "ask", () => expect.fail("it broke"), { cost, settle });
      await expect(failing({ most: 50 }, { token })).rejects.toThrow("it broke");
      expect(await left(token)).toEqual(["800"]);
      expect(unsettled).toEqual([]);
    });

    test("what can't be settled stays charged, and the result is there", async () => {
      const token = await budgeted();
      const ask = guardTool(verifier, "ask", () => "done", {
        cost: () => ({ tokens: 10 }),
        settle: settling(() => ({ tokens: 11 })),
      });
      expect(await ask({}, { token })).toBe("done");
      expect(unsettled.splice(0)).toMatchObject([{ code: "unprocessable" }]);
      expect(await left(token)).toEqual(["990"]);
      // Without budgets there is nothing to settle.
      expect(await ask({}, { token: (await service.issue()).token })).toBe("done");
      expect(unsettled).toEqual([]);
    });

    test("hono: once the handlers have run", async () => {
      const token = await budgeted();
      type Env = { Variables: { bakehouse: Allowed; used: number } };
      const app = new Hono<Env>();
      app.use(
        guardHono<Context<Env>>(verifier, () => ({}), {
          cost: () => ({ tokens: 100 }),
          settle: settling((c: Context<Env>) => ({ tokens: c.get("used") })),
        }),
      );
      app.get("/good", (c) => {
        c.set("used", 40);
        return c.text("good");
      });
      app.get("/bad", () => expect.fail("it broke"));
      app.onError((_, c) => c.text("bad", 500));
      const ask = (path: string) => app.request(path, { headers: headersOf(`Bearer ${token}`) });
      expect((await ask("/good")).status).toBe(200);
      expect(await left(token)).toEqual(["960"]);
      expect((await ask("/bad")).status).toBe(500);
      expect(await left(token)).toEqual(["860"]);
    });

    test("node:http: once the request is answered", async () => {
      const token = await budgeted();
      const guard = guardNode<IncomingMessage & { used?: number }>(verifier, () => ({}), {
        cost: () => ({ tokens: 100 }),
        settle: settling(({ used = 0 }: { readonly used?: number }) => ({ tokens: used })),
      });
      const web = createServer((request: IncomingMessage & { used?: number }, response) => {
        void guard(request, response, () => {
          request.used = 30;
          response.end("good");
        });
      });
      await new Promise<void>((resolve) => web.listen(0, "127.0.0.1", resolve));
      const { port } = web.address() as AddressInfo;
      try {
        const answer = await fetch(`http://127.0.0.1:${port}/`, { headers: headersOf(`Bearer ${token}`) });
        expect(answer.status).toBe(200);
        await expect.poll(() => left(token)).toEqual(["970"]);
      } finally {
        web.close();
        web.closeAllConnections();
      }
    });
  });

  test("tools: name and arguments are what the token is cleared against", async () => {
    const { token } = await service.issue({ caveats: ["tool = pay", "args.amount <= 100"] });
    const paid: number[] = [];
    const run = ({ amount }: { amount: number }) => paid.push(amount);
    const pay = guardTool(verifier, "pay", run);
    expect(await pay({ amount: 7 }, { token })).toBe(1);
    await expect(pay({ amount: 700 }, { token })).rejects.toBeInstanceOf(ToolRefusedError);
    await expect(guardTool(verifier, "refund", run)({ amount: 7 }, { token })).rejects.toBeInstanceOf(
      ToolRefusedError,
    );
    await expect(guardTool(broken, "pay", run)({ amount: 7 }, { token })).rejects.toMatchObject({
      code: "unreachable",
    });
    // A caller cannot say what tool it is.
    await expect(pay({ amount: 700 }, { token, context: { args: { amount: 1 } } })).rejects.toBeInstanceOf(
      ToolRefusedError,
    );
    expect(paid).toEqual([7]);
  });
});
