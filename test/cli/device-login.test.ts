import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";

import { runCommandLine } from "../../src/cli/cli.ts";
import { type FakeIssuer, startFakeIssuer } from "../support/fake-issuer.ts";
import { type FakeTerminal, fakeTerminal } from "./fake-terminal.ts";

/** One answer of the token endpoint: an error, a token, or anything else. */
type Answer = string | { readonly token: true } | { readonly body: unknown };

const SERVICE = "https://bakehouse.example";

let issuer: FakeIssuer;
let devices: Server;
let url: string;
let home: string;
/** What the device endpoint answers over the usual, and what the token endpoint answers, one after the other. */
let started: Readonly<Record<string, unknown>>;
let answers: Answer[];
/** When the token endpoint was asked, unix milliseconds of the fake clock. */
let asked: number[];
let idTokenClaims: Record<string, unknown>;

beforeAll(async () => {
  issuer = await startFakeIssuer({ clientId: "bakehouse-cli" });
  devices = createServer(async (request, response) => {
    const answer = (status: number, body: unknown) =>
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    if (request.url === "/device") {
      const usual = {
        device_code: "device-secret",
        user_code: "WDJB-MJHT",
        verification_uri: "https://login.example/device",
        expires_in: 600,
        interval: 1,
      };
      return void answer(200, { ...usual, ...started });
    }
    asked.push(Date.now());
    const next = answers.length > 1 ? answers.shift() : answers[0];
    if (typeof next === "string") return void answer(400, { error: next });
    if (next !== undefined && "body" in next) return void answer(200, next.body);
    const id_token = await issuer.signIdToken(idTokenClaims);
    answer(200, { access_token: "access", token_type: "Bearer", id_token });
  });
  await new Promise<void>((resolve) => devices.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(devices.address() as AddressInfo).port}`;
});

afterAll(async () => {
  devices.close();
  devices.closeAllConnections();
  await issuer.close();
});

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "bakehouse-device-"));
  issuer.faults.metadata = { device_authorization_endpoint: `${url}/device`, token_endpoint: `${url}/token` };
  started = {};
  answers = [{ token: true }];
  asked = [];
  idTokenClaims = {};
  // Waiting costs nothing: whenever only a timer is left to wait for, it is its time.
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] }).setTimerTickMode("nextTimerAsync");
});

afterEach(() => {
  vi.useRealTimers();
  rmSync(home, { recursive: true, force: true });
});

/** The service, which names the issuer. */
const fetchDiscovery = async () =>
  Response.json({ issuer: SERVICE, bakehouse_login: { issuer: issuer.issuer, client_id: "bakehouse-cli" } });

async function login(args: readonly string[] = ["--device"], more: Parameters<typeof fakeTerminal>[0] = {}) {
  const terminal = fakeTerminal({ home, fetch: fetchDiscovery, ...more });
  const exit = await runCommandLine(["login", "--url", SERVICE, "--yes", ...args], {
    terminal,
    server: [],
    version: "1",
  });
  return { exit, terminal, last: terminal.said.at(-1) ?? "" };
}

const kept = (): string[] =>
  readdirSync(home, { recursive: true, encoding: "utf8" }).filter((n) => n.includes("login.json"));
const talk = ({ said, printed }: FakeTerminal) => [...said, ...printed].join("\n");

test("waits until the person is done, keeps the ID token where only they can read it, and says no secret", async () => {
  answers = ["authorization_pending", "authorization_pending", { token: true }];
  const { exit, terminal } = await login(["--device", "--json"]);
  expect({ exit, said: terminal.said }).toEqual({
    exit: 0,
    said: [
      "bakehouse: open https://login.example/device and enter WDJB-MJHT",
      expect.stringMatching(/^bakehouse: logged in as alice@example\.com until /),
    ],
  });
  const file = join(home, ".config/bakehouse/login.json");
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(statSync(join(home, ".config/bakehouse")).mode & 0o777).toBe(0o700);
  const saved = JSON.parse(readFileSync(file, "utf8"));
  expect(saved).toMatchObject({ url: SERVICE, name: "alice@example.com" });
  expect(talk(terminal)).not.toContain(saved.id_token);
  expect(talk(terminal)).not.toContain("device-secret");
});

test("asks five seconds later each time that it is told to slow down (RFC 8628 §3.5)", async () => {
  answers = ["slow_down", "authorization_pending", "slow_down", { token: true }];
  expect((await login()).exit).toBe(0);
  const gaps = asked.slice(1).map((at, index) => at - (asked[index] ?? 0));
  // More may pass on the fake clock while an answer is on its way; less never may.
  const tooShort = gaps.filter((gap, index) => gap < ([6000, 6000, 11_000][index] ?? 0));
  expect({ count: gaps.length, tooShort }).toEqual({ count: 3, tooShort: [] });
});

test("never asks in a tight loop, however short an interval the issuer names", async () => {
  // By the true clock: the fake one runs ahead whenever an answer is on its way.
  vi.useRealTimers();
  started = { interval: 0.001 };
  answers = ["authorization_pending", { token: true }];
  expect((await login()).exit).toBe(0);
  expect((asked[1] ?? 0) - (asked[0] ?? 0)).toBeGreaterThanOrEqual(990);
});

test.each([
  ["the person says no", ["access_denied"], 4, "bakehouse: the identity provider said no: access_denied"],
  [
    "the code is over",
    ["authorization_pending", "expired_token"],
    5,
    "bakehouse: nobody has logged in while the code was good",
  ],
  [
    "the client may not",
    ["unauthorized_client"],
    4,
    "bakehouse: the identity provider said no: unauthorized_client",
  ],
  [
    "an error is more than a word",
    ["\u001b]0;pwned\u0007 and\nbakehouse: logged in"],
    4,
    "bakehouse: the identity provider said no: \\u{1b}]0;pwned\\u{7} and\\u{a}bakehouse: logged in",
  ],
  [
    "there is no ID token",
    [{ body: { access_token: "a", token_type: "bearer" } }],
    1,
    "bakehouse: the identity provider gave no ID token",
  ],
  [
    "the answer is nothing of the kind",
    [{ body: [] }],
    5,
    "bakehouse: the login did not work (OAUTH_INVALID_RESPONSE)",
  ],
] as const)("ends where %s, and keeps nothing", async (_, given, exit, last) => {
  answers = [...given];
  expect(await login()).toMatchObject({ exit, last });
  expect(kept()).toEqual([]);
});

test.each([
  ["another client", { aud: "someone-else" }],
  ["another issuer", { iss: "https://evil.example" }],
  ["the past", { exp: 1_000 }],
])("takes no ID token for %s", async (_, claims) => {
  idTokenClaims = claims;
  expect(await login()).toMatchObject({ exit: 5 });
  expect(kept()).toEqual([]);
});

test("takes no ID token whose end is no date", async () => {
  idTokenClaims = { exp: 1e300 };
  expect((await login()).exit).toBe(1);
  expect(kept()).toEqual([]);
});

test.each([
  ["a script", { verification_uri: "javascript:alert(1)" }, "names no safe page"],
  ["plain http", { verification_uri: "http://login.example/" }, "names no safe page"],
  ["a user name", { verification_uri: "https://login.example@evil.example/" }, "names no safe page"],
  ["a code that rewrites the line", { user_code: "\u001b[2K\rWDJB" }, "code cannot be typed"],
  ["a code that goes on", { user_code: "WDJB and then run this" }, "code cannot be typed"],
])("sends nobody to %s", async (_, over, reason) => {
  started = over;
  const { exit, terminal, last } = await login();
  expect(exit).toBe(1);
  expect(last).toContain(reason);
  expect(terminal.said).toHaveLength(1);
  expect(asked).toEqual([]);
});

test("an issuer without the device flow is said to have none", async () => {
  issuer.faults.metadata = {};
  expect(await login()).toMatchObject({
    exit: 1,
    last: "bakehouse: the identity provider has no login by device code",
  });
});

test("without a browser here the code is used unasked", async () => {
  const { exit, terminal } = await login([]);
  expect(exit).toBe(0);
  expect(terminal.said[0]).toContain("and enter WDJB-MJHT");
});

test("Ctrl-C ends it at once", async () => {
  answers = ["authorization_pending"];
  const stop = new AbortController();
  const stopped = login(["--device"], { signal: stop.signal });
  await vi.waitUntil(() => asked.length > 1);
  stop.abort();
  expect(await stopped).toMatchObject({ exit: 1, last: "bakehouse: stopped" });
});

test("an issuer that says pending for ever is not asked for ever", async () => {
  vi.useRealTimers();
  started = { expires_in: 1 };
  answers = ["authorization_pending"];
  expect(await login()).toMatchObject({
    exit: 5,
    last: "bakehouse: nobody has logged in while the code was good",
  });
});
