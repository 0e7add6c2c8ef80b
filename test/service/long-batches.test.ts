import { expect, test } from "vitest";

import { describeService } from "../support/service.ts";
import { narrow } from "../support/service-macaroons.ts";

describeService("long batches", (service) => {
  test("a batch explains 20,000 failed caveats and answers the rest another time", async () => {
    const { token: root } = await service().issue();
    const token = narrow(root, ...Array.from({ length: 250 }, () => "x = a"));
    const requests = Array.from({ length: 82 }, () => ({ token, context: {} }));
    const answer = await service().send("POST", "/v1/verify/batch", { requests }, service().asPlatform());
    expect(answer.status).toBe(200);
    const { results } = answer.json<{ results: { code: string; failures?: unknown[] }[] }>();
    expect(results.map(({ code }) => code)).toEqual([
      ...Array(80).fill("caveat_failed"),
      "unavailable",
      "unavailable",
    ]);
    for (const { failures } of results.slice(0, 80)) expect(failures).toHaveLength(250);
  });
});
