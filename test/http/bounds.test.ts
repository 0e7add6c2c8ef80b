import { expect, test } from "vitest";

import { as, createTestApp, problemOf } from "./app.ts";

// One body of a batch, all of it small values, once took four gigabytes: any human could end the process.
const MOST_VALUES = 65_536;
const MOST_OF_BATCH = 1_048_576;

function verify(context: string): string {
  return `{"token":"t","context":{"a":[${context}]}}`;
}

test("a body is no row of tiny values", async () => {
  const { send, calls } = createTestApp();
  const asked = await send(
    "POST",
    "/v1/verify",
    verify(
      Array(MOST_VALUES - 4)
        .fill(1)
        .join(),
    ),
    as("platform"),
  );
  expect(asked.status).toBe(200);
  expect(calls.length).toBe(1);
  const problem = await problemOf(
    await send(
      "POST",
      "/v1/verify",
      verify(
        Array(MOST_VALUES - 3)
          .fill(1)
          .join(),
      ),
      as("platform"),
    ),
  );
  expect(problem).toMatchObject({ status: 400, code: "invalid_request", member: "context.a[65532]" });
  expect(calls.length).toBe(1);
});

test("a batch is none either", async () => {
  const { send, calls } = createTestApp();
  const body = `{"requests":[${verify(Array(MOST_OF_BATCH).fill(1).join())}]}`;
  const problem = await problemOf(await send("POST", "/v1/verify/batch", body, as("platform")));
  expect(problem).toMatchObject({ status: 400, code: "invalid_request" });
  expect(problem["detail"]).toMatch(/^more than 131072 values in requests$/);
  expect(calls).toEqual([]);
});

test("a batch of as many values as it may have is answered", async () => {
  const { send } = createTestApp();
  const questions = Array(1_000).fill({ token: "t", context: { a: Array(127).fill(1) } });
  expect((await send("POST", "/v1/verify/batch", { requests: questions }, as("platform"))).status).toBe(200);
});

test("an array that no schema allows is refused before each element is found wrong", async () => {
  const { send } = createTestApp();
  const caveats = Array(10_001).fill(1);
  const problem = await problemOf(await send("POST", "/v1/tokens", { platform: "default", caveats }));
  expect(problem).toMatchObject({ status: 400, member: "caveats" });
  expect(problem["detail"]).toBe("more than 10000 elements in caveats");
});

test("of many wrong discharges the first is named", async () => {
  const { send } = createTestApp();
  const discharges = ["d", ...Array(9_000).fill(1)];
  const problem = await problemOf(
    await send("POST", "/v1/verify", { token: "t", context: {}, discharges }, as("platform")),
  );
  expect(problem).toMatchObject({
    status: 400,
    member: "discharges[1]",
    detail: "discharges[1] must be a string",
  });
});
