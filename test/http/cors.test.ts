import { describe, expect, test } from "vitest";

import { as, createTestApp, whoMay } from "./app.ts";

const APP = "https://app.example.com";

const controls = (response: Response) =>
  Object.fromEntries([...response.headers].filter(([name]) => name.startsWith("access-control")));

describe("pages of other origins", () => {
  const app = () => createTestApp({}, { allowedOrigins: [APP, "http://localhost:3000"] });
  const verify = (origin: string | undefined, more: object = {}) => {
    const headers = { ...as(whoMay("/v1/verify")), ...(origin === undefined ? {} : { origin }), ...more };
    return app().send("POST", "/v1/verify", { token: "AgEA", context: {} }, headers);
  };

  test("one that is named may call and read, and never with the cookie", async () => {
    const response = await verify(APP);
    expect(response.status).toBe(200);
    expect(response.headers.get("vary")).toBe("origin");
    expect(controls(response)).toEqual({
      "access-control-allow-origin": APP,
      "access-control-expose-headers": "x-request-id, etag, retry-after, www-authenticate",
    });
  });

  test("it reads refusals too", async () => {
    const response = await app().request("/v1/tokens", { headers: { origin: APP } });
    expect(response.status).toBe(401);
    expect(controls(response)["access-control-allow-origin"]).toBe(APP);
  });

  test("its browser's preflight is answered with the path's methods and the API's headers", async () => {
    const headers = { origin: APP, "access-control-request-method": "POST" };
    const response = await app().request("/v1/verify", { method: "OPTIONS", headers });
    expect(response.status).toBe(204);
    expect(controls(response)).toMatchObject({
      "access-control-allow-origin": APP,
      "access-control-allow-methods": "POST, OPTIONS",
      "access-control-max-age": "600",
    });
    expect(controls(response)["access-control-allow-headers"]).toContain("authorization, content-type");
  });

  test.each([
    "https://evil.example",
    "https://app.example.com.evil.example",
    "https://APP.example.com",
    "http://app.example.com",
    "https://app.example.com:444",
    "null",
    "*",
    `${APP}, https://evil.example`,
    "",
  ])("%j is not one of them", async (origin) => {
    const response = await verify(origin);
    expect(controls(response)).toEqual({});
    expect(response.headers.get("vary")).toBe("origin");
  });

  test("what people see in a browser is for no other origin", async () => {
    for (const path of ["/", "/approvals", "/docs", "/tokens"]) {
      const response = await app().request(path, { headers: { ...as("session"), origin: APP } });
      expect(controls(response), path).toEqual({});
    }
  });

  test("a write with the session's cookie still needs this service's own", async () => {
    const { cookie = "" } = as("session");
    const body = { platform: "default" };
    const response = await app().send("POST", "/v1/tokens", body, { cookie, origin: APP });
    expect(response.status).toBe(403);
  });

  test("without a setting nothing is said to anybody", async () => {
    const { request } = createTestApp();
    const response = await request("/v1/tokens", { headers: { ...as("platform"), origin: APP } });
    expect(controls(response)).toEqual({});
    expect(response.headers.has("vary")).toBe(false);
  });
});
