import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import type { TracesConfig } from "../../src/config/traces.ts";
import { parseConfig } from "../../src/config.ts";
import { Secret } from "../../src/domain/keys/secret.ts";
import { asPart, currentSpan, onBill } from "../../src/domain/parts/turn.ts";
import { requestLine } from "../../src/http/log/log-line.ts";
import { openTracing } from "../../src/run/traces/open-telemetry.ts";
import { reportedExporter } from "../../src/run/traces/reported-exporter.ts";
import { startTracing } from "../../src/run/traces/start.ts";
import { createWebhook } from "../../src/run/webhook.ts";
import { until } from "../support/until.ts";
import { type Collector, startCollector } from "./collector.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const SPAN = "b7ad6b7169203331";
const PLACE = `00-${TRACE}-${SPAN}-01`;

/** Milliseconds for a collector that answers. */
const PATIENCE = 60_000;

test("a request's line in the log has its trace at the end", () => {
  const event = {
    requestId: "r",
    method: "GET",
    route: null,
    status: 404,
    milliseconds: 1,
    caller: "none",
    code: null,
  } as const;
  expect(JSON.parse(requestLine({ ...event, traceId: TRACE }, 0, ""))).toMatchObject({ trace_id: TRACE });
  expect(JSON.parse(requestLine(event, 0, ""))).not.toHaveProperty("trace_id");
});

describe("the environment", () => {
  const ON = { OTEL_EXPORTER_OTLP_ENDPOINT: "https://collector.example/otlp/" };
  const read = (more: Readonly<Record<string, string>>) => parseConfig({ ...ON, ...more });

  test("as the specification has it", () => {
    const { traces, warnings } = read({
      OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: "http/json",
      OTEL_TRACES_SAMPLER: "parentbased_traceidratio",
      OTEL_TRACES_SAMPLER_ARG: "0.01",
      OTEL_BSP_MAX_QUEUE_SIZE: "100",
      OTEL_RESOURCE_ATTRIBUTES: "service.name=x,team=a%2Cb",
      OTEL_SERVICE_NAME: "tokens",
      OTEL_PROPAGATORS: "baggage",
    });
    expect(warnings).toEqual([]);
    expect(traces).toEqual({
      url: "https://collector.example/otlp/v1/traces",
      encoding: "json",
      sampler: { kind: "traceidratio", ratio: 0.01, parentBased: true },
      propagates: false,
      resource: { "service.name": "tokens", team: "a,b" },
      batch: { maxQueueSize: 100 },
    });
  });

  test.each([
    {},
    { ...ON, OTEL_SDK_DISABLED: "true" },
    { ...ON, OTEL_TRACES_EXPORTER: "none" },
    { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "http://127.0.0.1:4318/x", OTEL_SDK_DISABLED: "TRUE" },
  ])("that wants no traces: %j", async (environment) => {
    const { traces } = parseConfig(environment);
    expect(traces).toBeUndefined();
    const log = { info() {}, warn() {} };
    expect(await startTracing(traces, { version: "1", worker: undefined, log })).toBeUndefined();
  });

  test("with an address for traces, which is taken as it is, beside one for everything or alone", () => {
    const alone = { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "http://127.0.0.1:4318/x" };
    expect(parseConfig(alone).traces?.url).toBe("http://127.0.0.1:4318/x");
    expect(read(alone).traces?.url).toBe("http://127.0.0.1:4318/x");
    const wrong = parseConfig({ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "CANARY" });
    expect(wrong.traces).toBeUndefined();
    expect(wrong.warnings.length).toBe(1);
  });

  test.each([
    ["OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"],
    ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "CANARY"],
    ["OTEL_TRACES_EXPORTER", "zipkin"],
    ["OTEL_TRACES_SAMPLER", "CANARY"],
    ["OTEL_BSP_SCHEDULE_DELAY", "-1"],
    ["OTEL_RESOURCE_ATTRIBUTES", "CANARY"],
    ["OTEL_RESOURCE_ATTRIBUTES", "a=%CANARY"],
  ])("with a wrong %s: it is named and ignored", (name, value) => {
    const { traces, warnings } = read({ [name]: value });
    expect(traces).toEqual(read({}).traces);
    expect(warnings.length).toBe(1);
    expect(warnings[0]).toMatch(new RegExp(`^${name}: must .*ignored$`));
    expect(warnings[0]).not.toContain("CANARY");
  });
});

describe("what is recorded", () => {
  let collector: Collector;
  const told: unknown[] = [];
  const log = {
    info: (line: unknown) => void told.push(line),
    warn: (line: unknown) => void told.push(line),
  };

  function opened(sampler: Partial<TracesConfig["sampler"]> = {}, more: Partial<TracesConfig> = {}) {
    return openTracing(
      {
        url: `${collector.url}/v1/traces`,
        encoding: "json",
        sampler: { kind: "always_on", ratio: 1, parentBased: true, ...sampler },
        propagates: true,
        resource: {},
        batch: {},
        ...more,
      },
      { version: "1", worker: 3, log: log as never },
    );
  }

  const request = (requestId: string, method = "POST") => ({ requestId, method, route: "/v1/verify" });
  const answer = { status: 200, caller: "none", code: null } as const;
  const payer = { kind: "service", name: "" } as const;

  beforeAll(async () => {
    collector = await startCollector();
  });

  afterAll(async () => {
    await collector.close();
  });

  test("a request with its look-up, and calls of the database and of an issuer", async () => {
    const tracing = opened();
    const trace = tracing.begin(request("a", "BREW"), PLACE);
    const fetch = tracing.issuerCalls(async () => new Response("", { status: 502 }));
    await onBill({ payer, span: trace?.span }, async () => {
      await asPart("look up token", async () => tracing.queried("find principal", 5, true));
      await fetch("https://login.example/secret?code=secret", {});
      // The place in a trace is for the receiver of notifications; nothing here tells it to an issuer.
    });
    trace?.end({ status: 503, caller: "platform", code: "unavailable" });
    tracing.queried("nobody's", 5, false);
    await tracing.close(PATIENCE);
    const of = collector.spans.filter(({ traceId }) => traceId === TRACE);
    const found = (name: string) => of.find((one) => one.name === name);
    const whole = found("HTTP /v1/verify");
    expect(whole).toMatchObject({
      parentSpanId: SPAN,
      kind: 2,
      failed: true,
      attributes: { "http.request.method": "_OTHER", "bakehouse.code": "unavailable" },
      resource: { "bakehouse.worker": 3, "service.version": "1" },
    });
    const lookUp = found("look up token");
    expect(lookUp).toMatchObject({ parentSpanId: whole?.spanId, failed: false });
    expect(found("find principal")).toMatchObject({ parentSpanId: lookUp?.spanId, kind: 3, failed: true });
    const issuer = { "server.address": "login.example", "http.response.status_code": 502 };
    expect(found("issuer")).toMatchObject({ parentSpanId: whole?.spanId, failed: true, attributes: issuer });
    expect(of.length).toBe(4);
    expect(JSON.stringify(of)).not.toMatch(/secret|BREW/);
  });

  test("a hundred parts of a request, its audit events all the same, and how many parts are missing", async () => {
    const tracing = opened();
    const trace = tracing.begin(request("many"), null);
    await onBill({ payer, span: trace?.span }, async () => {
      for (let at = 0; at < 500; at++) {
        await asPart("look up token", async () => tracing.queried("find principal", 1, false));
      }
      await asPart("look up token", async () => currentSpan()?.audited("event"));
    });
    trace?.end(answer);
    await tracing.close(PATIENCE);
    const of = collector.spans.filter(({ traceId }) => traceId === trace?.traceId);
    expect(of.length).toBe(101);
    expect(of.find(({ kind }) => kind === 2)?.attributes).toMatchObject({
      "bakehouse.audit_event_ids": ["event"],
      // A call within a part that is missing is a part of that one.
      "bakehouse.parts_left_out": 451,
    });
  });

  test("a notification, whose receiver is told its place", async () => {
    const tracing = opened();
    let sent: string | null = null;
    const webhook = createWebhook({
      url: "http://127.0.0.1/hook",
      secret: new Secret(new Uint8Array(32)),
      traceparent: tracing.outgoing,
      async fetch(_, init) {
        sent = new Headers(init?.headers).get("traceparent");
        return new Response();
      },
    });
    expect(await tracing.deliveries(webhook).send({ id: "n", body: "{}", at: 0 })).toBe(true);
    await tracing.close(PATIENCE);
    const span = collector.spans.find(({ name }) => name === "webhook");
    expect(span).toMatchObject({ failed: false, attributes: { "bakehouse.notification_id": "n" } });
    expect(sent).toBe(`00-${span?.traceId}-${span?.spanId}-01`);
  });

  test("protobuf is what is sent unless said", async () => {
    const tracing = opened({}, { encoding: "protobuf" });
    tracing.begin(request("p"), null)?.end(answer);
    await tracing.close(PATIENCE);
    expect(collector.requests.at(-1)).toMatchObject({ type: "application/x-protobuf" });
  });

  test("none of those that are not chosen, and a share of the others", () => {
    const none = opened({ kind: "always_off" });
    expect(none.begin(request("n"), null)).toBeUndefined();
    const some = opened({ kind: "traceidratio", ratio: 0.5 });
    const begun = Array.from({ length: 1_000 }, () => some.begin(request("s"), null)?.span);
    const count = begun.filter((span) => span !== undefined).length;
    // Beyond ten times the spread of such a draw.
    expect(Math.abs(count - 500)).toBeLessThan(160);
  });

  test("no more than a hundred at once because callers want it", () => {
    const tracing = opened({ kind: "always_off" });
    const begun = Array.from({ length: 1_000 }, () => tracing.begin(request("c"), PLACE));
    expect(begun.every((trace) => trace?.traceId === TRACE)).toBe(true);
    const count = begun.filter((trace) => trace?.span !== undefined).length;
    expect(count).toBeGreaterThanOrEqual(100);
    expect(count).toBeLessThan(1_000);
  });

  test("nothing that a caller says where traces are not passed on", () => {
    const tracing = opened({}, { propagates: false });
    expect(tracing.begin(request("x"), PLACE)?.traceId).not.toBe(TRACE);
    expect(tracing.outgoing()).toBeUndefined();
  });

  test("a collector that takes nothing is told of once, and when it takes again", async () => {
    const tracing = opened();
    const round = async () => {
      tracing.begin(request("f"), null)?.end(answer);
      await tracing.flush();
    };
    told.length = 0;
    collector.answer(400);
    await round();
    await round();
    collector.answer(200);
    await round();
    await tracing.close(PATIENCE);
    await until(() => told.length >= 2);
    expect(told).toMatchObject([{ event: "traces not exported" }, { event: "traces exported again" }]);
  });

  test("a collector that took nothing the last time does not hold up the end", async () => {
    const tracing = opened();
    collector.answer(400);
    tracing.begin(request("f"), null)?.end(answer);
    await tracing.flush();
    collector.answer(undefined);
    tracing.begin(request("f"), null)?.end(answer);
    // It answers nothing to the last ones, and the test would not end if they were waited for.
    await tracing.close(86_400_000);
    collector.answer(200);
  });
});

describe("an exporter", () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  test("is told of once it fails, by its result or by none for ten seconds, and once it works again", () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const said: string[] = [];
    const results: ((result: { code: number }) => void)[] = [];
    const exporter = reportedExporter(
      { export: (_, done) => void results.push(done), shutdown: async () => {} },
      { failing: () => said.push("failing"), again: () => said.push("again") },
    );
    const outcomes: number[] = [];
    const send = () => exporter.export([], ({ code }) => void outcomes.push(code));
    send();
    vi.advanceTimersByTime(9_999);
    expect([said, exporter.isFailing()]).toEqual([[], false]);
    vi.advanceTimersByTime(1);
    expect([said, exporter.isFailing()]).toEqual([["failing"], true]);
    results[0]?.({ code: 1 });
    expect(said).toEqual(["failing"]);
    send();
    results[1]?.({ code: 0 });
    vi.advanceTimersByTime(60_000);
    expect([said, outcomes]).toEqual([
      ["failing", "again"],
      [1, 0],
    ]);
  });
});
