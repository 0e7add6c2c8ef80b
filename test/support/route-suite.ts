import { describe, expect, test } from "vitest";
import { ANONYMOUS } from "../../src/http/request/json-body.ts";

import type { Route } from "../../src/http/request/route.ts";
import { ROUTES } from "../../src/http/routes/all.ts";
import { as, createTestApp, problemOf, whoMay } from "../http/app.ts";
import {
  badCharacters,
  CANARY,
  duplicateMembers,
  type Mutation,
  missingMembers,
  unknownMembers,
  unseenCharacters,
  wrongTypes,
} from "../http/mutations.ts";

/** What the suite has to know of a route to attack it. */
export interface RouteSample {
  /** A path that the route answers, without a query. */
  readonly path: string;
  /** A body with every member that the route takes. */
  readonly body?: unknown;
  /** A form that the route answers. */
  readonly form?: string;
  /** Members of the body that cannot be left out. */
  readonly required?: readonly string[];
  /** Members of the body that are one line of text for people, or a name. */
  readonly lines?: readonly string[];
  /** What cannot be an id in the path, besides what never can. */
  readonly noIds?: readonly string[];
  /** Whether it refuses, in its own way, a request that has nothing but the path. */
  readonly ownRefusal?: boolean;
  /** For each query parameter values that it must refuse; none for a route that takes any query. */
  readonly query?: Readonly<Record<string, readonly string[]>>;
}

const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "PROPFIND"];

const NOT_JSON: Readonly<Record<string, string | Uint8Array<ArrayBuffer>>> = {
  nothing: "",
  "white space": " \n",
  "a cut object": '{"platform":',
  "two values": "{}{}",
  "plain text": CANARY,
  "a form": `token=${CANARY}`,
  "a byte order mark": "\ufeff{}",
  "a comment": "{/**/}",
  "a trailing comma": '{"a":1,}',
  NaN: '{"a":NaN}',
  null: "null",
  "a number": "7",
  "a string": `"${CANARY}"`,
  "an array": "[]",
  "bytes that are not utf-8": Uint8Array.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x7d]),
  "deep nesting": "[".repeat(100_000),
};

const MEDIA_TYPES = [
  null,
  "",
  "text/plain",
  "application/x-www-form-urlencoded",
  "multipart/form-data; boundary=x",
  "application/problem+json",
  "application/jsonx",
  "application/json; charset=latin1",
  "application/json; charset=utf-8; charset=utf-16",
  "application/json, text/plain",
  "text/json",
];

const GARBAGE_CREDENTIALS = [
  "",
  "Bearer",
  "Bearer ",
  `Basic ${CANARY}`,
  CANARY,
  `Bearer ${CANARY}`,
  "Bearer administrator-credential, Bearer platform-credential",
  "Bearer administrator-credential platform-credential",
  "Bearer\tadministrator-credential",
  "Bearer administrator-credential,",
  'Bearer "administrator-credential"',
  `Bearer ${"a".repeat(70_000)}`,
  "DPoP administrator-credential",
];

const NO_IDS = [
  "x.y",
  "%00",
  "a%00",
  "..%2f..%2fetc",
  "%ED%A0%80",
  "%E0%A4%A",
  "__proto__",
  "%27%20or%201%3D1--",
  "a".repeat(5000),
  "%E2%80%AE",
  "019A8B3C-5D7E-7F10-8A2B-3C4D5E6F7081",
];

/** Runs every claim that holds for all routes against one of them. */
export function routeSuite(route: Route, sample: RouteSample): void {
  const hasBody = route.body !== undefined;
  const anyone = as(whoMay(sample.path));
  const valid = hasBody ? JSON.stringify(sample.body) : null;
  // What is refused leaves nothing behind, and an app of its own for each takes most of the suite's time.
  let shared: ReturnType<typeof createTestApp> | undefined;

  /** Sends a request that must be refused, and checks that nothing happened and nothing was repeated. */
  async function refused(path: string, init: RequestInit, status: number, member?: string) {
    shared ??= createTestApp();
    const app = shared;
    app.forget();
    const response = await app.request(path, { method: route.method, ...init });
    const text = await response.clone().text();
    expect(response.status, text).toBe(status);
    expect(app.calls).toEqual([]);
    const seen = text + JSON.stringify([...response.headers, app.requests, app.faults]);
    expect(seen).not.toContain(CANARY);
    expect(app.requests).toHaveLength(1);
    expect(app.faults).toEqual([]);
    const problem = await problemOf(response);
    if (member !== undefined) expect(problem.member).toBe(member);
    return { response, problem };
  }

  const json = { "content-type": "application/json", ...anyone };

  describe(`${route.method} ${route.path}`, () => {
    test("answers what it should", async () => {
      const app = createTestApp();
      const form = { "content-type": "application/x-www-form-urlencoded" };
      const headers = hasBody ? json : { ...anyone, ...(sample.form ? form : {}) };
      const body = sample.form ?? valid;
      const response = await app.request(sample.path, { method: route.method, headers, body });
      // An own page refuses what has no Origin; that is its claim, not this suite's.
      const own = route.path === "/logout" || route.path === "/callback" || sample.ownRefusal === true;
      if (!own) expect(response.status).toBeLessThan(400);
      expect(app.requests).toHaveLength(1);
      expect(app.requests[0]?.route).toBe(route.path);
    });

    const own = ROUTES.filter(({ path }) => path === route.path).flatMap(({ method, head }) =>
      method === "GET" && head !== false ? ["GET", "HEAD"] : [method],
    );
    test.each(METHODS.filter((method) => !own.includes(method)))("does not have %s", async (method) => {
      const headers = { ...json, accept: "application/json" };
      const { response } = await refused(
        sample.path,
        { method, headers, body: method === "GET" ? null : "{}" },
        405,
      );
      expect(response.headers.get("allow")).toBe([...own, "OPTIONS"].join(", "));
    });

    test("answers OPTIONS with its methods and lets no other origin in", async () => {
      const app = createTestApp();
      const headers = { origin: "https://evil.example", "access-control-request-method": "POST" };
      const response = await app.request(sample.path, { method: "OPTIONS", headers });
      expect(response.status).toBe(204);
      expect(response.headers.get("allow")).toBe([...own, "OPTIONS"].join(", "));
      expect([...response.headers.keys()].filter((name) => name.startsWith("access-control"))).toEqual([]);
      expect(app.calls).toEqual([]);
    });

    if (route.auth === "caller") {
      test("needs a credential", async () => {
        const { response } = await refused(
          sample.path,
          { headers: { "content-type": "application/json" }, body: valid },
          401,
        );
        expect(response.headers.get("www-authenticate")).toBe(
          'Bearer resource_metadata="http://127.0.0.1:8080/.well-known/oauth-protected-resource"',
        );
      });
    }
    if (route.auth !== "none") {
      test.each(GARBAGE_CREDENTIALS)("refuses the credential %j", async (authorization) => {
        const headers = { "content-type": "application/json", authorization };
        const { response } = await refused(sample.path, { headers, body: valid }, 401);
        expect(response.headers.get("www-authenticate")).toBe(
          'Bearer error="invalid_token", resource_metadata="http://127.0.0.1:8080/.well-known/oauth-protected-resource"',
        );
      });
      test("does not look at the cookie where a bearer credential is no good", async () => {
        const headers = {
          "content-type": "application/json",
          ...as("session"),
          authorization: `Bearer ${CANARY}`,
        };
        await refused(sample.path, { headers, body: valid }, 401);
      });
    }
    if (route.auth !== "none" && route.method !== "GET") {
      test.each([
        ["no origin", {}],
        ["another origin", { origin: "https://evil.example" }],
        ["the origin null", { origin: "null" }],
        ["a longer origin", { origin: "http://127.0.0.1:8080.evil.example" }],
        ["its origin but cross-site", { origin: "http://127.0.0.1:8080", "sec-fetch-site": "cross-site" }],
        ["its origin but same-site", { origin: "http://127.0.0.1:8080", "sec-fetch-site": "same-site" }],
      ])("refuses a session's write with %s", async (_, origin) => {
        const { cookie } = as("session");
        const headers = { "content-type": "application/json", cookie: cookie ?? "", ...origin };
        const { problem } = await refused(sample.path, { headers, body: valid }, 403);
        expect(problem.code).toBe("forbidden");
      });
    }

    if (route.params !== undefined && route.auth !== "none") {
      test.each([...NO_IDS, ...(sample.noIds ?? [])])("finds nothing under %s", async (id) => {
        const path = route.path.replace(/\{\w+\}/, id);
        await refused(path, { headers: hasBody ? json : anyone, body: valid }, 404);
      });
    }

    if (route.kind === "api") {
      test.each(["surprise", "__proto__", "constructor", "Limit"])(
        "refuses the query parameter %s",
        async (name) => {
          const headers = hasBody ? json : anyone;
          await refused(`${sample.path}?${name}=${CANARY}`, { headers, body: valid }, 400, name);
        },
      );
    }
    const parameters = Object.entries(sample.query ?? {});
    test.each(parameters)("refuses %s repeated, and wrong values of it", async (name, wrong) => {
      const headers = hasBody ? json : { ...anyone, accept: "application/json" };
      await refused(`${sample.path}?${name}=1&${name}=1`, { headers }, 400, name);
      for (const value of [...wrong, "%00", "%ED%A0%80", ""]) {
        await refused(`${sample.path}?${name}=${value}`, { headers }, 400, name);
      }
    });

    if (hasBody) bodySuite(route, sample, refused);
  });
}

type Refused = (path: string, init: RequestInit, status: number, member?: string) => Promise<unknown>;

function bodySuite(route: Route, sample: RouteSample, refused: Refused): void {
  const anyone = as(whoMay(sample.path));
  const json = { "content-type": "application/json", ...anyone };
  const most = route.body?.maxBytes ?? 0;

  function claims(name: string, mutations: readonly Mutation[]): void {
    test.each(mutations.map((mutation) => [mutation.name, mutation] as const))(
      `${name}: %s`,
      async (_, mutation) => {
        await refused(sample.path, { headers: json, body: mutation.body }, 400, mutation.member || undefined);
      },
    );
  }

  claims("wrong type", wrongTypes(sample.body));
  claims("unknown member", unknownMembers(sample.body));
  claims("duplicate member", duplicateMembers(sample.body));
  claims("bad character", badCharacters(sample.body));
  claims("unseen character", unseenCharacters(sample.body, sample.lines ?? []));
  claims("missing member", missingMembers(sample.body, sample.required ?? []));

  test.each(Object.entries(NOT_JSON))("refuses %s as a body", async (_, body) => {
    await refused(sample.path, { headers: json, body }, 400);
  });

  test.each(MEDIA_TYPES)("refuses the media type %j", async (type) => {
    const headers = { ...anyone, ...(type === null ? {} : { "content-type": type }) };
    const body = new TextEncoder().encode(JSON.stringify(sample.body));
    await refused(sample.path, { headers, body }, 415);
  });

  test("refuses a compressed body", async () => {
    await refused(sample.path, { headers: { ...json, "content-encoding": "gzip" }, body: "{}" }, 415);
  });

  test("refuses a body that is announced too large, without reading it", async () => {
    const headers = { ...json, "content-length": String(most + 1) };
    await refused(sample.path, { headers, body: "{}" }, 413);
  });

  test("refuses a body that becomes too large, however little was announced", async () => {
    const chunk = new TextEncoder().encode(" ".repeat(64 * 1024));
    let left = most / chunk.length + 1;
    const body = new ReadableStream({
      pull(controller) {
        if (left-- > 0) controller.enqueue(chunk);
        else controller.close();
      },
    });
    await refused(sample.path, { headers: json, body, duplex: "half" } as RequestInit, 413);
  });

  test("reads a body of the largest size", async () => {
    const app = createTestApp();
    const text = JSON.stringify(sample.body);
    const isAnonymous = route.auth === "none" || Object.keys(anyone).length === 0;
    const largest = isAnonymous ? Math.min(most, ANONYMOUS.maxBytes) : most;
    const body = text + " ".repeat(largest - new TextEncoder().encode(text).length);
    const response = await app.request(sample.path, { method: route.method, headers: json, body });
    expect(response.status, await response.clone().text()).toBeLessThan(300);
    expect(app.calls).toHaveLength(1);
  });
}
