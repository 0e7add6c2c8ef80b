/** Before much is revoked a person at a terminal is asked; nothing that goes wrong with the question keeps anybody from revoking. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, beforeAll, expect, test } from "vitest";

import { runCommandLine } from "../../src/cli/cli.ts";
import { attenuate, encodeBundle, mint } from "../../src/macaroon/index.ts";
import { fakeTerminal } from "./fake-terminal.ts";

const root = mint({ rootKey: new Uint8Array(32).fill(3), identifier: "id" });
const token = encodeBundle([attenuate(root, ["action = read"])]);
const STOPS = {
  tokens: 2,
  links: 14,
  agents: ["researcher", "scraper", "writer"],
  calls_last_hour: 212,
  last_seen: "2026-11-22T13:00:00.000Z",
  complete: true,
};

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "bakehouse-asks-"));
  writeFileSync(join(folder, "credential"), token, { mode: 0o600 });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

type Body = { readonly dry_run?: boolean };

/** @param dry the answer to a dry run: a body with a status, or `hangs` for none */
async function revoke(
  args: readonly string[],
  options: { readonly answer?: boolean; readonly dry?: readonly [number, object] | "hangs" } = {},
) {
  const { dry = [200, { would_stop: STOPS }] } = options;
  const asked: Body[] = [];
  const terminal = fakeTerminal({
    input: token,
    home: folder,
    ...(options.answer !== undefined && { answer: options.answer }),
    fetch: async (url, { body, signal }) => {
      // Whether what is given is a credential: it is none.
      if (url.endsWith("/readyz")) return Response.json({}, { status: 503 });
      const request: Body = JSON.parse(String(body));
      asked.push(request);
      if (request.dry_run === true && dry === "hangs") {
        await new Promise((_resolve, reject) =>
          signal?.addEventListener("abort", () => reject(signal.reason)),
        );
      }
      const [status, answer] =
        request.dry_run === true && dry !== "hangs" ? dry : [200, { revocations: [], sequence: "e-1" }];
      const type = status < 400 ? "application/json" : "application/problem+json";
      return new Response(JSON.stringify(answer), { status, headers: { "content-type": type } });
    },
  });
  const common = ["--url", "https://bakehouse.example", "--credential", join(folder, "credential")];
  const exit = await runCommandLine(["revoke", ...common, ...args], { terminal, server: [], version: "1" });
  return { exit, said: terminal.said, dry: asked.filter((one) => one.dry_run).length, asked: asked.length };
}

test("it says what would be stopped, and goes on at a yes", async () => {
  const { exit, said, asked } = await revoke(["--agent", "scraper"], { answer: true });
  expect(said[0]).toBe("This stops 14 links of 3 agents, 212 calls in the last hour. Go on?");
  expect({ exit, asked }).toEqual({ exit: 0, asked: 2 });
});

test("at a no nothing is revoked", async () => {
  const { exit, asked, dry, said } = await revoke(["--principal", "alice"], { answer: false });
  expect({ exit, asked, dry }).toEqual({ exit: 1, asked: 1, dry: 1 });
  expect(said.at(-1)).toContain("nothing was revoked");
});

test.each([
  {
    what: "of a platform that may have more",
    stops: { ...STOPS, complete: false },
    text: "at least 14 links",
  },
  {
    what: "of one",
    stops: { ...STOPS, links: 1, agents: ["a"], calls_last_hour: 1 },
    text: "1 link of 1 agent, 1 call in",
  },
  {
    what: "of tokens without calls",
    stops: { ...STOPS, links: 0, agents: [] },
    text: "2 tokens, of which no call was seen",
  },
])("the question $what", async ({ stops, text }) => {
  const { said } = await revoke(["--platform", "shop"], { answer: true, dry: [200, { would_stop: stops }] });
  expect(said[0]).toContain(`This stops ${text}`);
});

test.each([
  { what: "says it beforehand", args: ["--key-id", "k", "--yes"], answer: true },
  { what: "is not there", args: ["--agent", "scraper"], answer: undefined },
  { what: "names one link", args: ["--revocation-id", "q83vEjRWeJCrze8SNFZ4kA"], answer: false },
  { what: "names one tree", args: ["--token-id", "019a8b3c-5d7e-7f10-8a2b-3c4d5e6f7081"], answer: false },
  { what: "holds the token", args: [], answer: false },
])("nobody is asked where the person $what", async ({ args, answer }) => {
  const { exit, dry, asked } = await revoke(args, answer === undefined ? {} : { answer });
  expect({ exit, dry, asked }).toEqual({ exit: 0, dry: 0, asked: 1 });
});

const problem = (code: string, status: number) =>
  [status, { type: "about:blank", title: "x", status, code, detail: "no" }] as const;

test.each([
  { what: "of a service that does not know the question", dry: problem("invalid_request", 400) },
  { what: "of too many questions", dry: problem("forbidden", 403) },
  { what: "of a fault", dry: problem("internal", 500) },
  { what: "that is none", dry: [200, { revocations: [], sequence: "e-1" }] as const },
])("an answer $what keeps nobody from revoking", async ({ dry }) => {
  const { exit, said } = await revoke(["--agent", "scraper"], { answer: false, dry });
  expect(exit).toBe(0);
  expect(said[0]).toBe("bakehouse: what this stops cannot be told now");
});

test("neither does a service that does not answer it", async () => {
  const { exit, said } = await revoke(["--agent", "scraper"], { answer: false, dry: "hangs" });
  expect(exit).toBe(0);
  expect(said[0]).toBe("bakehouse: what this stops cannot be told now");
});

/** Revokes what is given, at a service that knows it as a credential. */
async function revokeCredential(args: readonly string[], answer?: boolean) {
  const revoked: string[] = [];
  const terminal = fakeTerminal({
    input: token,
    home: folder,
    ...(answer !== undefined && { answer }),
    fetch: async (url) => {
      const { pathname } = new URL(url);
      if (pathname === "/v1/revocations") revoked.push(pathname);
      const answers: Readonly<Record<string, object>> = {
        "/readyz": { status: "ready" },
        "/v1/tokens": { items: [], next_cursor: null },
        "/v1/revocations": { revocations: [], sequence: "e-1" },
      };
      return Response.json(answers[pathname] ?? {});
    },
  });
  const command = ["revoke", "--url", "https://bakehouse.example", "--token", "-", ...args];
  const exit = await runCommandLine(command, { terminal, server: [], version: "1" });
  return { exit, said: terminal.said, revoked: revoked.length };
}

test("a credential in a token's place is revoked only by who says so", async () => {
  const refused = await revokeCredential([]);
  expect(refused).toEqual({
    exit: 2,
    said: [
      "bakehouse: that is a credential, and no token: all that calls with it stops; to revoke it, say --yes",
    ],
    revoked: 0,
  });
  expect(await revokeCredential(["--yes"])).toMatchObject({ exit: 0, revoked: 1 });
});

test("a person is asked before a credential is revoked", async () => {
  expect(await revokeCredential([], false)).toMatchObject({ exit: 1, revoked: 0 });
  const { exit, said, revoked } = await revokeCredential([], true);
  expect({ exit, revoked }).toEqual({ exit: 0, revoked: 1 });
  expect(said[0]).toBe("That is a credential, and no token: all that calls with it stops. Go on?");
});
