import { describe, expect, test } from "vitest";

import { DomainError } from "../../src/domain/parts/error.ts";
import {
  AT,
  ISSUED,
  KEY,
  PRINCIPAL,
  REVOCATION,
  REVOCATION_ID,
  SEQUENCE,
  TOKEN_ID,
  VIEW,
} from "../support/fake-service.ts";
import { as, createTestApp, problemOf, read } from "./app.ts";

interface List {
  readonly items: readonly unknown[];
  readonly next_cursor: string | null;
}

const PRINCIPAL_WIRE = {
  id: "pW3kD0q9xYb2LmNa",
  issuer: "https://login.example.com",
  subject: "248289761001",
  email: "alice@example.com",
};

const FACTS_WIRE = {
  token_id: TOKEN_ID,
  revocation_id: REVOCATION_ID,
  platform: "default",
  principal: PRINCIPAL_WIRE,
  issued_at: "2026-11-22T13:00:00.125Z",
  expires_at: "2026-11-22T14:00:00.125Z",
  caveats: ["time < 2026-11-22T14:00:00.125Z", "action in read, list"],
  summary: "Until 14:00 UTC, read or list.",
  summary_parts: [{ by: "issued", text: "Until 14:00 UTC, read or list." }],
};

test("the metadata names a revocation endpoint that is there, and takes a token without a credential", async () => {
  const { app, request } = createTestApp({
    revocations: { revoke: async () => ({ revocations: [], sequence: SEQUENCE }) },
  });
  const metadata = await read<{
    revocation_endpoint: string;
    revocation_endpoint_auth_methods_supported: string[];
  }>(await request("/.well-known/oauth-authorization-server"));
  expect(metadata.revocation_endpoint_auth_methods_supported).toContain("none");
  const form = { method: "POST", body: new URLSearchParams({ token: "AgE" }) };
  expect((await app.request(metadata.revocation_endpoint, form)).status).toBe(200);
});

describe("POST /v1/tokens", () => {
  test("hands the request on as it was meant and answers with exactly the contract's members", async () => {
    const { send, calls } = createTestApp();
    const body =
      '{"platform":"default","ttl":600,"label":"x","on_behalf_of":{"subject":"s"},"third_party_caveats":[{"location":"l","condition":"c"}]}';
    const headers = { ...as("platform"), "idempotency-key": "one" };
    const response = await send("POST", "/v1/tokens", body, headers);
    expect(response.status).toBe(201);
    expect(response.headers.get("content-type")).toBe("application/json");
    expect(await response.json()).toEqual({ token: "issued-token-text", ...FACTS_WIRE });
    const [, request, idempotency] = calls[0]?.args ?? [];
    expect(request).toEqual({
      platform: "default",
      ttl: 600,
      caveats: [],
      thirdPartyCaveats: [{ location: "l", condition: "c", publicKey: undefined }],
      label: "x",
      onBehalfOf: { issuer: undefined, subject: "s" },
    });
    expect(idempotency).toEqual({
      key: "one",
      route: "POST /v1/tokens",
      body: new TextEncoder().encode(body),
    });
  });

  test("says so where the platform vouched, where there is no email, and where a caveat contradicts", async () => {
    const principal = { ...PRINCIPAL, email: null, assertedBy: "platform" as const };
    const { send } = createTestApp({
      tokens: { issue: async () => ({ ...ISSUED, principal, warnings: ["it can never pass"] }) },
    });
    const answer = await read<{ principal: unknown; warnings: unknown }>(
      await send("POST", "/v1/tokens", { platform: "default" }),
    );
    const { email: _, ...rest } = PRINCIPAL_WIRE;
    expect(answer.principal).toEqual({ ...rest, asserted_by: "platform" });
    expect(answer.warnings).toEqual(["it can never pass"]);
  });

  test("has no idempotency where none was asked for", async () => {
    const { send, calls } = createTestApp();
    await send("POST", "/v1/tokens", { platform: "default" });
    expect(calls[0]?.args[2]).toBeUndefined();
  });

  test.each([
    ["empty", ""],
    ["too long", "k".repeat(256)],
    ["not ASCII", "clé"],
    ["a tab within", "a\tb"],
  ])("refuses an Idempotency-Key that is %s", async (_, key) => {
    const { send, calls } = createTestApp();
    const headers = { ...as("platform"), "idempotency-key": key };
    const problem = await problemOf(await send("POST", "/v1/tokens", { platform: "default" }, headers));
    expect(problem).toMatchObject({ status: 400, code: "invalid_request", member: "Idempotency-Key" });
    expect(calls).toEqual([]);
  });

  test("takes an Idempotency-Key of 255 characters", async () => {
    const { send, calls } = createTestApp();
    const key = "k".repeat(255);
    await send("POST", "/v1/tokens", { platform: "default" }, { ...as("platform"), "idempotency-key": key });
    expect(calls[0]?.args[2]).toMatchObject({ key });
  });

  test.each([
    ["4,096 bytes", "é".repeat(2048), 201],
    ["more bytes than characters", "é".repeat(2049), 400],
  ])("measures a caveat in bytes: %s", async (_, caveat, status) => {
    const { send } = createTestApp();
    expect((await send("POST", "/v1/tokens", { platform: "default", caveats: [caveat] })).status).toBe(
      status,
    );
  });

  test("takes media types that mean JSON", async () => {
    const { request } = createTestApp();
    for (const type of [
      "application/json",
      "Application/JSON; charset=UTF-8",
      'application/json ;charset="utf-8"',
    ]) {
      const headers = { ...as("human"), "content-type": type };
      const response = await request("/v1/tokens", {
        method: "POST",
        headers,
        body: '{"platform":"default"}',
      });
      expect(response.status, type).toBe(201);
    }
  });
});

describe("lists", () => {
  test("a token's record has everything but the token", async () => {
    const revokedBelow = [
      { target: { kind: "agent", agent: "scraper" }, revokedAt: AT, by: "principal", reason: "lost" },
      { target: { kind: "link", revocationId: REVOCATION_ID }, revokedAt: AT, by: "holder", reason: null },
    ] as const;
    const view = {
      ...VIEW,
      label: "demo",
      issuedBy: TOKEN_ID,
      status: "revoked" as const,
      predecessor: undefined,
      renewableUntil: undefined,
      revokedBelow,
    };
    const { request } = createTestApp({ tokens: { get: async () => view } });
    const response = await request(`/v1/tokens/${TOKEN_ID}`, { headers: as("human") });
    expect(await response.json()).toEqual({
      ...FACTS_WIRE,
      key_id: "Zk3vQm2xT9aBcDeF",
      label: "demo",
      issued_by: TOKEN_ID,
      revoked_below: [
        { agent: "scraper", revoked_at: "2026-11-22T13:00:00.125Z", by: "principal", reason: "lost" },
        { revocation_id: REVOCATION_ID, revoked_at: "2026-11-22T13:00:00.125Z", by: "holder" },
      ],
      status: "revoked",
    });
  });

  test.each([
    ["/v1/tokens", "tokens.list", TOKEN_ID],
    ["/v1/platforms", "platforms.list", "default"],
    ["/v1/keys", "keys.list", "1763816400125 Zk3vQm2xT9aBcDeF"],
  ])("%s leads from page to page", async (path, name, key) => {
    const { request, calls } = createTestApp();
    const headers = as("administrator");
    const first = await read<List>(await request(`${path}?limit=1`, { headers }));
    expect(first.items).toHaveLength(1);
    await request(`${path}?cursor=${first.next_cursor}`, { headers });
    expect(calls.map((call) => call.name)).toEqual([name, name]);
    expect(calls.map(({ args }) => args.at(-1))).toEqual([
      { limit: 1, after: undefined },
      { limit: 100, after: key },
    ]);
  });

  test("the end of a list is null", async () => {
    const { request } = createTestApp({ tokens: { list: async () => ({ items: [], next: undefined }) } });
    const response = await request("/v1/tokens?platform=default&limit=1000", { headers: as("human") });
    expect(await response.json()).toEqual({ items: [], next_cursor: null });
  });

  test("one list's cursor is none of another's", async () => {
    const { request } = createTestApp();
    const headers = as("administrator");
    const { next_cursor } = await read<List>(await request("/v1/platforms", { headers }));
    const response = await request(`/v1/keys?cursor=${next_cursor}`, { headers });
    expect(await problemOf(response)).toMatchObject({ status: 400, member: "cursor" });
  });
});

describe("revocations", () => {
  test("targets are handed on, and a token is never repeated", async () => {
    const { send, calls } = createTestApp();
    const targets = [{ token: "planted-token" }, { revocation_id: REVOCATION_ID }, { token_id: TOKEN_ID }];
    const response = await send("POST", "/v1/revocations", { targets, reason: "gone" }, {});
    const text = await response.text();
    expect(response.status).toBe(200);
    expect(text).not.toContain("planted-token");
    const entry = {
      id: REVOCATION.id,
      target: { revocation_id: "AAECAwQFBgcICQoLDA0ODw" },
      revoked_at: "2026-11-22T13:00:00.125Z",
      sequence: "k3v9Qm2x-42",
      scope: "platform",
    };
    expect(JSON.parse(text)).toEqual({ revocations: [entry, entry, entry], sequence: "k3v9Qm2x-42" });
    expect(calls[0]?.args).toEqual([
      undefined,
      {
        targets: [
          { kind: "token", token: "planted-token" },
          { kind: "revocation_id", revocationId: REVOCATION_ID },
          { kind: "token_id", tokenId: TOKEN_ID },
        ],
        reason: "gone",
      },
    ]);
  });

  test.each([
    ["none", []],
    ["10,001", Array.from({ length: 10_001 }, () => ({ token_id: TOKEN_ID }))],
  ])("%s targets are refused", async (_, targets) => {
    const { send, calls } = createTestApp();
    expect(await problemOf(await send("POST", "/v1/revocations", { targets }))).toMatchObject({
      status: 400,
      member: "targets",
    });
    expect(calls).toEqual([]);
  });

  test("10,000 targets are taken", async () => {
    const { send, calls } = createTestApp();
    const targets = Array.from({ length: 10_000 }, () => ({ token_id: TOKEN_ID }));
    expect((await send("POST", "/v1/revocations", { targets })).status).toBe(200);
    expect(calls).toHaveLength(1);
  });

  test.each([
    [{}, "targets[0]", "exactly one of"],
    [{ token: "a", token_id: TOKEN_ID }, "targets[0]", "exactly one of"],
    [{ tokn: "a" }, "targets[0].tokn", "not a member"],
    [{ revocation_id: "q83vEjRWeJCrze8SNFZ4kB" }, "targets[0].revocation_id", "must be a revocation id"],
    [{ token_id: "019A8B3C-5D7E-7F10-8A2B-3C4D5E6F7081" }, "targets[0].token_id", "must be a token id"],
    [{ token: "" }, "targets[0].token", "at least 1"],
    [{ principal: { id: "x", subject: "y" } }, "targets[0].principal", "an id alone"],
    [{ principal: { issuer: "https://i.example" } }, "targets[0].principal", "must have a subject"],
    [{ principal: "x" }, "targets[0].principal", "must be an object"],
    [{ principal: { subject: "x" }, token_id: TOKEN_ID }, "targets[0]", "exactly one of"],
    [{ agent: "a b" }, "targets[0].agent", "agent's name"],
    [{ agent: "a", key_id: "k" }, "targets[0]", "exactly one of"],
    [{ key_id: "k", issued_before: "2026-11-22T13:00:00Z" }, "targets[0]", "exactly one of"],
    [{ issued_before: "2026-11-22T13:00:00Z" }, "targets[0]", "exactly one of"],
    [{ platform: "default", issued_before: "now" }, "targets[0].issued_before", "RFC 3339"],
    [{ platform: "default", issued_before: "2026-11-31T13:00:00Z" }, "targets[0].issued_before", "RFC 3339"],
    [{ platform: "Default" }, "targets[0].platform", "must be 1 to 63"],
    [{ approval_id: "a b" }, "targets[0].approval_id", "an approval id"],
    [{ approval_id: "x", issued_before: "2026-11-22T13:00:00Z" }, "targets[0]", "exactly one of"],
    [{ surprise: "x" }, "targets[0].surprise", "not a member"],
  ])("the target %j is refused at %s", async (target, member, detail) => {
    const { send } = createTestApp();
    const problem = await problemOf(await send("POST", "/v1/revocations", { targets: [target] }));
    expect(problem).toMatchObject({ status: 400, member });
    expect(problem.detail).toContain(detail);
  });

  test("the log is read from a sequence on", async () => {
    const { request, calls } = createTestApp({
      revocations: { log: async () => ({ items: [], next: "k3v9Qm2x-42", sequence: "k3v9Qm2x-50" }) },
    });
    const response = await request(`/v1/revocations?after=${SEQUENCE}&limit=7`, { headers: as("platform") });
    expect(await response.json()).toEqual({ items: [], next_cursor: "k3v9Qm2x-42", sequence: "k3v9Qm2x-50" });
    expect(calls[0]?.args.slice(1)).toEqual([SEQUENCE, 7]);
  });

  test("an entry shows its reason, and a tree's target its token id", async () => {
    const target = { kind: "token_id", id: TOKEN_ID } as const;
    const revocation = { ...REVOCATION, target, reason: "leaked", scope: { kind: "all" } as const };
    const { request } = createTestApp({
      revocations: {
        log: async () => ({
          items: [{ revocation, sequence: SEQUENCE }],
          next: undefined,
          sequence: SEQUENCE,
        }),
      },
    });
    const { items } = await read<List>(await request("/v1/revocations", { headers: as("administrator") }));
    expect(items[0]).toMatchObject({ target: { token_id: TOKEN_ID }, reason: "leaked", scope: "all" });
  });
});

describe("platforms, policies and keys", () => {
  const rule = { issuer: null, groups: null, subjects: null, caveats: [], maxTtl: 60, onBehalfOf: false };

  test("a platform without a policy is created with none", async () => {
    const { send, calls } = createTestApp();
    const response = await send("POST", "/v1/platforms", { name: "shop" });
    expect(response.status).toBe(201);
    expect(await response.json()).toEqual({
      name: "shop",
      created_at: "2026-11-22T13:00:00.125Z",
      policy: { rules: [] },
      resource_hosts: [],
    });
    expect(calls[0]?.args.slice(1)).toEqual(["shop", undefined]);
  });

  test("a policy's left-out members mean any, and are left out again", async () => {
    const { send, calls } = createTestApp();
    const response = await send("PUT", "/v1/platforms/shop/policy", { rules: [{ max_ttl: 60 }] });
    expect(calls[0]?.args.slice(1)).toEqual(["shop", { rules: [rule] }, undefined]);
    expect(await response.json()).toEqual({ rules: [{ caveats: [], max_ttl: 60, on_behalf_of: false }] });
  });

  test("a policy that was answered can be put back", async () => {
    const full = { ...rule, issuer: "https://i.example", groups: ["g"], subjects: ["s"], caveats: ["a = b"] };
    const claims = [
      { claim: "constructor", values: ["x"] },
      { claim: "repository", values: ["acme/web", "acme/api"] },
    ];
    const workloads = { ...rule, issuer: "https://ci.example", claims, session: 3600 };
    const clients = { metadataDocuments: true, domains: ["*.example.com"] };
    const policy = { rules: [full, rule, workloads], clients };
    const { send, request, calls } = createTestApp({
      policies: { get: async () => ({ policy, version: "a-b_c" }) },
    });
    const answer = await request("/v1/platforms/shop/policy", { headers: as("administrator") });
    expect(answer.headers.get("etag")).toBe('"a-b_c"');
    await send("PUT", "/v1/platforms/shop/policy", await answer.json());
    expect(calls[1]?.args.slice(2)).toEqual([policy, undefined]);
  });

  test.each([
    [{ max_ttl: 0 }, "rules[0].max_ttl"],
    [{ max_ttl: 7_776_001 }, "rules[0].max_ttl"],
    [{ max_ttl: 60, groups: [] }, "rules[0].groups"],
    [{ max_ttl: 60, groups: ["g"], on_behalf_of: true }, "rules[0].on_behalf_of"],
    [{ max_ttl: 60, claims: { a: "b" }, on_behalf_of: true }, "rules[0].on_behalf_of"],
    [{ max_ttl: 60, claims: {} }, "rules[0].claims"],
    [{ max_ttl: 60, claims: { a: [] } }, "rules[0].claims.a"],
    [{ max_ttl: 60, claims: { a: 7 } }, "rules[0].claims.a"],
    [{ max_ttl: 60, claims: { a: "" } }, "rules[0].claims.a"],
    [{ max_ttl: 60, claims: { a: ["b", null] } }, "rules[0].claims.a[1]"],
    [{ max_ttl: 60, claims: { a: "b\nc" } }, "rules[0].claims.a"],
    // Dropped in silence it would be a limit that is not there.
    [{ max_ttl: 60, claims: JSON.parse('{"a":"b","__proto__":"c"}') }, "rules[0].claims.__proto__"],
    [{ max_ttl: 60, claims: { "a\nb": "c" } }, 'rules[0].claims["a\\nb"]'],
    [{ max_ttl: 60, claims: ["a"] }, "rules[0].claims"],
    [{ max_ttl: 60, session: 0 }, "rules[0].session"],
    [{ max_ttl: 60, session: 7_776_001 }, "rules[0].session"],
    [{ max_ttl: 60, session: "1h" }, "rules[0].session"],
  ])("the rule %j is refused at %s", async (wrong, member) => {
    const { send, calls } = createTestApp();
    const response = await send("PUT", "/v1/platforms/shop/policy", { rules: [wrong] });
    expect(await problemOf(response)).toMatchObject({ status: 400, member });
    expect(calls).toEqual([]);
  });

  test.each([
    [{ metadata_documents: "yes" }, "clients.metadata_documents"],
    [{ domains: ["example.com"] }, "clients.metadata_documents"],
    [{ metadata_documents: true, domains: [] }, "clients.domains"],
    [{ metadata_documents: true, domains: ["*"] }, "clients.domains[0]"],
    [{ metadata_documents: true, domains: ["*.com"] }, "clients.domains[0]"],
    [{ metadata_documents: true, domains: ["a.*.example.com"] }, "clients.domains[0]"],
    [{ metadata_documents: true, domains: ["https://example.com"] }, "clients.domains[0]"],
    [{ metadata_documents: true, domains: ["example.com:443"] }, "clients.domains[0]"],
    [{ metadata_documents: true, domains: ["Example.com"] }, "clients.domains[0]"],
  ])("the clients %j are refused at %s", async (clients, member) => {
    const { send, calls } = createTestApp();
    const response = await send("PUT", "/v1/platforms/shop/policy", { rules: [], clients });
    expect(await problemOf(response)).toMatchObject({ status: 400, member });
    expect(calls).toEqual([]);
  });

  test.each<[string, readonly string[] | "any"]>([
    ["*", "any"],
    ['"a"', ["a"]],
    ['"a", "b" ,"c"', ["a", "b", "c"]],
    // A weak one is good for caches alone (RFC 9110 §13.1.1).
    ['W/"a"', []],
    ['W/"a", "b"', ["b"]],
    ['""', [""]],
  ])("If-Match: %s is read", async (header, condition) => {
    const { send, calls } = createTestApp();
    const headers = { ...as("administrator"), "if-match": header };
    await send("PUT", "/v1/platforms/shop/policy", { rules: [] }, headers);
    expect(calls[0]?.args[3]).toEqual(condition);
  });

  test.each(["a", '"a', '"a" "b"', '"a",', "**", '*, "a"', `"${"a".repeat(1024)}"`])(
    "If-Match: %s is refused",
    async (header) => {
      const { send, calls } = createTestApp();
      const headers = { ...as("administrator"), "if-match": header };
      const response = await send("PUT", "/v1/platforms/shop/policy", { rules: [] }, headers);
      expect(await problemOf(response)).toMatchObject({ status: 400, member: "If-Match" });
      expect(calls).toEqual([]);
    },
  );

  test("a dry run brings claims where an assertion would, and none of a person's", async () => {
    const { send, calls } = createTestApp();
    const trial = { dry_run: true, subject: "alice", claims: { a: ["b"] } };
    await send("POST", "/v1/platforms/shop/policy", trial);
    await send("POST", "/v1/platforms/shop/policy", { ...trial, kind: "id-jag", policy: { rules: [] } });
    await send("POST", "/v1/platforms/shop/policy", {
      ...trial,
      kind: "workload",
      issuer: "https://ci.example",
    });
    const who = { issuer: undefined, subject: "alice", groups: [], onBehalfOf: false };
    expect(calls.map(({ args }) => args.slice(2))).toEqual([
      [{ ...who, kind: "person", claims: undefined }, undefined],
      [{ ...who, kind: "person", claims: { a: ["b"] } }, { rules: [] }],
      [{ ...who, kind: "workload", issuer: "https://ci.example", claims: { a: ["b"] } }, undefined],
    ]);
    const without = await send("POST", "/v1/platforms/shop/policy", { subject: "alice" });
    expect(await problemOf(without)).toMatchObject({ status: 400, member: "dry_run" });
  });

  test("a policy's fault that the domain finds is named from the body's top", async () => {
    const create = async () =>
      Promise.reject(new DomainError("invalid_request", "no caveat", "rules[0].caveats[1]"));
    const { send } = createTestApp({ platforms: { create } });
    const response = await send("POST", "/v1/platforms", { name: "shop", policy: { rules: [] } });
    expect(await problemOf(response)).toMatchObject({ member: "policy.rules[0].caveats[1]" });
  });

  test("a credential is issued with what narrows it", async () => {
    const { send, calls } = createTestApp();
    const body = { ttl: 60, caveats: ["action in verify"], label: "gateway" };
    const response = await send("POST", "/v1/platforms/shop/credentials", body);
    expect(response.status).toBe(201);
    expect(await response.json()).toEqual({
      token: "issued-token-text",
      ...FACTS_WIRE,
      platform: "bakehouse",
    });
    expect(calls[0]?.args.slice(1)).toEqual(["shop", body]);
  });

  test("keys are described and never shown", async () => {
    const { request, send, calls } = createTestApp();
    const { items } = await read<List>(
      await request("/v1/keys?platform=default", { headers: as("platform") }),
    );
    expect(items).toEqual([
      {
        key_id: KEY.keyId,
        platform: "default",
        state: "active",
        created_at: "2026-11-22T13:00:00.125Z",
        active_from: "2026-11-22T13:00:00.125Z",
      },
    ]);
    const rotated = await (await send("POST", "/v1/keys/rotate", {}, as("platform"))).json();
    expect(rotated).toMatchObject({
      state: "pending",
      retired_at: new Date(AT + 1).toISOString(),
      expires_at: new Date(AT + 2).toISOString(),
    });
    expect(calls.map(({ args }) => args[1])).toEqual(["default", undefined]);
  });
});

describe("health", () => {
  test("healthz asks nothing and takes any query", async () => {
    const checks = async () => Promise.reject(new Error("down"));
    const { request, calls } = createTestApp({ health: { checks } });
    const response = await request("/healthz?from=balancer&from=again");
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({
      status: "ok",
      version: "1.2.3",
      started_at: "2026-11-22T13:00:00.125Z",
    });
    expect(calls).toEqual([]);
  });

  describe("readyz", () => {
    const checks = [
      { name: "serving", ok: true },
      { name: "revocations", ok: false, detail: "revocations are old" },
      { name: "changes", ok: false, detail: "the disk is full" },
    ] as const;
    const shown = checks.map(({ name, ok }) => ({ name, ok }));
    const unready = () => createTestApp({ health: { checks: async () => checks } });

    test("names what stands in the way to everybody", async () => {
      const response = await unready().request("/readyz");
      expect(response.headers.get("retry-after")).toBe("2");
      expect(await problemOf(response)).toMatchObject({
        status: 503,
        code: "unavailable",
        detail: "not ready: revocations, changes",
        checks: shown,
      });
    });

    test.each(["platform", "administrator"] as const)("says more to a credential of a %s", async (role) => {
      const response = await unready().request("/readyz", { headers: as(role) });
      expect(await problemOf(response)).toMatchObject({ detail: "not ready: revocations, changes", checks });
    });

    test.each<[string, Record<string, string>]>([
      ["no good", { authorization: "Bearer AAAA" }],
      ["malformed", { authorization: "Bearer" }],
      ["a person's", as("human")],
    ])("says no more to a credential that is %s, and refuses it as little", async (_, headers) => {
      const response = await unready().request("/readyz", { headers });
      expect(response.status).toBe(503);
      expect(await problemOf(response)).toHaveProperty("checks", shown);
      const { request } = createTestApp();
      expect((await request("/readyz", { headers })).status).toBe(200);
    });

    test.each([
      ["", "verify"],
      ["?for=write", "write"],
      ["?from=balancer&from=again&for=write", "write"],
      ["?from=balancer&from=again", "verify"],
    ])("%j asks for %s, and passes over what others write there", async (query, purpose) => {
      const { request, calls } = createTestApp();
      const response = await request(`/readyz${query}`);
      expect([response.status, await response.json()]).toEqual([200, { status: "ready" }]);
      expect(calls).toEqual([{ name: "health.checks", args: [purpose] }]);
    });

    test.each(["?for=read", "?for=", "?for=write&for=write", "?for=Write"])("%j is 400", async (query) => {
      const { request, calls } = createTestApp();
      expect(await problemOf(await request(`/readyz${query}`))).toMatchObject({
        status: 400,
        code: "invalid_request",
        member: "for",
      });
      expect(calls).toEqual([]);
    });
  });
});
