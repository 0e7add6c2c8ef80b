import { createHash } from "node:crypto";
import { pino } from "pino";
import { describe, expect, test } from "vitest";
import { DomainError, type DomainErrorCode } from "../../src/domain/parts/error.ts";
import { pinoHttpLog } from "../../src/http/log/pino-log.ts";
import { PROBLEMS } from "../../src/http/parts/problem-codes.ts";
import { PROBLEM_CODES } from "../../src/words/problem-codes.ts";
import { AT, TOKEN_ID } from "../support/fake-service.ts";
import { as, createTestApp, HTTPS_ORIGIN, ORIGIN, problemOf, whoMay } from "./app.ts";
import { CANARY } from "./mutations.ts";

const HTTP_ONLY = ["method_not_allowed", "unsupported_media_type", "payload_too_large", "internal_error"];
const DOMAIN_CODES = PROBLEM_CODES.filter((code): code is DomainErrorCode => !HTTP_ONLY.includes(code));

// Which route describes a code: the contract is checked on each answer.
const SHOWN_BY: Partial<
  Record<DomainErrorCode, readonly [method: string, path: string, body: string | null]>
> = {
  conflict: ["POST", "/v1/platforms", '{"name":"shop"}'],
  gone: ["GET", "/v1/revocations", null],
  precondition_failed: ["PUT", "/v1/platforms/shop/policy", '{"rules":[]}'],
};

describe("problems", () => {
  test.each(DOMAIN_CODES)("a use case's %s keeps its code, message and member", async (code) => {
    const fail = async () => Promise.reject(new DomainError(code, "what is wrong", "platform"));
    const { request } = createTestApp({
      tokens: { issue: fail },
      platforms: { create: fail },
      policies: { put: fail },
      revocations: { log: fail },
    });
    const [method, path, body] = SHOWN_BY[code] ?? ["POST", "/v1/tokens", '{"platform":"default"}'];
    const headers = { ...as(whoMay(path)), "content-type": "application/json" };
    const response = await request(path, { method, headers, body });
    expect(response.status).toBe(PROBLEMS[code].status);
    expect(await problemOf(response)).toEqual({
      type: `urn:bakehouse:problem:${code}`,
      title: PROBLEMS[code].title,
      status: PROBLEMS[code].status,
      code,
      detail: "what is wrong",
      member: "platform",
    });
    const retryAfter = response.headers.get("retry-after");
    if (PROBLEMS[code].status === 503 || PROBLEMS[code].status === 429)
      expect(retryAfter).toMatch(/^[1-9][0-9]*$/);
  });

  test.each([
    ["an error", () => new Error(`${CANARY}\n    at ${CANARY} (/etc/${CANARY}:1:1)`)],
    [
      "an error whose name and code are secrets",
      () => Object.assign(new Error("x"), { name: `${CANARY} !`, code: `${CANARY} !` }),
    ],
    ["an error whose stack is not text", () => Object.assign(new Error("x"), { stack: { secret: CANARY } })],
    ["an error with a cause", () => new Error("x", { cause: new Error(CANARY) })],
    [
      "an error that looks like a domain's",
      () => Object.assign(new Error(CANARY), { code: "forbidden", member: CANARY }),
    ],
    ["a string", () => CANARY],
    ["nothing", () => undefined],
  ])("%s is a bare 500 and no secret in the log", async (_, made) => {
    const { request, requests, faults } = createTestApp({
      tokens: { list: async () => Promise.reject(made()) },
    });
    const response = await request("/v1/tokens", { headers: as("human") });
    expect(response.status).toBe(500);
    expect(await problemOf(response)).toEqual({
      type: "urn:bakehouse:problem:internal_error",
      title: "Internal error",
      status: 500,
      code: "internal_error",
      detail: "internal error",
    });
    expect(faults).toHaveLength(1);
    expect(JSON.stringify([requests, faults])).not.toContain(CANARY);
    expect(requests).toMatchObject([{ status: 500, code: "internal_error" }]);
  });

  test("a fault's place is logged", async () => {
    const { request, faults } = createTestApp({
      tokens: { list: async () => Promise.reject(Object.assign(new TypeError("x"), { code: "23505" })) },
    });
    await request("/v1/tokens", { headers: { ...as("human"), "x-request-id": "mine" } });
    expect(faults).toMatchObject([
      { requestId: "mine", route: "/v1/tokens", name: "TypeError", code: "23505" },
    ]);
    expect(faults[0]?.frames.join("\n")).toContain("adapter.test.ts");
  });

  test.each(["/", "/login", "/docs"])("a fault of %s is a bare page to a browser", async (path) => {
    const fault = async () => Promise.reject(new Error(CANARY));
    const { request } = createTestApp(
      { authentication: { session: fault }, logins: { begin: fault } },
      path === "/docs" ? { docsFolder: "/nowhere" } : {},
    );
    const response = await request(path, { headers: { ...as("session"), accept: "text/html" } });
    expect(response.status).toBe(path === "/docs" ? 200 : 500);
    expect(await response.text()).not.toContain(CANARY);
  });
});

describe("paths and methods", () => {
  test.each([
    "/v1",
    "/v1/",
    "/v1/tokens/",
    "/V1/tokens",
    "/v1/unknown",
    "/docs/",
    "//v1/tokens",
    "/index.html",
    "/.env",
  ])("%s does not exist", async (path) => {
    const { request, calls, requests } = createTestApp();
    const response = await request(`${ORIGIN}${path}`, { headers: as("administrator") });
    expect(await problemOf(response)).toMatchObject({ status: 404, code: "not_found" });
    expect(calls).toEqual([]);
    expect(requests).toMatchObject([{ route: null }]);
  });

  test("HEAD is GET without a body", async () => {
    const { request } = createTestApp();
    const headers = as("human");
    const [get, head] = [
      await request("/v1/tokens", { headers }),
      await request("/v1/tokens", { method: "HEAD", headers }),
    ];
    expect(head.status).toBe(200);
    expect(await head.text()).toBe("");
    expect(head.headers.get("content-type")).toBe(get.headers.get("content-type"));
  });

  test("a credential is cleared against one spelling of the path", async () => {
    const { app, request, authentications } = createTestApp();
    const headers = as("platform");
    await request(`/v1/tokens/${TOKEN_ID}?`, { headers });
    // Past the contract, which knows paths only as they are written.
    await app.request(`http://127.0.0.1:8080/v1/tok%65ns/${TOKEN_ID.replace("019a", "0%319a")}`, { headers });
    await request("/v1/platforms/a%2Fb/policy", { headers });
    const facts = { method: "GET", ip: "192.0.2.7" };
    expect(authentications.map(({ args }) => args[1])).toEqual([
      { ...facts, path: `/v1/tokens/${TOKEN_ID}` },
      { ...facts, path: `/v1/tokens/${TOKEN_ID}` },
      { ...facts, path: "/v1/platforms/a%2Fb/policy" },
    ]);
  });

  test("a bearer credential is not accepted from a peer that cannot be named", async () => {
    const { request, authentications } = createTestApp({}, { peer: () => undefined });
    expect((await request("/v1/tokens", { headers: as("platform") })).status).toBe(503);
    expect(authentications).toEqual([]);
  });
});

describe("headers", () => {
  const API_POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

  test("every answer carries the common ones", async () => {
    const { request } = createTestApp();
    for (const path of ["/v1/tokens", "/v1/unknown", "/", "/docs", "/healthz", "/login", "/callback"]) {
      const { headers } = await request(path);
      expect(headers.get("x-content-type-options"), path).toBe("nosniff");
      expect(headers.get("referrer-policy"), path).toBe("same-origin");
      expect(headers.get("x-frame-options"), path).toBe("DENY");
      expect(headers.get("cross-origin-resource-policy"), path).toBe("same-origin");
      expect(headers.get("content-security-policy"), path).toContain("frame-ancestors 'none'");
      expect(headers.get("content-security-policy"), path).not.toContain("unsafe");
      expect(headers.get("cache-control"), path).toBe("no-store");
      expect(headers.get("strict-transport-security"), path).toBeNull();
      expect(headers.get("x-request-id"), path).toMatch(/^[0-9a-f-]{36}$/);
    }
    expect((await request("/v1/tokens")).headers.get("content-security-policy")).toBe(API_POLICY);
  });

  test("https is held to, where it is what PUBLIC_URL says", async () => {
    const { request } = createTestApp({}, { publicUrl: HTTPS_ORIGIN });
    expect((await request("/healthz")).headers.get("strict-transport-security")).toBe("max-age=31536000");
  });

  test("the front page's style is the one that its policy admits, and it has no script", async () => {
    const { request } = createTestApp();
    const response = await request("/");
    const text = await response.text();
    const style = /<style>([\s\S]*)<\/style>/.exec(text)?.[1] ?? "";
    const hash = createHash("sha256").update(style).digest("base64");
    expect(response.headers.get("content-security-policy")).toContain(`style-src 'sha256-${hash}'`);
    expect(response.headers.get("content-security-policy")).toContain("default-src 'none'");
    expect(text).not.toMatch(/<script|style="|\son\w+=/);
  });

  test("the documentation loads its own files and nothing else", async () => {
    const { request } = createTestApp();
    const page = await request("/docs");
    const text = await page.text();
    const links = [...text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, link = ""]) => link);
    // The others are the way home, and the file itself.
    const files = links.filter((link) => link.startsWith("/docs/"));
    expect(files).toHaveLength(4);
    for (const link of files) {
      const file = await request(link);
      expect(file.status, link).toBe(200);
      expect(file.headers.get("cache-control"), link).toBe("public, max-age=3600");
      expect((await file.arrayBuffer()).byteLength, link).toBeGreaterThan(100);
    }
    expect(text).not.toMatch(/<script>|style=|https?:/);
    expect(page.headers.get("content-security-policy")).toContain("script-src 'self'; style-src 'self'");
    const start = await (await request("/docs/start.js")).text();
    expect(start).toContain('url: "/openapi.yaml"');
    expect(start).toContain("validatorUrl: null");
  });

  test.each([
    "package.json",
    "..%2fpackage.json",
    "swagger-ui-bundle.js.map",
    "constructor",
    "__proto__",
    "index.html",
    "a%00",
  ])("the documentation has no file %s", async (name) => {
    const { request } = createTestApp();
    expect(await problemOf(await request(`/docs/${name}`))).toMatchObject({ status: 404 });
  });

  test.each([
    ["text/html", "text/html; charset=utf-8"],
    ["text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "text/html; charset=utf-8"],
    ["*/*", "text/html; charset=utf-8"],
    [undefined, "text/html; charset=utf-8"],
    ["application/json", "application/problem+json"],
    ["application/problem+json, application/json", "application/problem+json"],
  ])("a page's error is told to who accepts %s as %s", async (accept, type) => {
    const { request } = createTestApp();
    const headers: Record<string, string> = accept === undefined ? {} : { accept };
    const response = await request("/login?return_to=//evil.example", { headers });
    expect(response.status).toBe(400);
    expect(response.headers.get("content-type")).toBe(type);
    expect(await response.text()).not.toContain("evil.example");
  });

  test("the API answers problems to browsers too", async () => {
    const { request } = createTestApp();
    const response = await request("/v1/tokens", { headers: { accept: "text/html" } });
    expect(response.headers.get("content-type")).toBe("application/problem+json");
  });
});

describe("request ids and events", () => {
  test.each(["abc", "A.b_c-1", "x".repeat(40)])("the caller's id %s is kept", async (id) => {
    const { request, requests } = createTestApp();
    const response = await request("/healthz", { headers: { "x-request-id": id } });
    expect(response.headers.get("x-request-id")).toBe(id);
    expect(requests).toMatchObject([{ requestId: id }]);
  });

  test.each(["", "a b", "a,b", "é", "x".repeat(41), '"', "<b>"])("the id %j is replaced", async (id) => {
    const { request, requests } = createTestApp();
    const response = await request("/healthz", { headers: { "x-request-id": id } });
    expect(response.headers.get("x-request-id")).toMatch(/^[0-9a-f-]{36}$/);
    expect(requests[0]?.requestId).toBe(response.headers.get("x-request-id"));
  });

  test("one event says who, what and how long, and nothing that was sent", async () => {
    const { request, requests } = createTestApp();
    const headers = { ...as("platform"), "user-agent": CANARY };
    await request(`/v1/tokens/${TOKEN_ID}`, { headers: { ...headers, "x-request-id": "r1" } });
    await request(`/v1/tokens?${CANARY}=${CANARY}`, { headers });
    await request(`/${CANARY}?a=${CANARY}`, { headers });
    const common = { method: "GET", milliseconds: 1.5 };
    expect(requests).toMatchObject([
      { ...common, requestId: "r1", route: "/v1/tokens/{id}", status: 200, caller: "platform", code: null },
      { ...common, route: "/v1/tokens", status: 400, caller: "platform", code: "invalid_request" },
      { ...common, route: null, status: 404, caller: "none", code: "not_found" },
    ]);
    expect(JSON.stringify(requests)).not.toContain(CANARY);
  });

  test.each([
    ["human", "human"],
    ["session", "human"],
    ["administrator", "administrator"],
  ] as const)("a caller by %s is logged as %s", async (who, caller) => {
    const { request, requests } = createTestApp();
    await request("/v1/tokens", { headers: as(who) });
    expect(requests).toMatchObject([{ caller }]);
  });

  test("a line names the peer where it is known, as pino would", () => {
    const lines: string[] = [];
    const write = (line: string) => lines.push(line);
    const timestamp = () => `,"time":"${new Date(AT).toISOString()}"`;
    const logger = pino({ base: {}, timestamp }, { write });
    const log = pinoHttpLog(logger, { write, now: () => AT, bindings: {} });
    const [method, route, caller, peer] = ["GET", "/v1/tokens", "human", "2001:db8::7"] as const;
    const event = { method, route, status: 200, milliseconds: 1, caller, peer, code: null };
    log.request({ requestId: "r", ...event });
    logger.info({ event: "request", request_id: "r", ...event });
    expect(lines[0]).toBe(lines[1]);
  });

  test("a failure is a line with its facts, which cannot pass for the line's own members", () => {
    const lines: string[] = [];
    const write = (line: string) => lines.push(line);
    const log = pinoHttpLog(pino({ base: {}, timestamp: false }, { write }), {
      write,
      now: () => AT,
      bindings: {},
    });
    const facts = { cause: "tls", status: 7, event: "request", detail: "other", request_id: "x" };
    log.failure({ requestId: "r", route: "/login", detail: "it failed", facts });
    expect(JSON.parse(lines[0] ?? "")).toEqual({
      level: 40,
      event: "identity provider",
      request_id: "r",
      route: "/login",
      detail: "it failed",
      cause: "tls",
      status: 7,
    });
  });

  test.each(["info", "warn", "error"] as const)("are lines as pino writes them, at the level %s", (level) => {
    const lines: string[] = [];
    const write = (line: string) => lines.push(line);
    const bindings = { service: "bakehouse" };
    const now = () => AT;
    const timestamp = () => `,"time":"${new Date(AT).toISOString()}"`;
    const logger = pino({ level, base: bindings, timestamp }, { write });
    const log = pinoHttpLog(logger, { write, now, bindings });
    const event = {
      requestId: "r",
      method: "GET",
      route: "/v1/tokens",
      status: 200,
      milliseconds: 1.25,
      caller: "human",
      code: null,
    } as const;
    log.request(event);
    log.request({ ...event, status: 503, code: "unavailable" });
    log.fault({ requestId: "r", route: null, name: "TypeError", code: null, frames: ["at a"] });
    const { requestId: request_id, ...rest } = event;
    const ours = lines.splice(0);
    logger.info({ event: "request", request_id, ...rest });
    logger.warn({ event: "request", request_id, ...rest, status: 503, code: "unavailable" });
    const fault = { request_id, route: null, name: "TypeError", code: null, frames: ["at a"] };
    logger.error({ event: "fault", ...fault });
    expect(ours).toEqual(lines);
    expect(ours).toHaveLength({ info: 3, warn: 2, error: 1 }[level]);
  });
});
