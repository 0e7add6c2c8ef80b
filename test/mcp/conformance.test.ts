/**
 * The official conformance package, pinned: its scenarios for authorization servers against the service, and those for MCP servers
 * against a server of the SDK behind `bakehouse/mcp`, beside the same server without it. Its scenarios for clients, all those of its
 * suite `auth` among them, bring servers of their own and would try the SDK's client: `stock-client.test.ts` has that client here.
 */
import { createServer } from "node:http";

import { getRequestListener } from "@hono/node-server";
import {
  createMcpHandler,
  hostHeaderValidationResponse,
  localhostAllowedHostnames,
  localhostAllowedOrigins,
  originValidationResponse,
} from "@modelcontextprotocol/server";
import { afterAll, beforeAll, expect, test } from "vitest";

import { type Bakehouse, createBakehouse } from "../../src/client/index.ts";
import { createMcpGuard, type McpHandler } from "../../src/client/mcp/mcp.ts";
import { type OwnService, startOwnService } from "../support/own-service.ts";
import { freePort } from "../support/process-service.ts";
import { until } from "../support/until.ts";
import { conformance } from "./conformance.ts";
import { everythingServer, METHODS, TOOL_NAMES } from "./everything.ts";
import { CALLBACK, personAt } from "./house.ts";

const EXTENSION =
  "needs the extension for tasks, which the SDK's server does not offer. The one check of it that a bare server passes sends a tool that nothing guards under a header that names another method: the guard refuses the tool before anybody compares the two";
const NOT_OURS =
  "asks for a schema that the server here has no tool with: schemas are the SDK's, and pass the guard as they are";
const SESSION =
  "needs a session, and the SDK's handler for servers of both revisions has none for the older one";

/**
 * What fails of each revision, with the reason; `SCENARIO:*` for all checks of one. A new failure fails the test, and so does an entry
 * of which nothing fails any more.
 */
const FAILING: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "2026-07-28": {
    "tasks-*": EXTENSION,
    "json-schema-2020-12:*": NOT_OURS,
  },
  "2025-11-25": {
    "json-schema-2020-12:*": NOT_OURS,
    "resources-subscribe:*": SESSION,
    "resources-unsubscribe:*": SESSION,
    "elicitation-sep1034-defaults:*": SESSION,
    "elicitation-sep1330-enums:*": SESSION,
    "tools-call-elicitation:*": SESSION,
    "tools-call-sampling:*": SESSION,
  },
};

/** `npm run conformance` runs all; `npm run test:long` the newest revision, without the bare server beside it. */
const IS_WHOLE = process.env["BAKEHOUSE_CONFORMANCE"] === "whole";
const REVISIONS = Object.entries(FAILING).slice(0, IS_WHOLE ? undefined : 1);

let service: OwnService;
let admin: Bakehouse;
let platform: Bakehouse;
let resource: string;
let port: number;

beforeAll(async () => {
  service = await startOwnService();
  platform = createBakehouse({ url: service.url, credential: service.credential("default.token") });
  admin = createBakehouse({ url: service.url, credential: service.credential("admin.token") });
  port = await freePort();
  resource = `http://localhost:${port}/mcp`;
  await admin.resources.setHosts("default", ["localhost"]);
  await admin.platforms.setPolicy("default", { rules: [{ max_ttl: 3_600, on_behalf_of: true }] });
  await admin.resources.register("default", { resource, name: "Everything", scopes: [] });
});

afterAll(async () => {
  await service?.stop();
});

test("every scenario for authorization servers passes", async () => {
  const client = await admin.clients.register({
    client_name: "Conformance",
    redirect_uris: [CALLBACK],
    // With a secret the package authenticates by none all the same, as soon as the metadata knows of clients that do.
    token_endpoint_auth_method: "none",
  });
  const back = await freePort();
  const run = conformance(
    "authorization",
    ...["--url", service.url, "--client-id", client.client_id],
    ...["--resource", resource, "--port", String(back)],
  );
  const page = await until(async () => /^http\S+\/oauth\/authorize\?\S+$/m.exec(run.stdout())?.[0]);
  const { back: led } = await personAt("alice").consent(new URL(page));
  await fetch(`http://127.0.0.1:${back}/callback?${led}`);
  const { passed, failed } = await run.findings();
  expect([...failed]).toEqual([]);
  expect([...passed].toSorted()).toEqual([
    "authorization-code-grant:authorization-code-grant",
    "authorization-server-metadata-endpoint:authorization-server-metadata",
    "authorization-server-metadata-endpoint:authorization-server-metadata-cimd",
  ]);
});

/** Serves on this machine alone, to callers by its names. @param token that each request gets: the package has none to show */
async function serve(handler: McpHandler, at: number, token?: string) {
  const handle = getRequestListener(
    (request) =>
      hostHeaderValidationResponse(request, localhostAllowedHostnames()) ??
      originValidationResponse(request, localhostAllowedOrigins()) ??
      handler.fetch(request),
    { overrideGlobalObjects: false },
  );
  const server = createServer((request, response) => {
    if (token !== undefined) request.rawHeaders.push("authorization", `Bearer ${token}`);
    void handle(request, response);
  });
  await new Promise<void>((resolve) => server.listen(at, "localhost", resolve));
  return {
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function guardedServer() {
  const guard = createMcpGuard({
    service: platform,
    resource,
    tools: Object.fromEntries(TOOL_NAMES.map((name) => [name, []])),
    methods: METHODS,
  });
  const { token } = await platform.issue({
    platform: "default",
    on_behalf_of: { subject: "alice" },
    caveats: [`aud = ${resource}`],
  });
  return serve(guard.protect(createMcpHandler(() => everythingServer(guard))), port, token);
}

/** Whether an entry of the list is about a check. */
const covers = (entry: string, check: string) =>
  entry === check || (entry.endsWith("*") && check.startsWith(entry.slice(0, -1)));

test.each(REVISIONS)(
  "a guarded server of %s fails what is listed, and what a bare one passes it passes",
  async (revision, failing) => {
    const findings = async (server: { close(): Promise<void> }, url: string) =>
      conformance("server", "--url", url, "--requirements", revision).findings().finally(server.close);
    const barePort = await freePort();
    const [guarded, bare] = await Promise.all([
      findings(await guardedServer(), resource),
      IS_WHOLE &&
        findings(
          await serve(
            createMcpHandler(() => everythingServer()),
            barePort,
          ),
          `http://localhost:${barePort}/mcp`,
        ),
    ]);
    const entries = Object.keys(failing);
    const isListed = (check: string) => entries.some((entry) => covers(entry, check));
    expect([...guarded.failed].filter((check) => !isListed(check))).toEqual([]);
    const passedBare = bare === false ? [] : [...bare.passed];
    expect(passedBare.filter((check) => !guarded.passed.has(check) && !isListed(check))).toEqual([]);
    // What nothing fails any more is taken off the list.
    expect(entries.filter((entry) => ![...guarded.failed].some((check) => covers(entry, check)))).toEqual([]);
    // Neither is a run good that found nothing.
    expect(guarded.passed.size).toBeGreaterThan(50);
  },
);
