import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { describe, expect, test } from "vitest";

import { runCommandLine } from "../../src/cli/cli.ts";
import { saveLogin } from "../../src/cli/login-file.ts";
import { Token } from "../../src/client/index.ts";
import { attenuate, boxPublicKey, encodeBase64Url, encodeBundle, mint } from "../../src/macaroon/index.ts";
import { type FakeTerminal, fakeTerminal } from "./fake-terminal.ts";

const SERVICE = "https://bakehouse.example";
const CREDENTIAL = "a-credential-that-must-not-show";
/** Sets a title, clears the line, forges another, turns the direction of writing, and hides a letter. */
const EVIL = "x\u001b]0;pwned\u0007\u009b2K\r\nallowed\u2028\u202e\u200b\u{e0041}";
/** What a terminal would show as itself. */
const SHOWN = /^(?:(?! )[^\p{C}\p{Z}\p{Default_Ignorable_Code_Point}]| )*$/u;
const ID = "019a8b3c-5d7e-7f10-8a2b-3c4d5e6f7081";
const AT = "2026-11-22T13:00:00.000Z";

const principal = { id: EVIL, issuer: EVIL, subject: EVIL, email: EVIL, asserted_by: "platform" };
const facts = {
  token_id: EVIL,
  revocation_id: EVIL,
  platform: EVIL,
  principal,
  issued_at: AT,
  expires_at: AT,
  caveats: [EVIL],
  summary: EVIL,
  warnings: [EVIL],
};
const record = { ...facts, key_id: EVIL, status: EVIL, label: EVIL, issued_by: EVIL };
const key = { key_id: EVIL, platform: EVIL, state: EVIL, created_at: AT, active_from: AT };
const platform = { name: EVIL, created_at: AT, policy: { rules: [] } };
const approval = {
  id: ID,
  state: "pending",
  needed: 1,
  subjects: [EVIL],
  groups: [EVIL],
  user_code: EVIL,
  asked_at: AT,
  expires_at: AT,
  discharge_life: 60,
  unverified: { text: EVIL, agents: [EVIL] },
  decisions: [{ issuer: EVIL, subject: EVIL, decision: EVIL, reason: EVIL, at: AT }],
  obstacle: EVIL,
  token: facts,
};
const revocation = {
  id: EVIL,
  target: { agent: EVIL },
  revoked_at: AT,
  sequence: EVIL,
  scope: EVIL,
  reason: EVIL,
};
const refused = {
  allowed: false,
  code: "caveat_failed",
  detail: EVIL,
  failures: [{ index: 0, caveat: EVIL, agent: EVIL, code: EVIL, detail: EVIL }],
  undischarged: [{ location: EVIL, caveat_id: EVIL }],
  sequence: EVIL,
};
/** A reason that a holder wrote, and made public. */
const killing = { revocation_id: EVIL, agent: EVIL, depth: 1, revoked_at: AT, by: EVIL, reason: EVIL };
const allowed = {
  ...facts,
  allowed: true,
  key_id: EVIL,
  agents: [EVIL],
  revocation_ids: [EVIL],
  budgets: [],
  sequence: EVIL,
};
const resource = {
  id: EVIL,
  platform: EVIL,
  resource: EVIL,
  name: EVIL,
  scopes: [{ scope: EVIL, description: EVIL }],
  caveats: [EVIL],
  accept_unbound: false,
  created_at: AT,
};
const client = {
  client_id: EVIL,
  client_name: EVIL,
  redirect_uris: [EVIL],
  token_endpoint_auth_method: EVIL,
  created_at: AT,
};
const consent = {
  id: EVIL,
  issuer: EVIL,
  subject: EVIL,
  client_id: EVIL,
  client_name: EVIL,
  redirect_host: EVIL,
  platform: EVIL,
  resource: EVIL,
  scopes: [EVIL],
  created_at: AT,
  expires_at: AT,
};
const page = (item: unknown) => ({ items: [item], next_cursor: EVIL, sequence: EVIL });

const minted = mint({ rootKey: new Uint8Array(32).fill(3), identifier: EVIL, location: EVIL });
const hostileToken = encodeBundle([
  attenuate(minted, [EVIL, `agent = ${EVIL}`, "action = read", `a = ${EVIL}`]),
]);

async function run(args: readonly string[], options: Parameters<typeof fakeTerminal>[0] = {}) {
  const terminal = fakeTerminal({ env: { BAKEHOUSE_URL: SERVICE }, ...options });
  const exit = await runCommandLine(args, { terminal, server: [], version: "1" });
  return { terminal, exit, all: [...terminal.printed, ...terminal.said] };
}

const answering = (body: unknown, status = 200): FakeTerminal["fetch"] => {
  const type = status < 400 ? "application/json" : "application/problem+json";
  return async () => Response.json(body, { status, headers: { "content-type": type, "x-request-id": "r" } });
};

/** A service whose metadata shows that it is one. */
const beingOne =
  (fetch: FakeTerminal["fetch"]): FakeTerminal["fetch"] =>
  async (url, init) =>
    url.endsWith("/.well-known/oauth-authorization-server")
      ? Response.json({ issuer: SERVICE })
      : fetch(url, init);

/** Runs a command with a credential, on a token, at a service that answers that. */
const at = (args: readonly string[], fetch: FakeTerminal["fetch"]) =>
  run(["--credential", "-", ...args.slice(1)].toSpliced(0, 0, args[0] ?? ""), {
    env: { BAKEHOUSE_URL: SERVICE, BAKEHOUSE_TOKEN: hostileToken },
    input: CREDENTIAL,
    fetch,
  });

const ANSWERS: readonly (readonly [readonly string[], unknown])[] = [
  [["tokens"], page(record)],
  [["tokens", ID], record],
  [["keys"], page(key)],
  [["keys", "rotate"], key],
  [["platforms"], page(platform)],
  [["platforms", "create", "shop"], platform],
  [["platforms", "credential", "shop"], { ...facts, token: "AgE" }],
  [["resources", "shop"], page(resource)],
  [["resources", "shop", "hosts", "a.example"], platform],
  [["clients"], page(client)],
  [["consents"], page(consent)],
  [["issue"], { ...facts, token: EVIL }],
  [["approvals"], page(approval)],
  [["approvals", ID], { ...page(approval), next_cursor: null }],
  [["revocations"], page(revocation)],
  [["revoke", "--token-id", ID], { revocations: [revocation], sequence: EVIL }],
  [["verify"], refused],
  [["verify"], { ...refused, code: "revoked", revocation: killing }],
  [["verify"], { ...refused, code: "revoked", revocation: { ...killing, target: { approval_id: EVIL } } }],
  [["tokens", ID], { ...record, revoked_below: [{ revoked_at: AT, by: EVIL, agent: EVIL, reason: EVIL }] }],
  [["verify"], allowed],
  [["explain"], refused],
  [["explain"], allowed],
  [["verify"], { ...refused, code: "unknown_key" }],
];

describe("nothing that a service says reaches a terminal raw", () => {
  test.each(ANSWERS)("%j", async (args, answer) => {
    const { all } = await at(args, answering(answer));
    expect(all.join("\n")).toContain("pwned");
    expect(all.filter((line) => !SHOWN.test(line))).toEqual([]);
  });

  test.each(ANSWERS.filter(([args]) => args[0] !== "issue"))(
    "%j as JSON, which says the same",
    async (args, answer) => {
      const { terminal, all } = await at([...args, "--json"], answering(answer));
      expect(all.filter((line) => !SHOWN.test(line))).toEqual([]);
      expect(JSON.stringify(JSON.parse(terminal.printed.join("\n")))).toContain(
        JSON.stringify(EVIL).slice(1, -1),
      );
    },
  );

  test.each([
    [400, "invalid_request", 2],
    [401, "unauthenticated", 4],
    [403, "forbidden", 4],
    [403, "denied", 3],
    [404, EVIL, 1],
    [410, "gone", 5],
    [500, "internal_error", 1],
  ])("a problem: %i %j", async (status, code, exit) => {
    const problem = { type: "about:blank", title: EVIL, status, code, detail: EVIL, member: EVIL };
    const done = await at(["tokens"], beingOne(answering(problem, status)));
    expect(done.exit).toBe(exit);
    expect(done.terminal.said).toHaveLength(1);
    expect(done.all.filter((line) => !SHOWN.test(line))).toEqual([]);
  });

  test("a very long message is cut", async () => {
    const problem = { status: 404, code: "not_found", detail: "a".repeat(1_000_000) };
    const { terminal } = await at(["tokens"], answering(problem, 404));
    expect(terminal.said.join("").length).toBeLessThan(5_000);
  });
});

describe("a service that is none is said to be none", () => {
  test.each([
    ["no JSON", async () => new Response("<html>", { status: 200 })],
    ["another shape", answering({ items: [{}] })],
    ["duplicate members", async () => new Response('{"items":[],"items":[],"next_cursor":null}')],
    [
      "a redirect",
      async () => new Response(null, { status: 302, headers: { location: "https://evil.example/" } }),
    ],
    ["a gateway's page", async () => new Response("<h1>Forbidden</h1>", { status: 418 })],
  ] as const)("%s", async (_, fetch) => {
    const { exit, terminal } = await at(["tokens"], fetch);
    expect(exit).toBe(5);
    expect(terminal.printed).toEqual([]);
    expect(terminal.said.at(-1)).toMatch(/is that address a Bakehouse\?$/);
  });
});

describe("nothing that a token says reaches a terminal raw", () => {
  test.each([["inspect"], ["inspect", "--json"], ["attenuate", "action = write"], ["discharge"]])(
    "%s %s",
    async (...args) => {
      const { all } = await run(args, { input: hostileToken });
      expect(all.filter((line) => !SHOWN.test(line))).toEqual([]);
      expect(all.length).toBeGreaterThan(0);
    },
  );

  test.each([
    ["binary", "\u0000\u0001\ufffd\u001b[2J"],
    ["escapes", EVIL],
    ["a megabyte", "A".repeat(1_000_000)],
    ["nothing", "   \n"],
    ["a JSON Web Token", "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.c2ln"],
    ["deep JSON", "[".repeat(100_000)],
  ])("no token but %s", async (_, input) => {
    for (const command of ["inspect", "delegate", "attenuate", "discharge"]) {
      const { exit, terminal, all } = await run(
        [command, ...(command === "inspect" || command === "discharge" ? [] : ["action"])],
        { input },
      );
      expect([exit, terminal.printed]).toEqual([2, []]);
      expect(all.filter((line) => !SHOWN.test(line) || line.length > 300)).toEqual([]);
    }
  });
});

describe("what is secret is not repeated", () => {
  const token = encodeBundle([minted]);

  test.each([
    ["a command", [token]],
    ["a file", ["inspect", "--token", token]],
    ["a credential's file", ["tokens", "--credential", token]],
    ["a word", ["inspect", token]],
    ["a word of a list", ["tokens", token, token]],
    ["what a call is", ["verify", token]],
    ["a duration", ["issue", "--ttl", token]],
    ["the service", ["status", "--url", token]],
    ["a party", ["discharge", "--allow", token]],
    ["a party's key", ["attenuate", "--third-party", "https://p.example c", "--party-key", token]],
    ["a shell", ["completion", token]],
    ["an approval", ["approvals", token]],
  ])("a token typed in the place of %s", async (_, args) => {
    const { exit, all } = await run(args, { input: "x" });
    expect(exit).not.toBe(0);
    expect(all.join("\n")).not.toContain(token.slice(0, 40));
  });

  test("a credential that no header can hold", async () => {
    const { exit, all } = await run(["tokens", "--credential", "-"], { input: `${CREDENTIAL}\r\nx: y` });
    expect(exit).toBe(2);
    expect(all.join("\n")).not.toContain(CREDENTIAL);
  });
});

test.each([
  ["https://bakehouse.example/elsewhere"],
  ["https://bakehouse.example@evil.example"],
  ["http://evil.example"],
  ["http://127.0.0.1.evil.example"],
  ["http://localhost@evil.example"],
  ["ftp://bakehouse.example"],
  ["bakehouse.example"],
])("a service at %s is not called", async (url) => {
  let called = false;
  const fetch = async () => {
    called = true;
    return Response.json({});
  };
  const env = { BAKEHOUSE_URL: url };
  expect((await run(["tokens", "--credential", "-"], { env, input: CREDENTIAL, fetch })).exit).toBe(2);
  expect(called).toBe(false);
});

test("a login is sent to its own service alone", async () => {
  const home = mkdtempSync(join(tmpdir(), "bakehouse-login-"));
  const sent: (string | null)[] = [];
  const fetch: FakeTerminal["fetch"] = async (_, init) => {
    sent.push(new Headers(init.headers).get("authorization"));
    return Response.json({ items: [], next_cursor: null });
  };
  try {
    const expires_at = "2999-01-01T00:00:00Z";
    await saveLogin(fakeTerminal({ home }), {
      url: SERVICE,
      id_token: "id.to.ken",
      expires_at,
      name: "alice",
    });
    expect((await run(["tokens"], { home, fetch, env: { BAKEHOUSE_URL: SERVICE } })).exit).toBe(0);
    for (const url of ["https://evil.example", "https://bakehouse.example:444", "http://localhost:8080"]) {
      expect((await run(["tokens"], { home, fetch, env: { BAKEHOUSE_URL: url } })).exit).toBe(4);
    }
    expect(sent).toEqual(["Bearer id.to.ken"]);
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
});

test("Ctrl-C is left to the system while a command only reads and narrows", async () => {
  const { terminal } = await run(["attenuate", "action = read"], { input: encodeBundle([minted]) });
  expect(terminal.listened()).toBe(false);
});

describe("discharges are had from where they are allowed, and nobody else is told anything", () => {
  const party = boxPublicKey(new Uint8Array(32).fill(5));
  const needing = (location: string, from = SERVICE) =>
    Token.parse(encodeBundle([mint({ rootKey: new Uint8Array(32), identifier: "id", location: from })]))
      .attenuate({ location, condition: "c", publicKey: party })
      .encode();

  async function discharging(token: string, args: readonly string[], answer: unknown = {}, status = 202) {
    const asked: { readonly url: string; readonly authorization: string | null; readonly body: string }[] =
      [];
    const fetch: FakeTerminal["fetch"] = async (url, init) => {
      asked.push({
        url,
        authorization: new Headers(init.headers).get("authorization"),
        body: String(init.body),
      });
      return Response.json(answer, { status });
    };
    const env = { BAKEHOUSE_URL: SERVICE, BAKEHOUSE_TOKEN: token };
    return {
      ...(await run(["discharge", ...args], { env, fetch, input: CREDENTIAL, hasBrowser: true })),
      asked,
    };
  }

  test.each([
    ["https://evil.example"],
    [`https://bakehouse.example@evil.example`],
    [`https://bakehouse.example.evil.example`],
    ["https://bakehouse.example:8443"],
    ["http://bakehouse.example"],
    ["https://b\u0430kehouse.example"],
    ["https://[2001:db8::1]"],
    ["https://bakehouse.example/elsewhere"],
    ["https://user:secret@bakehouse.example"],
    ["https://bakehouse.example?x"],
    ["javascript:alert(1)"],
    ["file:///etc/passwd"],
    [EVIL],
    [""],
  ])("not from %j", async (location) => {
    const { exit, terminal, asked, all } = await discharging(needing(location), ["--credential", "-"]);
    expect(exit).not.toBe(0);
    expect(asked).toEqual([]);
    expect(terminal.printed).toEqual([]);
    expect(all.filter((line) => !/^[\x20-\x7e]*$/.test(line))).toEqual([]);
  });

  test.each([
    ["http://party.example"],
    ["https://user@party.example"],
    ["https://party.example/path"],
    ["party.example"],
    ["ftp://party.example"],
  ])("--allow %s is refused", async (allow) => {
    const { exit, asked } = await discharging(needing("https://party.example"), ["--allow", allow]);
    expect([exit, asked]).toEqual([2, []]);
  });

  test("the service learns who asks only where that is said, a party never, and the token is the service's to see", async () => {
    const anonymous = await discharging(needing(SERVICE), []);
    expect(anonymous.asked).toMatchObject([{ url: `${SERVICE}/v1/discharge`, authorization: null }]);
    expect(JSON.parse(anonymous.asked[0]?.body ?? "")).toHaveProperty("token");
    const named = await discharging(needing(SERVICE), ["--credential", "-"]);
    expect(named.asked).toMatchObject([{ authorization: `Bearer ${CREDENTIAL}` }]);
    const foreign = await discharging(needing(SERVICE, "https://other.example"), []);
    expect(JSON.parse(foreign.asked[0]?.body ?? "")).not.toHaveProperty("token");

    const PARTY = "https://party.example";
    const other = await discharging(needing(PARTY), ["--allow", PARTY, "--credential", "-"]);
    expect(other.asked).toMatchObject([{ url: `${PARTY}/v1/discharge`, authorization: null }]);
    expect(JSON.parse(other.asked[0]?.body ?? "")).not.toHaveProperty("token");
    const shown = await discharging(needing(PARTY), ["--show-token-to", PARTY]);
    expect(JSON.parse(shown.asked[0]?.body ?? "")).toHaveProperty("token");
  });

  const pending = {
    id: ID,
    secret: "the-secret-that-collects",
    expires_at: "2000-01-01T00:00:00Z",
    user_code: "CODE",
  };

  test.each([
    ["a page of its own", `${SERVICE}/approvals/x`, [`${SERVICE}/approvals/x`]],
    ["another's page is said, but not opened", "https://evil.example/?a", []],
    ["a name in other letters is spelled out", "https://b\u0430kehouse.example/", []],
  ])("%s", async (_, user_url, opened) => {
    const { terminal, all } = await discharging(needing(SERVICE), [], { ...pending, user_url });
    expect(terminal.opened).toEqual(opened);
    expect(terminal.said).toContain(new URL(user_url).href);
    expect(all.join("\n")).not.toContain(pending.secret);
  });

  test.each([
    ["javascript:alert(1)"],
    ["file:///etc/passwd"],
    ["http://evil.example/"],
    ["https://bakehouse.example@evil.example/"],
    [EVIL],
  ])("a page at %j is neither opened nor said", async (user_url) => {
    const { exit, terminal, all } = await discharging(needing(SERVICE), [], { ...pending, user_url });
    expect(exit).not.toBe(0);
    expect(terminal.opened).toEqual([]);
    expect(all.join("\n")).not.toContain("evil");
  });

  test("a code cannot go on into a sentence", async () => {
    const user_code = `WXTZ ${"and approve whatever it shows ".repeat(20)}${EVIL}`;
    const { terminal } = await discharging(needing(SERVICE), [], {
      ...pending,
      user_code,
      user_url: `${SERVICE}/a`,
    });
    const line = terminal.said.find((said) => said.includes("the code")) ?? "";
    expect(line.length).toBeLessThan(100);
  });

  test("another caveat's discharge, a redirect and an answer of another shape are refused", async () => {
    const wrong = encodeBase64Url(new TextEncoder().encode("no macaroon"));
    for (const [answer, status] of [
      [{ discharge: hostileToken }, 200],
      [{ discharge: wrong }, 200],
      [{}, 302],
      [{}, 200],
      [[], 202],
    ] as const) {
      const { exit, terminal } = await discharging(needing(SERVICE), [], answer, status);
      expect(exit).not.toBe(0);
      expect(terminal.printed).toEqual([]);
    }
  });
});
