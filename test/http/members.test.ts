import { expect, test } from "vitest";

import { as, createTestApp, problemOf } from "./app.ts";

const PARTY = { location: "l", condition: "c" };

test.each([
  ["/v1/tokens", { platform: "p", onBehalfOf: { subject: "a" } }, "onBehalfOf", "on_behalf_of"],
  ["/v1/tokens", { platform: "p", on_behalf_of: { subjct: "a" } }, "on_behalf_of.subjct", "subject"],
  [
    "/v1/tokens",
    { platform: "p", third_party_caveats: [{ ...PARTY, publicKey: "k" }] },
    "third_party_caveats[0].publicKey",
    "public_key",
  ],
  ["/v1/verify", { token: "AgEA", contxt: {} }, "contxt", "context"],
  ["/v1/verify", { token: "AgEA", context: {}, dryRun: true }, "dryRun", "dry_run"],
  ["/v1/verify/batch", { request: [] }, "request", "requests"],
  ["/v1/revocations", { targets: [{ tokn: "AgEA" }] }, "targets[0].tokn", "token"],
  ["/v1/revocations", { targets: [], publicReason: true }, "publicReason", "public_reason"],
])("%s: a name that is nearly a member's is told which: %j", async (path, body, member, meant) => {
  const { send } = createTestApp();
  const problem = await problemOf(await send("POST", path, body, as("platform")));
  expect(problem).toMatchObject({
    status: 400,
    member,
    detail: `${member} is not a member of this request: did you mean ${meant}?`,
  });
});

test("a name that is near none is told none", async () => {
  const { send } = createTestApp();
  const problem = await problemOf(
    await send("POST", "/v1/tokens", { platform: "p", zebra: 1 }, as("platform")),
  );
  expect(problem.detail).toBe("zebra is not a member of this request");
});

test("a query's parameter, too", async () => {
  const { request } = createTestApp();
  const problem = await problemOf(await request("/v1/tokens?limt=3", { headers: as("platform") }));
  expect(problem.detail).toBe("limt is not a query parameter of this request: did you mean limit?");
});
