/** `bakehouse login --client`: the flows of the service itself, against a service with the provider for development. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";

import { runCommandLine } from "../../src/cli/cli.ts";
import { type Bakehouse, createBakehouse, Token } from "../../src/client/index.ts";
import { type OwnService, startOwnService } from "../support/own-service.ts";
import { fakeTerminal } from "./fake-terminal.ts";
import { person } from "./person.ts";

const RESOURCE = "https://mcp.example.com/files";
const ELSEWHERE = "https://bakehouse.example";

let service: OwnService;
let platform: Bakehouse;
let client: string;
let folder: string;

beforeAll(async () => {
  service = await startOwnService();
  platform = createBakehouse({ url: service.url, credential: service.credential("default.token") });
  const admin = createBakehouse({ url: service.url, credential: service.credential("admin.token") });
  await admin.resources.setHosts("default", ["mcp.example.com"]);
  const scopes = [
    { scope: "files:read", description: "Read your files" },
    { scope: "files:write", description: "Change your files" },
  ];
  await admin.resources.register("default", { resource: RESOURCE, name: "Files", scopes });
  const made = await admin.clients.register({
    client_name: "Command line",
    redirect_uris: ["http://127.0.0.1/callback"],
    token_endpoint_auth_method: "none",
  });
  client = made.client_id;
});
afterAll(async () => {
  await service?.stop();
});
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "bakehouse-flow-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function login(args: readonly string[], more: Parameters<typeof fakeTerminal>[0] = {}) {
  const terminal = fakeTerminal({
    home: folder,
    fetch: globalThis.fetch,
    env: { BAKEHOUSE_URL: service.url },
    ...more,
  });
  const alice = person("alice");
  Object.assign(terminal, {
    say(line: string) {
      terminal.said.push(line);
      alice(`${terminal.said.join("\n")}\n`);
    },
  });
  const exit = await runCommandLine(["login", ...args], { terminal, server: [], version: "1" });
  return { exit, said: terminal.said, printed: terminal.printed.join("\n") };
}

/** Whether a token is good at the resource for a scope. */
const isGood = async (token: string, scope: string) =>
  (await platform.verify({ token, context: { scope }, resource: RESOURCE })).allowed;

test("a person lets the client have a token in a browser, which is kept where only they can read it", async () => {
  const file = join(folder, "files.token");
  const asked = ["--client", client, "--resource", RESOURCE, "--scope", "files:read"];
  const { exit, said, printed } = await login([...asked, "--no-browser", "-o", file]);
  expect(said.at(-1)).toMatch(
    /^bakehouse: the client has a token for files:read: token id [0-9a-f-]{36}, expires /,
  );
  expect({ exit, printed }).toEqual({ exit: 0, printed: "" });
  expect(statSync(file).mode & 0o777).toBe(0o600);
  const token = readFileSync(file, "utf8").trim();
  expect(said.join("\n")).not.toContain(token.slice(-40));
  expect(Token.parse(token).isIssuedFor(RESOURCE)).toBe(true);
  expect([await isGood(token, "files:read"), await isGood(token, "files:write")]).toEqual([true, false]);
  // Nobody is logged in by it, and no refresh token is kept.
  expect(readdirSync(folder)).toEqual(["files.token"]);
});

test("with a code on another device, for all scopes, as JSON", async () => {
  const { exit, said, printed } = await login([
    "--client",
    client,
    "--resource",
    RESOURCE,
    "--device",
    "--json",
  ]);
  expect(said[0]).toMatch(/^bakehouse: open http:\S+\/device and enter [A-Z]{4}-[A-Z]{4}$/);
  expect({ exit, said: said.slice(1) }).toMatchObject({ exit: 0 });
  const { token, scope } = JSON.parse(printed);
  expect(scope).toBe("files:read files:write");
  expect(await isGood(token, "files:write")).toBe(true);
});

test.each<readonly [string, readonly string[], number, string]>([
  [
    "a scope that nobody registered",
    ["--resource", RESOURCE, "--scope", "files:delete", "--no-browser"],
    4,
    "the service said no: invalid_scope",
  ],
  [
    "a resource that is none",
    ["--resource", "https://mcp.example.com", "--no-browser"],
    4,
    "the service said no: invalid_target",
  ],
])("%s is refused in the service's words", async (_, args, code, why) => {
  const { exit, said } = await login(["--client", client, ...args]);
  expect(said.at(-1)).toContain(why);
  expect(exit).toBe(code);
});

test("a client that nobody registered is told of", async () => {
  const stranger = "019a8b3c-5d7e-7f10-8a2b-3c4d5e6f7081";
  const { exit, said } = await login(["--client", stranger, "--resource", RESOURCE, "--device"]);
  expect(said).toEqual(["bakehouse: the service does not know the client, or wants a proof of it"]);
  expect(exit).toBe(4);
});

test("a service that calls itself another is not followed there", async () => {
  const fetch = async () => Response.json({ issuer: ELSEWHERE });
  const { exit, said } = await login(["--client", client, "--resource", RESOURCE], { fetch });
  expect(said.at(-1)).toContain(`calls itself ${ELSEWHERE}`);
  expect(exit).toBe(1);
});

test.each([
  [["--resource", RESOURCE], "--resource goes with --client ID"],
  [["--scope", "files:read"], "--scope goes with --client ID"],
  [["-o", "x.token"], "--output goes with --client ID"],
  [["--force"], "--force goes with --output FILE"],
])("%j is a wrong use", async (args, why) => {
  const { exit, said } = await login(args);
  expect(said.join("\n")).toContain(why);
  expect(exit).toBe(2);
});
