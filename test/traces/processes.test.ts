import { readFileSync, writeFileSync } from "node:fs";
import { get } from "node:http";
import { join } from "node:path";

import { expect, test } from "vitest";

import { testDatabaseUrl } from "../support/database.ts";
import { run } from "../support/process.ts";
import { builtBundle } from "../support/process-bundle.ts";
import { freePort, newEmbeddedHome, newHome, startService } from "../support/process-service.ts";
import { scratchFolder } from "../support/scratch.ts";
import { startCollector } from "./collector.ts";

/** Starts the program, and tells which files it loads. */
const program = () => `
import { registerHooks } from "node:module";
registerHooks({
  load(url, context, next) {
    process.stderr.write("loaded " + url + "\\n");
    return next(url, context);
  },
});
await import(${JSON.stringify(builtBundle())});
`;

/** Asks over a connection of its own, so that each worker has its turn. */
const ask = (url: string, requestId: string) =>
  new Promise<number | undefined>((resolve, reject) => {
    get(url, { agent: false, headers: { "x-request-id": requestId } }, (response) => {
      response.resume().on("end", () => resolve(response.statusCode));
    }).on("error", reject);
  });

test("without a collector nothing of the SDK is loaded, by requests neither", async () => {
  const home = await newEmbeddedHome();
  const script = join(scratchFolder("traces"), "program.mjs");
  writeFileSync(script, program());
  const service = await startService(script, home, { LOG_LEVEL: "info" });
  const headers = { traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01" };
  expect((await fetch(`${service.url}/v1/platforms`, { headers })).status).toBe(401);
  expect((await fetch(`${service.url}/metrics`, { headers })).status).toBe(200);
  await service.end("SIGTERM");
  const loaded = [...service.stderr().matchAll(/^loaded file:\/\/(\S+\.m?js)$/gm)].map(
    ([, file = ""]) => file,
  );
  expect(loaded).toContain(builtBundle());
  expect(loaded.filter((file) => readFileSync(file, "utf8").includes("SpanProcessor"))).toEqual([]);
  expect(service.stdout()).toContain('"event":"request"');
  expect(service.stdout()).not.toContain("trace_id");
  home.remove();
});

test("each of several workers sends its own, and what waits at the stop", async () => {
  const collector = await startCollector();
  const home = newHome(await testDatabaseUrl());
  const port = await freePort();
  const env = {
    ...home.env,
    OIDC_ISSUER: "https://issuer.example",
    OIDC_CLIENT_ID: "bakehouse",
    OIDC_CLIENT_SECRET: "s3cret",
    PORT: String(port),
    LOG_LEVEL: "info",
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
    // By the clock it sends once an hour.
    OTEL_BSP_SCHEDULE_DELAY: "3600000",
  };
  expect((await run(builtBundle(), ["bootstrap"], { env }).ended).code).toBe(0);
  const service = run(builtBundle(), ["serve", "--workers", "2"], { env });
  await service.said("bakehouse: ready");
  const ids = Array.from({ length: 16 }, (_, at) => `asked-${at}`);
  for (const id of ids) expect(await ask(`http://127.0.0.1:${port}/healthz`, id)).toBe(200);
  expect(collector.spans).toEqual([]);
  expect(await service.end("SIGTERM")).toEqual({ code: 0, signal: null });

  const found = collector.spans.filter(({ name }) => name === "GET /healthz");
  expect(new Set(found.map(({ attributes }) => attributes["bakehouse.request_id"]))).toEqual(new Set(ids));
  const workers = new Set(found.map(({ resource }) => resource["bakehouse.worker"]));
  expect(workers.size).toBe(2);
  for (const { traceId } of found) expect(service.stdout()).toContain(`"trace_id":"${traceId}"`);
  await collector.close();
  home.remove();
});
