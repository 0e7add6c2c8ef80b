import { describe, expect, test } from "vitest";
import { printOpenapi } from "../../src/http/openapi/print.ts";
import { ROUTES } from "../../src/http/routes/all.ts";
import { PROBLEM_CODES } from "../../src/words/problem-codes.ts";
import { REFUSAL_CODES } from "../../src/words/refusal-codes.ts";
import { breaches, OPENAPI, OPENAPI_TEXT, type Operation, violations } from "../support/contract.ts";
import { REQUEST_ID } from "../support/fake-service.ts";
import { as, createTestApp } from "./app.ts";

interface Described {
  readonly path: string;
  readonly method: string;
  readonly operation: Operation;
}

const OPERATIONS: readonly Described[] = Object.entries(OPENAPI.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
);

test("openapi.yaml is what the routes make", () => {
  expect(printOpenapi(), "run: node src/http/openapi/write.ts").toBe(OPENAPI_TEXT);
});

test("every route of the app is described, and nothing else is", () => {
  const { app } = createTestApp();
  const registered = app.routes
    .filter(({ method }) => method !== "ALL")
    .map(({ method, path }) => `${method} ${path.replace(/:(\w+)/g, "{$1}")}`);
  const described = OPERATIONS.map(({ method, path }) => `${method.toUpperCase()} ${path}`);
  expect(registered.sort()).toEqual(described.sort());
  expect(new Set(registered).size).toBe(ROUTES.length);
});

test("every described path is there: none is answered 404 by the router", async () => {
  const { app, requests } = createTestApp();
  for (const { path, method } of OPERATIONS) {
    await app.request(`http://127.0.0.1:8080${path.replace(/\{\w+\}/, "x")}`, {
      method: method.toUpperCase(),
    });
    expect(requests.at(-1)?.route).toBe(path);
  }
});

test("operation ids are unique and every operation says what it can answer", () => {
  const ids = OPERATIONS.map(({ operation }) => operation.operationId);
  expect(new Set(ids).size).toBe(ids.length);
  for (const { operation } of OPERATIONS) {
    expect(Object.keys(operation.responses)).toContain("500");
    expect(Object.keys(operation.responses).some((status) => Number(status) < 400)).toBe(true);
  }
});

describe("codes", () => {
  test("every problem code is listed and described", () => {
    const code = JSON.stringify(OPENAPI.components.schemas["Problem"]);
    for (const name of PROBLEM_CODES) expect(code).toContain(`\`${name}\` (`);
  });

  test("every refusal code is listed and described, in the order in which they apply", () => {
    const { enum: codes, description } = OPENAPI.components.schemas["RefusalCode"] as {
      readonly enum: readonly string[];
      readonly description: string;
    };
    expect(codes).toEqual(REFUSAL_CODES);
    expect([...description.matchAll(/^- `(\w+)`: /gm)].map(([, name]) => name)).toEqual([...REFUSAL_CODES]);
  });
});

describe("examples", () => {
  const requests = OPERATIONS.flatMap(({ path, method, operation }) =>
    Object.entries(operation.requestBody?.content ?? {}).map(([type, media]) => ({
      name: `${method} ${path}`,
      steps: ["paths", path, method, "requestBody", "content", type, "schema"],
      example: media.example,
    })),
  );

  test.each(requests)("the request of $name has a valid one", async ({ steps, example }) => {
    expect(example).toBeDefined();
    expect(violations(steps, example)).toEqual([]);
  });

  test.each(OPERATIONS.filter(({ operation }) => operation.requestBody !== undefined))(
    "the request of $method $path is taken by the route",
    async ({ path, method, operation }) => {
      const { send, calls } = createTestApp();
      const [type, media] = Object.entries(operation.requestBody?.content ?? {})[0] ?? [];
      const isForm = type === "application/x-www-form-urlencoded";
      const body = isForm
        ? new URLSearchParams(media?.example as Record<string, string>).toString()
        : media?.example;
      const caller = path === "/oauth/introspect" ? as("platform") : {};
      const headers = isForm ? { ...caller, "content-type": type } : undefined;
      const response = await send(
        method.toUpperCase(),
        path.replace("{id}", REQUEST_ID).replace(/\{\w+\}/, "default"),
        body,
        headers,
      );
      expect(response.status).toBeLessThan(300);
      expect(calls).toHaveLength(1);
    },
  );

  const answers = OPERATIONS.flatMap(({ path, method, operation }) =>
    Object.entries(operation.responses).flatMap(([status, { content = {} }]) =>
      Object.entries(content).flatMap(([type, media]) =>
        media.example === undefined
          ? []
          : [
              {
                name: `${method} ${path} ${status}`,
                steps: ["paths", path, method, "responses", status, "content", type, "schema"],
                example: media.example,
              },
            ],
      ),
    ),
  );

  test.each(answers)("the answer of $name has a valid one", ({ steps, example }) => {
    expect(violations(steps, example)).toEqual([]);
  });
});

describe("the contract test itself can fail", () => {
  const problem = { type: "t", title: "t", status: 404, code: "not_found", detail: "d" };
  const type = { "content-type": "application/problem+json" };

  test.each([
    ["a status that is not described", "GET", "/v1/tokens", new Response("{}", { status: 418 })],
    [
      "a media type that is not described",
      "GET",
      "/v1/tokens",
      new Response("{}", { headers: { "content-type": "text/plain" } }),
    ],
    ["a member that is not described", "GET", "/readyz", Response.json({ status: "ready", more: 1 })],
    ["a member that is missing", "GET", "/readyz", Response.json({})],
    [
      "a time that is none",
      "GET",
      "/healthz",
      Response.json({ status: "ok", version: "1", started_at: "now" }),
    ],
    ["a body where none is described", "GET", "/login", new Response("x", { status: 303 })],
    ["a path that is not described but answered", "GET", "/v2", Response.json({})],
    ["a method that is not described but answered", "DELETE", "/v1/tokens", Response.json({})],
    [
      "a problem with a code of its own",
      "GET",
      "/v2",
      new Response(JSON.stringify({ ...problem, code: "x" }), { status: 404, headers: type }),
    ],
    ["a HEAD with a body", "HEAD", "/healthz", new Response("x")],
  ])("%s", async (_, method, path, response) => {
    expect(await breaches(method, path, response)).not.toEqual([]);
  });

  test("and a right answer passes", async () => {
    const response = new Response(JSON.stringify(problem), { status: 404, headers: type });
    expect(await breaches("GET", "/v2", response)).toEqual([]);
  });
});
