import { describe, expect, test } from "vitest";

import {
  type Bakehouse,
  BakehouseError,
  createBakehouse,
  type Fetch,
  Token,
} from "../../src/client/index.ts";
import { ISSUED, REVOCATION_ID, SEQUENCE } from "../support/fake-service.ts";
import { until } from "../support/until.ts";

const problem = (status: number, code: string, headers: Record<string, string> = {}) =>
  new Response(
    JSON.stringify({ type: `urn:bakehouse:problem:${code}`, title: "t", status, code, detail: "why" }),
    {
      status,
      headers: { "content-type": "application/problem+json", ...headers },
    },
  );
const json = (body: unknown, status = 200) => new Response(JSON.stringify(body), { status });
const REFUSED = {
  allowed: false,
  code: "revoked",
  detail: "d",
  failures: [],
  undischarged: [],
  sequence: SEQUENCE,
};
const KEY = {
  key_id: "k",
  platform: "p",
  state: "active",
  created_at: "2026-11-22T13:00:00Z",
  active_from: "2026-11-22T13:00:00Z",
};

const TOKEN = "AgETaHR0cDovL2V4YW1wbGUub3JnLwIFa2V5aWQAAAYgfN7nklEcW8b1KEhYBd_psk54XijiqZMB-dcRxgnjjvc";
const COUNTED = Token.parse(TOKEN).attenuate("uses <= 3").encode();

/** A client of a service that gives these answers, the last one again and again. */
function scripted(...answers: readonly (() => Response | Promise<Response>)[]) {
  const requests: { url: string; init: RequestInit; headers: Headers }[] = [];
  const fetch: Fetch = async (url, init) => {
    requests.push({ url, init, headers: new Headers(init.headers) });
    const answer = answers[Math.min(requests.length, answers.length) - 1];
    if (answer === undefined) throw new Error("no answer");
    return answer();
  };
  const client = createBakehouse({
    url: "https://b.example/base/",
    credential: "secret-credential",
    fetch,
    timeout: 300,
  });
  return { client, requests };
}

const broken = () => {
  throw new TypeError("fetch failed");
};
const failure = async (run: Promise<unknown>) =>
  run.then(
    () => undefined,
    (error: unknown) => error as BakehouseError,
  );

describe("repeating", () => {
  const issue = (client: Bakehouse) => client.issue({ platform: "default" });
  const verify = (client: Bakehouse) => client.verify({ token: TOKEN, context: {} });
  const counted = (more: object) => (client: Bakehouse) =>
    client.verify({ token: COUNTED, context: {}, ...more });
  const unreadable = (client: Bakehouse) => client.verify({ token: "t", context: {} });
  const discharged = (client: Bakehouse) =>
    client.verify({ token: TOKEN, discharges: [COUNTED], context: {} });
  const batch = (more: object) => (client: Bakehouse) =>
    client.verifyBatch([
      { token: TOKEN, context: {} },
      { token: COUNTED, context: {}, ...more },
    ]);
  const dryRun = (client: Bakehouse) => client.verify({ token: "t", context: {}, dry_run: true });
  const revoke = (client: Bakehouse) => client.revoke({ revocation_id: REVOCATION_ID });
  const list = (client: Bakehouse) => client.keys.list();
  const rotate = (client: Bakehouse) => client.keys.rotate();

  test.each([
    ["issue, a broken connection", issue, broken, 3],
    ["issue, 503", issue, () => problem(503, "unavailable"), 3],
    ["issue, in flight", issue, () => problem(409, "idempotency_in_flight"), 3],
    ["issue, refused", issue, () => problem(403, "forbidden"), 1],
    ["verify, 503", verify, () => problem(503, "unavailable"), 3],
    [
      "verify with a budget, 503: it may have been charged",
      counted({}),
      () => problem(503, "unavailable"),
      1,
    ],
    ["verify with a budget, 429", counted({}), () => problem(429, "rate_limited"), 3],
    ["verify under a charge_id, 503", counted({ charge_id: "c-1" }), () => problem(503, "unavailable"), 3],
    ["verify with a budget in a discharge, 503", discharged, () => problem(503, "unavailable"), 1],
    ["verify of who knows what, 503", unreadable, () => problem(503, "unavailable"), 1],
    ["a batch with a budget, 503", batch({}), () => problem(503, "unavailable"), 1],
    ["a batch that charges nothing, 503", batch({ dry_run: true }), () => problem(503, "unavailable"), 3],
    ["verify, a broken connection: it may have been counted", verify, broken, 1],
    ["verify as a dry run, a broken connection", dryRun, broken, 3],
    ["revoke, a broken connection", revoke, broken, 3],
    ["a list, a gateway's page", list, () => new Response("<html>", { status: 502 }), 3],
    ["a list, a page instead of an answer", list, () => new Response("<html>"), 1],
    ["rotate, 503", rotate, () => problem(503, "unavailable"), 1],
    ["rotate, 429", rotate, () => problem(429, "rate_limited"), 3],
  ])("%s: attempts", async (_, call, answer, attempts) => {
    const { client, requests } = scripted(answer);
    expect(await failure(call(client))).toBeInstanceOf(BakehouseError);
    expect(requests).toHaveLength(attempts);
  });

  test("issue repeats under one key, and another issue has another", async () => {
    const answer = {
      token: "t",
      token_id: ISSUED.tokenId,
      revocation_id: REVOCATION_ID,
      platform: "default",
      principal: { id: "i", issuer: "https://i.example", subject: "s" },
      issued_at: "2026-11-22T13:00:00Z",
      expires_at: "2026-11-22T14:00:00Z",
      caveats: [],
      summary: "Anything.",
    };
    const { client, requests } = scripted(broken, () => json(answer, 201));
    await issue(client);
    await issue(client);
    const [first, second, third] = requests.map(({ headers }) => headers.get("idempotency-key"));
    expect(first).toMatch(/^[\w-]{24}$/);
    expect(second).toBe(first);
    expect(third).not.toBe(first);
  });

  test("waits as long as the service asks", async () => {
    const { client } = scripted(
      () => problem(429, "rate_limited", { "retry-after": "1" }),
      () => json({ items: [KEY], next_cursor: null }),
    );
    const begun = performance.now();
    expect(await client.keys.list()).toEqual({ items: [KEY], next_cursor: null });
    expect(performance.now() - begun).toBeGreaterThan(950);
  });
});

describe("errors", () => {
  test("carry the problem's code, member and request", async () => {
    const body = JSON.stringify({
      type: "x",
      title: "t",
      status: 400,
      code: "invalid_request",
      detail: "must be",
      member: "ttl",
    });
    const headers = { "content-type": "application/problem+json", "x-request-id": "r1" };
    const { client } = scripted(() => new Response(body, { status: 400, headers }));
    expect(await failure(client.keys.list())).toMatchObject({
      code: "invalid_request",
      status: 400,
      member: "ttl",
      requestId: "r1",
      message: "must be",
    });
  });

  test.each([
    ["not JSON", () => new Response("hello"), "bad_answer"],
    ["a member twice", () => new Response('{"items":[],"items":[],"next_cursor":null}'), "bad_answer"],
    [
      "a member missing",
      () => json({ items: [{ ...KEY, key_id: undefined }], next_cursor: null }),
      "bad_answer",
    ],
    [
      "a redirect",
      () => new Response(null, { status: 302, headers: { location: "https://evil.example/" } }),
      "bad_answer",
    ],
    ["silence", () => new Promise<Response>(() => {}), "timeout"],
  ])("%s", async (_, answer, code) => {
    const slow: Fetch = (_url, init) =>
      Promise.race([
        answer(),
        new Promise<Response>((_resolve, reject) =>
          init.signal?.addEventListener("abort", () => reject(init.signal?.reason)),
        ),
      ]);
    const client = createBakehouse({
      url: "https://b.example",
      credential: "c",
      fetch: slow,
      timeout: code === "timeout" ? 50 : 60_000,
      retries: 0,
    });
    expect(await failure(client.keys.list())).toMatchObject({ name: "BakehouseError", code });
  });

  test("a verdict is read strictly: `allowed` is true or false and nothing like it", async () => {
    const { client } = scripted(() => json({ ...REFUSED, allowed: "true" }));
    expect(await failure(client.verify({ token: "t", context: {} }))).toMatchObject({ code: "bad_answer" });
  });

  test("a batch has as many answers as questions, or none is any question's", async () => {
    const { client } = scripted(() => json({ results: [REFUSED] }));
    const requests = [
      { token: "a", context: {} },
      { token: "b", context: {} },
    ];
    expect(await failure(client.verifyBatch(requests))).toMatchObject({ code: "bad_answer" });
    expect(await client.verifyBatch(requests.slice(1))).toMatchObject([{ code: "revoked" }]);
  });

  test.each([
    { name: "a discharge", status: 200, call: (c: Bakehouse) => c.discharge({ caveat_id: "AA" }) },
    { name: "what is collected", status: 200, call: (c: Bakehouse) => c.collectDischarge("d", "s") },
    { name: "an error", status: 500, call: (c: Bakehouse) => c.keys.list() },
  ])("an answer without an end does not fill the memory: $name", async ({ status, call }) => {
    const piece = new Uint8Array(64 * 1024).fill(0x20);
    let sent = 0;
    let isGivenUp = false;
    const endless = () => {
      const pull = (controller: ReadableStreamDefaultController) => {
        sent += piece.length;
        controller.enqueue(piece);
      };
      const cancel = () => {
        isGivenUp = true;
      };
      return new Response(new ReadableStream({ pull, cancel }), { status });
    };
    const { client } = scripted(endless);
    expect(await failure(call(client))).toMatchObject({ code: "bad_answer" });
    expect(sent).toBeLessThan(2 * 1024 * 1024);
    expect(isGivenUp).toBe(true);
  });

  test.each(["sec\nret", "sec\0ret", "sécrét", "sec ret"])(
    "a credential that no header can carry is not shown, and nothing is sent: %j",
    async (credential) => {
      const requests: string[] = [];
      const fetch: Fetch = async (url) => {
        requests.push(url);
        return json({});
      };
      const client = createBakehouse({ url: "https://b.example", credential, fetch });
      const read = async () => {
        for await (const _ of client.followRevocations({})) break;
      };
      for (const refused of [await failure(client.keys.list()), await failure(read())]) {
        expect(refused).toBeInstanceOf(TypeError);
        expect(`${refused?.message} ${refused?.stack} ${String(refused?.cause)}`).not.toMatch(
          /s[eé]c|r[eé]t\b/,
        );
      }
      expect(requests).toEqual([]);
    },
  );

  test("an abort is the caller's own reason, before, in between and while waiting", async () => {
    const reason = new Error("enough");
    const { client, requests } = scripted(() => problem(503, "unavailable", { "retry-after": "9" }));
    expect(await failure(client.keys.list({}, { signal: AbortSignal.abort(reason) }))).toBe(reason);
    expect(requests).toHaveLength(0);
    const stop = new AbortController();
    const listing = failure(client.keys.list({}, { signal: stop.signal }));
    await until(() => requests.length === 1);
    stop.abort(reason);
    expect(await listing).toBe(reason);
    expect(requests).toHaveLength(1);
  });
});

describe("what is sent", () => {
  test("the credential, to the service alone, and nothing ambient", async () => {
    const { client, requests } = scripted(() => json({ items: [], next_cursor: null }));
    await client.tokens.list({ platform: "a b", limit: 3 });
    const [{ url, init, headers } = { url: "", init: {}, headers: new Headers() }] = requests;
    expect(url).toBe("https://b.example/base/v1/tokens?platform=a+b&limit=3");
    expect(headers.get("authorization")).toBe("Bearer secret-credential");
    expect(init).toMatchObject({ redirect: "manual", credentials: "omit" });
  });

  test("no credential where possession suffices", async () => {
    const { client, requests } = scripted(() => json({ revocations: [], sequence: SEQUENCE }));
    await client.revoke({ token: "t" });
    await client.revoke([{ token: "t" }, { token_id: ISSUED.tokenId }]);
    expect(requests.map(({ headers }) => headers.has("authorization"))).toEqual([false, true]);
  });

  test("an id goes into a path as one segment", async () => {
    const { client, requests } = scripted(() => problem(404, "not_found"));
    await failure(client.tokens.get("../keys?x=1"));
    expect(requests[0]?.url).toBe("https://b.example/base/v1/tokens/..%2Fkeys%3Fx%3D1");
  });
});
