import { Hono } from "hono";
import { describe, expect, test } from "vitest";
import { createOutage } from "../../src/client/guard/outage.ts";
import {
  BakehouseError,
  createBakehouse,
  createLocalVerifier,
  decide,
  guardHono,
  guardNode,
  Token,
  type Verifier,
} from "../../src/client/index.ts";
import { startTestService } from "../support/service.ts";
import { until } from "../support/until.ts";

const away = (code = "unreachable") => new BakehouseError(code, "the service cannot be reached");

describe("an outage is told in a few lines", () => {
  function watched() {
    let now = 0;
    const wait = (milliseconds: number) => {
      now += milliseconds;
    };
    const told: string[] = [];
    const outage = createOutage(
      (error, state) => {
        told.push(`${state}: ${error.message}`);
        // What was not thrown has no stack to print, and nothing behind it.
        if (state !== "begins") expect(error.stack).toBe(`BakehouseError: ${error.message}`);
        if (state !== "begins") expect(error.cause).toBeUndefined();
      },
      () => now,
    );
    return { outage, told, wait };
  }

  test("when it begins, each minute, and when it is over", () => {
    const { outage, told, wait } = watched();
    outage.answered();
    for (let second = 0; second <= 130; second++) {
      for (let more = 0; more < 10; more++) outage.failed(away());
      wait(1_000);
    }
    outage.answered();
    wait(15_000);
    outage.answered();
    outage.answered();
    expect(told).toEqual([
      "begins: the service cannot be reached",
      "lasts: still, after 60 s, 601 failures: the service cannot be reached",
      "lasts: still, after 120 s, 1201 failures: the service cannot be reached",
      "over: over, after 130 s, 1310 failures: the service cannot be reached",
    ]);
    outage.failed(away());
    expect(told.at(-1)).toBe("begins: the service cannot be reached");
  });

  test("and each further reason once", () => {
    const { outage, told } = watched();
    for (let more = 0; more < 5; more++)
      for (const code of ["unreachable", "timeout"]) outage.failed(away(code));
    expect(told).toHaveLength(2);
  });

  test("of as few kinds as an answerer with many codes may have", () => {
    const { outage, told } = watched();
    for (let more = 0; more < 100; more++) outage.failed(away(`code-${more}`));
    expect(told.length).toBeLessThan(10);
  });
});

const bearer = { headers: { authorization: "Bearer AgEA" } };
const broken: Verifier = {
  async verify() {
    throw away();
  },
};

test("a guard tells of three hundred requests without an answer once", async () => {
  const told: string[] = [];
  const onError = (error: BakehouseError, state: string) => void told.push(`${state}: ${error.code}`);
  const app = new Hono().use(guardHono(broken, undefined, { onError }));
  for (let more = 0; more < 300; more++) expect((await app.request("/", bearer)).status).toBe(503);
  expect(told).toEqual(["begins: unreachable"]);
});

test("that nobody listens changes no answer", async () => {
  const app = new Hono().use(guardHono(broken));
  expect((await app.request("/", bearer)).status).toBe(503);
});

test("a budget in a unit of which the guard states no cost is told to its owner, and names the cure", async () => {
  const refusing: Verifier = {
    verify: async () => ({
      allowed: false,
      code: "caveat_failed",
      detail: "cost.credits is missing",
      failures: [{ index: 1, caveat: "spend.credits <= 9", agent: null, code: "caveat_failed", detail: "d" }],
      undischarged: [],
      sequence: "e-1",
    }),
  };
  const told: string[] = [];
  const onError = (error: BakehouseError) => void told.push(error.message);
  const app = new Hono().use(guardHono(refusing, undefined, { onError }));
  for (let more = 0; more < 20; more++) expect((await app.request("/", bearer)).status).toBe(403);
  const request = { authorization: "Bearer AgEA", context: {}, onError };
  await decide(refusing, { ...request, cost: { EUR: 1 } });
  // A cost that was stated and does not do is the caller's to hear.
  await decide(refusing, { ...request, cost: { credits: 10 } });
  expect(told).toEqual(
    Array(2).fill(
      'a token has a budget in "credits", and this guard states no cost in it: state one: cost: () => ({ "credits": 1 })',
    ),
  );
});

describe("routing that tells no paths apart", () => {
  const loose = Object.assign(() => {}, { enabled: (name: string) => name === "strict routing" });

  test("is an error where the guard is made, if it is shown the application", () => {
    expect(() => guardNode(broken, undefined, { app: loose })).toThrow(/case sensitive routing/);
    expect(
      guardNode(broken, undefined, { app: Object.assign(() => {}, { enabled: () => true }) }),
    ).toBeDefined();
  });

  test("is an error that shows no caller the folders of the server", async () => {
    const errors: unknown[] = [];
    const response = { statusCode: 200, setHeader: () => {}, end: () => {}, once: () => {} };
    const request = { url: "/", headers: {}, socket: {}, app: { router: {} } };
    await guardNode(broken)(request, response, (error) => errors.push(error));
    const [error] = errors;
    if (!(error instanceof TypeError)) throw new Error("no error");
    expect(error.stack).toBe(String(error));
    expect(error.stack).not.toContain("/");
  });
});

test("[pglite] a local verifier goes on within the bound while its service is restarted", async () => {
  const service = await startTestService({ kind: "pglite", heartbeatMilliseconds: 50 });
  let server = await service.listen();
  let shift = 0;
  const clock = { now: () => Date.now() + shift, monotonic: () => performance.now() + shift };
  let isKnown = true;
  const told: string[] = [];
  const client = createBakehouse({
    url: "http://127.0.0.1:8080",
    credential: service.asPlatform()["authorization"]?.slice(7) ?? "",
    retries: 0,
    fetch: async (url, init) => {
      if (isKnown) return fetch(url.replace("http://127.0.0.1:8080", server.url), init);
      const problem = { type: "x", title: "t", status: 401, code: "unauthenticated", detail: "no more" };
      const headers = { "content-type": "application/problem+json" };
      return new Response(JSON.stringify(problem), { status: 401, headers });
    },
  });
  const verifier = createLocalVerifier({
    service: client,
    clock,
    onError: (error, state) => void told.push(`${state}: ${error.code}`),
  });
  const allows = async (token: Token) =>
    (await verifier.verify({ token: token.encode(), context: {} })).allowed;
  try {
    const token = Token.parse((await service.issue()).token);
    const child = token.delegate("a");
    await verifier.ready();
    expect(await allows(token)).toBe(true);

    await server.close();
    await until(() => told.length > 0);
    expect(verifier.counts.asked).toBe(1);
    expect(await allows(token)).toBe(true);
    expect(await allows(child)).toBe(true);
    expect(verifier.counts.asked).toBe(1);
    const unknown = { token: (await service.issue()).token, context: {} };
    await expect(verifier.verify(unknown)).rejects.toMatchObject({ code: "unreachable" });

    await service.revoke([{ token: child.encode() }]);
    server = await service.listen();
    await until(async () => !(await allows(child)));
    // What answers now may be set up anew: it is asked about all that was known before.
    const asked = verifier.counts.asked;
    expect(await allows(token)).toBe(true);
    expect(verifier.counts.asked).toBe(asked + 1);
    const isKnownHere = async () => {
      const { local } = verifier.counts;
      return (await allows(token)) && verifier.counts.local > local;
    };
    await until(isKnownHere);

    // Beyond the bound nothing is allowed.
    await server.close();
    shift += 16_000;
    await expect(allows(token)).rejects.toMatchObject({ code: "unreachable" });
    server = await service.listen();
    await until(() => isKnownHere().catch(() => false));

    // Nor is anything by a credential that is told to be none any more.
    isKnown = false;
    await server.close();
    await until(() => told.some((line) => line.endsWith("unauthenticated")));
    await expect(allows(token)).rejects.toMatchObject({ code: "unauthenticated" });
    // Not one line for each attempt.
    expect(told.length).toBeLessThan(6);
  } finally {
    verifier.close();
    await server.close().catch(() => {});
    await service.close();
  }
});
