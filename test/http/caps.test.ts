import { expect, test } from "vitest";

import { readCookie } from "../../src/http/parts/cookies.ts";
import { as, createTestApp, problemOf } from "./app.ts";

const FORM = { "content-type": "application/x-www-form-urlencoded", accept: "application/json" };

/** As many parameters of a query or a form. */
function pairs(count: number): string {
  return Array.from({ length: count }, (_, index) => `p${index}=`).join("&");
}

async function postForm(path: string, body: string, headers: Readonly<Record<string, string>> = {}) {
  const { request, calls } = createTestApp();
  const response = await request(path, { method: "POST", headers: { ...FORM, ...headers }, body });
  return { response, calls };
}

const PAGE = "/approvals/019a8b3c-5d7e-7f10-8a2b-3c4d5e6f7082";

test.each([
  ["a page's form of 33 parameters", PAGE, pairs(33), as("session")],
  ["a page's form over 16 KiB", PAGE, `reason=${"x".repeat(16 * 1024)}`, as("session")],
  ["an OAuth form of 9 parameters", "/oauth/revoke", `token=t&${pairs(8)}`, {}],
  ["an OAuth form over 96 KiB", "/oauth/revoke", `token=${"x".repeat(96 * 1024)}`, {}],
  ["a form of half a million parameters", "/oauth/revoke", "a&".repeat(40_000), {}],
])("%s is refused before any parameter is read", async (_, path, body, headers) => {
  const { response, calls } = await postForm(path, body, headers);
  expect(await problemOf(response)).toMatchObject({ status: 413, code: "payload_too_large" });
  expect(calls.filter(({ name }) => !name.startsWith("authentication"))).toEqual([]);
});

test("names the body where it has too many parameters", async () => {
  const { response } = await postForm("/oauth/revoke", pairs(9));
  expect(await problemOf(response)).toMatchObject({
    member: "body",
    detail: "the body has over 8 parameters",
  });
});

test.each([
  ["nine parameters in the query", `/discharge?${pairs(9)}`, ""],
  ["nine parameters in the form", "/discharge", pairs(9)],
  ["a form over 96 KiB", "/discharge", `id=${"x".repeat(96 * 1024)}`],
])("a bakery client's discharge with %s is refused in the bakery's form", async (_, path, body) => {
  const { response, calls } = await postForm(path, body);
  expect(response.status).toBe(413);
  expect(await response.json()).toMatchObject({ Code: "bad request" });
  expect(calls).toEqual([]);
});

test.each([
  ["an API route", "/v1/tokens"],
  ["a route that takes any query", "/readyz"],
  ["the way back from a login", "/callback"],
  ["a login", "/login"],
  ["the wait of a bakery's client", "/wait-token"],
])("%s takes no query of 33 parameters, nor one over 16 KiB", async (_, path) => {
  const { request, calls, authentications } = createTestApp();
  for (const query of [pairs(33), `a=${"x".repeat(16 * 1024)}`]) {
    const problem = await problemOf(
      await request(`${path}?${query}`, { headers: { accept: "application/json" } }),
    );
    expect(problem).toMatchObject({ status: 413, code: "payload_too_large", member: "query" });
  }
  expect([calls, authentications]).toEqual([[], []]);
});

test("a revocation without a credential has 32 targets at most, with one 10,000", async () => {
  const { send, calls } = createTestApp();
  const revoke = (count: number, headers: Record<string, string>) =>
    send("POST", "/v1/revocations", { targets: Array(count).fill({ token: "t" }) }, headers);
  expect((await revoke(32, {})).status).toBe(200);
  for (const count of [33, 10_000]) {
    const problem = await problemOf(await revoke(count, {}));
    expect(problem).toMatchObject({ status: 413, code: "payload_too_large" });
    expect(problem.member).toMatch(/^targets/);
  }
  expect(calls).toHaveLength(1);
  expect((await revoke(10_000, as("administrator"))).status).toBe(200);
});

test("JSON without a credential is at most 256 KiB", async () => {
  const { send } = createTestApp();
  const body = { caveat_id: "A".repeat(256 * 1024) };
  const problem = await problemOf(await send("POST", "/v1/discharge", body, {}));
  expect(problem).toMatchObject({ status: 413, code: "payload_too_large" });
  const collect = "/v1/discharge/019a8b3c-5d7e-7f10-8a2b-3c4d5e6f7082/collect";
  const collected = await problemOf(await send("POST", collect, { secret: "x".repeat(256 * 1024) }, {}));
  expect(collected).toMatchObject({ status: 413, code: "payload_too_large" });
});

test("of a header of more cookies than browsers keep none is believed", () => {
  expect(readCookie(`${"a=1;".repeat(199)}bakehouse=abc`, "bakehouse")).toBe("abc");
  expect(readCookie(`${"a=1;".repeat(200)}bakehouse=abc`, "bakehouse")).toBeUndefined();
});
