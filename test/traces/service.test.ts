import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";

import { parseConfig } from "../../src/config.ts";
import { startTracing } from "../../src/run/traces/start.ts";
import type { Tracing } from "../../src/run/traces/tracing.ts";
import { as, createTestApp } from "../http/app.ts";
import { type FakeIssuer, startFakeIssuer } from "../support/fake-issuer.ts";
import { type OwnService, startOwnService } from "../support/own-service.ts";
import { builtBundle } from "../support/process-bundle.ts";
import { until } from "../support/until.ts";
import { type Collector, startCollector } from "./collector.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const CALLER = "b7ad6b7169203331";

const place = (flags = "01") => `00-${TRACE}-${CALLER}-${flags}`;

const settings = ({ url }: Collector) => ({
  OTEL_EXPORTER_OTLP_ENDPOINT: url,
  OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
  OTEL_RESOURCE_ATTRIBUTES: "deployment.environment.name=test",
  OTEL_SERVICE_NAME: "tokens",
  OTEL_BSP_SCHEDULE_DELAY: "20",
  OTEL_BSP_EXPORT_TIMEOUT: "3600000",
});

/** Does something while the exporter's own variables are set: it reads them at its start. */
async function underExporter<T>(work: () => Promise<T>): Promise<T> {
  vi.stubEnv("OTEL_EXPORTER_OTLP_HEADERS", "x-key=secret");
  // Nothing that waits for a collector which does not answer would end before the test does.
  vi.stubEnv("OTEL_EXPORTER_OTLP_TIMEOUT", "3600000");
  try {
    return await work();
  } finally {
    vi.unstubAllEnvs();
  }
}

/** The span of a request, and all others of its trace. */
const spansOf = (collector: Collector, requestId: string) =>
  until(() => {
    const of = collector.spans.find((one) => one.attributes["bakehouse.request_id"] === requestId);
    return of && { of, parts: collector.spans.filter((one) => one.traceId === of.traceId && one !== of) };
  });

test("the built command has the SDK in one chunk, and imports it only when it is asked to", () => {
  const folder = dirname(builtBundle());
  const files = readdirSync(folder).filter((file) => file.endsWith(".js"));
  const holding = (text: string) =>
    files.filter((file) => readFileSync(join(folder, file), "utf8").includes(text));
  const [chunk = "", ...more] = holding("BatchSpanProcessor");
  expect(more).toEqual([]);
  expect(chunk).toMatch(/^open-telemetry-.*\.js$/);
  const importing = holding(`./${chunk}`);
  expect(importing.length).toBe(1);
  const text = readFileSync(join(folder, importing[0] ?? ""), "utf8");
  const lines = text.split("\n").filter((line) => line.includes(`./${chunk}`));
  for (const line of lines) expect(line).toContain(`import("./${chunk}")`);
});

describe("the way of every request", () => {
  let collector: Collector;
  let tracer: Tracing | undefined;
  let house: ReturnType<typeof createTestApp>;

  beforeAll(async () => {
    collector = await startCollector();
    const log = { info() {}, warn() {} };
    const { traces } = parseConfig(settings(collector));
    tracer = await startTracing(traces, { version: "1", worker: undefined, log });
    house = createTestApp({}, { tracer });
  });

  afterAll(async () => {
    await tracer?.close(0);
    await collector.close();
  });

  async function ask(requestId: string, headers: Readonly<Record<string, string>>) {
    house.forget();
    await house.request("/v1/platforms", {
      headers: { ...as("administrator"), "x-request-id": requestId, ...headers },
    });
    return house.requests[0];
  }

  test("its line in the log and its record name each other", async () => {
    const line = await ask("first", { traceparent: place() });
    expect(line).toMatchObject({ requestId: "first", traceId: TRACE });
    const { of } = await spansOf(collector, "first");
    expect(of).toMatchObject({ traceId: TRACE, parentSpanId: CALLER, name: "GET /v1/platforms", kind: 2 });
  });

  test.each([
    ["malformed", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331"],
    ["sent twice", `${place()}, ${place()}`],
    ["of no trace", `00-${"0".repeat(32)}-${CALLER}-01`],
  ])("a traceparent that is %s counts as none", async (name, traceparent) => {
    const requestId = name.replaceAll(" ", "-");
    const line = await ask(requestId, { traceparent });
    const { of } = await spansOf(collector, requestId);
    expect(of.parentSpanId).toBeUndefined();
    expect(of.traceId).not.toBe(TRACE);
    expect(line?.traceId).toBe(of.traceId);
  });

  test("what its caller does not record is not recorded, and the log still names the trace", async () => {
    expect(await ask("quiet", { traceparent: place("00") })).toMatchObject({ traceId: TRACE });
    await ask("loud", {});
    await spansOf(collector, "loud");
    expect(collector.text()).not.toContain("quiet");
  });

  test("without tracing there is no trace, whatever a caller says", async () => {
    const silent = createTestApp();
    await silent.request("/v1/platforms", { headers: { ...as("administrator"), traceparent: place() } });
    expect(silent.requests[0]?.traceId).toBeUndefined();
  });
});

describe("a service", () => {
  let collector: Collector;
  let issuer: FakeIssuer;
  let service: OwnService;

  beforeAll(async () => {
    collector = await startCollector();
    issuer = await startFakeIssuer();
    const people = {
      OIDC_ISSUER: issuer.issuer,
      OIDC_CLIENT_ID: issuer.clientId,
      OIDC_CLIENT_SECRET: "CANARY-client",
    };
    service = await underExporter(() => startOwnService({ ...settings(collector), ...people }));
  });

  afterAll(async () => {
    await service?.stop();
    await issuer?.close();
    await collector?.close();
  });

  async function call(
    path: string,
    file: "admin.token" | "default.token",
    body?: object,
    headers: Readonly<Record<string, string>> = {},
    method = body === undefined ? "GET" : "POST",
  ) {
    const response = await fetch(service.url + path, {
      method,
      headers: {
        authorization: `Bearer ${service.credential(file)}`,
        "content-type": "application/json",
        ...headers,
      },
      body: body === undefined ? null : JSON.stringify(body),
    });
    const text = await response.text();
    const json: Readonly<Record<string, unknown>> = text.startsWith("{") ? JSON.parse(text) : {};
    return { status: response.status, json };
  }

  const itemsOf = (json: Readonly<Record<string, unknown>>) =>
    json["items"] as readonly { readonly id: string }[];

  test("a verify is a part of its caller's trace, with a part for each look-up", async () => {
    const asked = { token: "x", context: {} };
    const headers = { traceparent: place(), "x-request-id": "first" };
    await call("/v1/verify", "default.token", asked, headers);
    const { of, parts } = await spansOf(collector, "first");
    expect(of).toMatchObject({
      name: "POST /v1/verify",
      traceId: TRACE,
      parentSpanId: CALLER,
      kind: 2,
      failed: false,
      attributes: {
        "http.request.method": "POST",
        "http.route": "/v1/verify",
        "http.response.status_code": 200,
        "bakehouse.caller": "platform",
      },
      resource: { "service.name": "tokens", "deployment.environment.name": "test" },
    });
    const lookUps = parts.filter(({ name }) => name === "look up token");
    // Its credential is a token, too, which is looked up again if the body was slow.
    expect(lookUps.length).toBeGreaterThanOrEqual(2);
    for (const one of lookUps) expect(one).toMatchObject({ parentSpanId: of.spanId, kind: 1 });
    expect(lookUps.map(({ attributes }) => attributes["bakehouse.found"])).toContain(false);
    expect(collector.requests[0]).toEqual({ path: "/v1/traces", type: "application/json", key: "secret" });
  });

  test("the record of a change names its audit event, and has a part for each call of the database", async () => {
    const made = await call("/v1/platforms", "admin.token", { name: "shop" }, { "x-request-id": "made" });
    expect(made.status).toBe(201);
    const { of, parts } = await spansOf(collector, "made");
    const { json } = await call("/v1/audit?action=platform.created&limit=1", "admin.token");
    const [event] = itemsOf(json);
    expect(of.attributes["bakehouse.audit_event_ids"]).toContain(event?.id);
    const calls = parts.filter(({ attributes }) => attributes["db.system.name"] === "postgresql");
    expect(calls.some(({ name }) => name.endsWith(": commit"))).toBe(true);
    const ids = new Set([of, ...parts].map(({ spanId }) => spanId));
    for (const one of calls) {
      expect(one).toMatchObject({ kind: 3, failed: false, attributes: { "db.query.summary": one.name } });
      expect(ids).toContain(one.parentSpanId);
    }
  });

  test("a call of the identity provider is a part of the request that it is made for", async () => {
    const token = await issuer.signIdToken({ sub: "CANARY-human", email: "CANARY@example.com" });
    const headers = { authorization: `Bearer ${token}`, "x-request-id": "human" };
    await call("/v1/tokens", "admin.token", { platform: "CANARY" }, headers);
    const { of, parts } = await spansOf(collector, "human");
    expect(of.attributes["bakehouse.caller"]).toBe("human");
    expect(parts.find(({ name }) => name === "issuer")).toMatchObject({
      kind: 3,
      failed: false,
      attributes: { "server.address": "127.0.0.1", "http.response.status_code": 200 },
    });
  });

  test("the record of a refused verify names the audit event that is written behind it", async () => {
    await call("/v1/verify", "default.token", { token: "y", context: {} }, { "x-request-id": "refused" });
    const { of } = await spansOf(collector, "refused");
    const [id] = of.attributes["bakehouse.audit_event_ids"] as readonly string[];
    await until(async () => {
      const { json } = await call("/v1/audit?action=verify.refused", "admin.token");
      return itemsOf(json).some((one) => one.id === id);
    });
  });

  test("no token, secret, caveat, query or other text of a caller is in a record", async () => {
    const rules = [{ max_ttl: 3600, on_behalf_of: true }];
    await call("/v1/platforms/default/policy", "admin.token", { rules }, {}, "PUT");
    const issued = await call("/v1/tokens", "default.token", {
      platform: "default",
      on_behalf_of: { subject: "CANARY-person" },
      caveats: ["tool = CANARY-tool", "agent = CANARY-agent"],
    });
    const token = String(issued.json["token"]);
    expect(token.length).toBeGreaterThan(100);
    const said = {
      "user-agent": "CANARY",
      tracestate: "canary=CANARY",
      baggage: "user=CANARY",
      "idempotency-key": "CANARY",
      cookie: "bakehouse=CANARY",
    };
    const context = { tool: "CANARY-tool", CANARY: "CANARY" };
    await call("/v1/verify", "default.token", { token, context }, said);
    await call("/v1/verify", "default.token", { token, context: { tool: "CANARY" } }, said);
    await call("/v1/revocations", "admin.token", { platform: "CANARY", token: "CANARY" }, said);
    await call("/v1/platforms/CANARY/policy?limit=CANARY", "admin.token", undefined, said);
    await call("/CANARY?CANARY=CANARY", "admin.token", undefined, { ...said, "x-request-id": "lost" });
    await call("/v1/platforms", "admin.token", undefined, { ...said, "x-request-id": "of/CANARY" });
    await spansOf(collector, "lost");
    await call("/v1/platforms", "admin.token", undefined, { "x-request-id": "last" });
    await spansOf(collector, "last");
    const all = collector.text();
    expect(all).toContain("/v1/platforms/{name}/policy");
    for (const text of [token, service.credential("admin.token"), service.credential("default.token")]) {
      for (let at = 0; at + 20 <= text.length; at += 20) expect(all).not.toContain(text.slice(at, at + 20));
    }
    expect(all).not.toMatch(/canary|secret/i);
  });

  test("a collector that refuses harms nobody", async () => {
    collector.answer(400);
    const before = collector.requests.length;
    for (let time = 0; time < 3; time++) {
      expect((await call("/v1/platforms", "admin.token")).status).toBe(200);
      await until(() => collector.requests.length > before + time);
    }
    collector.answer(200);
    await call("/v1/platforms", "admin.token", undefined, { "x-request-id": "again" });
    await spansOf(collector, "again");
  });

  test("a collector that never answers holds up no request and no stop", async () => {
    collector.answer(undefined);
    const before = collector.requests.length;
    await call("/v1/platforms", "admin.token");
    await until(() => collector.requests.length > before);
    for (let time = 0; time < 3; time++) {
      expect((await call("/v1/platforms", "admin.token")).status).toBe(200);
      await pause(30); // more than one batch
    }
    await service.stop();
  });
});
