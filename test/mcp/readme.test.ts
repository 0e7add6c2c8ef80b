/** README's program, from the packed package as a reader has it, with the official SDK's client. */
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { afterAll, beforeAll, expect, test } from "vitest";

import { createBakehouse } from "../../src/client/index.ts";
import { readManual } from "../support/manual.ts";
import { type OwnService, startOwnService } from "../support/own-service.ts";
import { type Installed, installPackage } from "../support/package.ts";
import { type Running, run } from "../support/process.ts";
import { freePort } from "../support/process-service.ts";
import { until } from "../support/until.ts";

const ROOT = join(import.meta.dirname, "..", "..");

let installed: Installed;
let service: OwnService;
let program: Running | undefined;

beforeAll(async () => {
  installed = installPackage();
  // What its reader installs beside it.
  for (const name of ["@modelcontextprotocol/server", "@hono/node-server", "hono", "zod"]) {
    const place = join(installed.folder, "node_modules", name);
    mkdirSync(dirname(place), { recursive: true });
    symlinkSync(join(ROOT, "node_modules", name), place);
  }
  service = await startOwnService();
});

afterAll(async () => {
  await program?.end("SIGTERM");
  await service?.stop();
  installed?.remove();
});

test("README's MCP server is under forty lines, and takes a token that is for it", async () => {
  const { code, text } = readManual("README.md");
  const [, section = ""] = text.split("\n## An MCP server\n");
  expect(section.split("\n## ")[0]?.split("\n").length).toBeLessThan(40);

  const resource = `http://127.0.0.1:${await freePort()}/mcp`;
  const admin = createBakehouse({ url: service.url, credential: service.credential("admin.token") });
  await admin.resources.setHosts("default", ["127.0.0.1"]);
  const scopes = [{ scope: "files:read", description: "Read your files" }];
  await admin.resources.register("default", { resource, name: "Files", scopes });
  const secret = service.credential("default.token");
  const platform = createBakehouse({ url: service.url, credential: secret });
  const { token } = await platform.issue({
    platform: "default",
    on_behalf_of: { subject: "alice" },
    caveats: [`aud = ${resource}`, "scope = files:read", "args.path = /a"],
  });

  const script = join(installed.folder, "mcp.ts");
  writeFileSync(script, code("mcp"));
  const env = { BAKEHOUSE_URL: service.url, BAKEHOUSE_CREDENTIAL: secret, RESOURCE: resource };
  program = run(script, [], { env });
  await until(async () => (await fetch(resource).catch(() => undefined))?.status === 401);

  const client = new Client({ name: "agent", version: "1.0.0" });
  const headers = { authorization: `Bearer ${token}` };
  await client.connect(new StreamableHTTPClientTransport(new URL(resource), { requestInit: { headers } }));
  const read = (path: string) => client.callTool({ name: "read", arguments: { path } });
  expect(await read("/a")).toMatchObject({ content: [{ text: "/a" }] });
  expect(await read("/b")).toMatchObject({
    isError: true,
    content: [{ text: expect.stringMatching(/path/) }],
  });
  await client.close();
  // An outage is told apart from a bad token by the library's own class of errors, of which there is one.
  await service.stop();
  expect((await fetch(resource, { method: "POST", headers, body: "{}" })).status).toBe(503);
});
