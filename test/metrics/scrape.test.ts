import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { get } from "node:http";
import { join } from "node:path";

import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { parseConfig } from "../../src/config.ts";
import { FAMILIES } from "../../src/run/metrics/families.ts";
import { type Serving, serve } from "../../src/run/serve.ts";
import { createTestApp } from "../http/app.ts";
import { copyEmbedded } from "../support/embedded-template.ts";
import { findProgram } from "../support/find-program.ts";
import { freePort } from "../support/process-service.ts";
import { scratchFolder } from "../support/scratch.ts";
import { numberOf, readExposition } from "./exposition.ts";
import { CONTRACT } from "./names.ts";

const PROMETHEUS =
  "application/openmetrics-text;version=1.0.0;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.2";

let serving: Serving;
let dataDir: string;
let port: number;

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly text: string;
}

/** Asks with headers as they are given, `Host` among them. */
function ask(path: string, headers: Readonly<Record<string, string>> = {}, to = port, method = "GET") {
  return new Promise<Answer>((resolve, reject) => {
    const request = get({ host: "127.0.0.1", port: to, path, headers, agent: false, method }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        text += chunk;
      });
      response.on("end", () =>
        resolve({
          status: response.statusCode ?? 0,
          type: String(response.headers["content-type"]),
          text,
        }),
      );
    });
    request.on("error", reject);
  });
}

async function call<T>(method: string, path: string, file: string, body?: object): Promise<T> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${readFileSync(join(dataDir, file), "utf8").trim()}`,
      "content-type": "application/json",
    },
    body: body === undefined ? null : JSON.stringify(body),
  });
  return (await response.json()) as T;
}

beforeAll(async () => {
  dataDir = scratchFolder("metrics");
  await copyEmbedded(join(dataDir, "database"));
  port = await freePort();
  serving = await serve(parseConfig({ DATA_DIR: dataDir, PORT: String(port), LOG_LEVEL: "silent" }));
  const policy = { rules: [{ max_ttl: 3600, on_behalf_of: true }] };
  await call("PUT", "/v1/platforms/default/policy", "admin.token", policy);
  const asked = { platform: "default", on_behalf_of: { subject: "alice" }, caveats: ["uses <= 1"] };
  const { token } = await call<{ token: string }>("POST", "/v1/tokens", "default.token", asked);
  for (let time = 0; time < 2; time++) {
    await call("POST", "/v1/verify", "default.token", { token, context: {} });
  }
  await call("POST", "/v1/verify/batch", "default.token", { requests: [{ token: "x", context: {} }] });
});

afterAll(async () => {
  await serving?.stop();
});

describe("a scrape", () => {
  test("has every metric of the contract with its labels, and what was done stands in it", async () => {
    const { status, type, text } = await ask("/metrics");
    expect([status, type]).toEqual([200, "text/plain; version=0.0.4; charset=utf-8"]);
    const families = readExposition(text);
    for (const [name, labels] of Object.entries(CONTRACT)) {
      const family = families.get(name);
      expect(family, name).toBeDefined();
      const found = new Set(family?.samples.flatMap((one) => Object.keys(one.labels)));
      found.delete("le");
      expect([...found].sort(), name).toEqual(labels);
    }
    const ours = [...families.keys()].filter((name) => name.startsWith("bakehouse_"));
    expect(ours.sort()).toEqual(Object.keys(CONTRACT).sort());
    expect([...families.keys()].filter((name) => /^(process|nodejs)_/.test(name)).length).toBeGreaterThan(15);
    expect(families.has("process_start_time_seconds")).toBe(true);

    const number = (name: string, labels?: Readonly<Record<string, string>>) =>
      numberOf(families, name, labels);
    expect(number("bakehouse_verify_total", { decision: "allowed", code: "none" })).toBe(1);
    expect(number("bakehouse_verify_total", { decision: "refused", code: "budget_exhausted" })).toBe(1);
    expect(number("bakehouse_verify_total", { decision: "refused", code: "malformed" })).toBe(1);
    expect(number("bakehouse_budget_charges_total", { outcome: "charged" })).toBe(1);
    expect(number("bakehouse_budget_charges_total", { outcome: "exhausted" })).toBe(1);
    expect(number("bakehouse_issued_total", { how: "platform" })).toBe(1);
    const route = { route: "/v1/verify", method: "POST", status: "200" };
    expect(number("bakehouse_http_requests_total", route)).toBe(2);
    const duration = "bakehouse_verify_duration_seconds";
    expect(numberOf(families, duration, {}, `${duration}_count`)).toBe(2);
    const sum = numberOf(families, duration, {}, `${duration}_sum`) ?? 0;
    expect(sum).toBeGreaterThan(0);
    expect(number("bakehouse_root_key_age_seconds", { platform: "default" })).toBeGreaterThanOrEqual(0);
    expect(number("bakehouse_workers", { state: "serving" })).toBe(1);
    expect(number("bakehouse_approvals_pending")).toBe(0);
    expect(number("bakehouse_db_circuit_open")).toBe(0);
    // Its credential is a bundle, too.
    expect(number("bakehouse_verified_cache_hits_total")).toBeGreaterThan(0);
  });

  test("is OpenMetrics where that is asked for", async () => {
    const { type, text } = await ask("/metrics", { accept: PROMETHEUS });
    expect(type).toBe("application/openmetrics-text; version=1.0.0; charset=utf-8");
    const families = readExposition(text, true);
    const total = numberOf(families, "bakehouse_verify", { decision: "allowed" }, "bakehouse_verify_total");
    expect(total).toBe(1);
  });

  const promtool = findProgram("promtool");
  test(`passes promtool${promtool === undefined ? " (not tried: promtool is not installed)" : ""}`, async () => {
    if (promtool === undefined) return;
    const { text } = await ask("/metrics");
    const checked = spawnSync(promtool, ["check", "metrics"], { input: text, encoding: "utf8" });
    // It has opinions on names of the library's.
    const said = checked.stderr
      .split("\n")
      .filter((line) => !/^(?:nodejs|process)_/.test(line) && line !== "");
    expect(said).toEqual([]);
    expect([0, 3]).toContain(checked.status);
  });

  test.each([
    ["Forwarded", { forwarded: "for=127.0.0.1" }],
    ["X-Forwarded-For", { "x-forwarded-for": "127.0.0.1" }],
    ["X-Forwarded-Proto", { "x-forwarded-proto": "http" }],
    ["X-Forwarded-anything", { "x-forwarded-anything": "x" }],
    ["Via", { via: "1.1 proxy" }],
    ["X-Real-IP", { "x-real-ip": "127.0.0.1" }],
    ["X-Client-IP", { "x-client-ip": "127.0.0.1" }],
    ["a way of writing this machine that its parser forgives", { host: "127.1" }],
    ["a name of its own for this machine", { host: "attacker.example" }],
    ["a name that begins like this machine", { host: "localhost.attacker.example" }],
    ["another address of this machine", { host: "10.0.0.7" }],
  ])("is not for a request with %s", async (_, headers) => {
    const found = await ask("/metrics", headers);
    expect([found.status, JSON.parse(found.text)]).toMatchObject([404, { code: "not_found" }]);
  });

  test.each(["127.0.0.1", "localhost", "[::1]"])("is for one that asks %s", async (host) => {
    expect((await ask("/metrics", { host: `${host}:${port}` })).status).toBe(200);
  });

  test.each([
    ["127.0.0.1", 200],
    ["::1", 200],
    ["10.0.0.7", 404],
    ["127.0.0.1.attacker.example", 404],
    [undefined, 404],
  ])("of the peer %s is answered with %i", async (peer, status) => {
    const { request } = createTestApp({}, { peer: () => peer });
    expect((await request("/metrics", { headers: { host: "127.0.0.1" } })).status).toBe(status);
  });

  test("knows of unknown routes and methods in one place each", async () => {
    for (let at = 0; at < 20; at++) await ask(`/no-such-${at}`, {}, port, at % 2 ? "PROPFIND" : "REPORT");
    await new Promise((resolve) => setTimeout(resolve, 2_100)); // a scrape is good for a second, and so is what it is of
    const families = readExposition((await ask("/metrics")).text);
    const labels = { route: "unknown", method: "other", status: "404" };
    expect(numberOf(families, "bakehouse_http_requests_total", labels)).toBe(20);
  });
});

test("the manual has every metric, and no other", () => {
  const manual = readFileSync(join(import.meta.dirname, "../../src/run/manual/metrics.md"), "utf8");
  const rows = [...manual.matchAll(/^\| `(bakehouse_\w+)(?:\{([\w,]+)\})?`/gm)];
  const described = Object.fromEntries(
    rows.map(([, name, labels]) => [name, labels?.split(",").sort() ?? []]),
  );
  expect(described).toEqual(CONTRACT);
  const families = Object.values(FAMILIES).map(({ name, labels }) => [name, [...labels].sort()]);
  expect(Object.fromEntries(families)).toEqual(CONTRACT);
});
