import { expect, test } from "vitest";

import { describeService, type Policy } from "../support/service.ts";

/** A policy that can be told from the others by how many rules it has. */
const policyOf = (rules: number): Policy => ({
  rules: Array.from({ length: rules }, () => ({ max_ttl: 60 })),
});

const CLOSED: Policy = { rules: [] };

describeService("policies that change", (service) => {
  const put = (name: string, policy: Policy) =>
    service().send("PUT", `/v1/platforms/${name}/policy`, policy, service().asAdmin());

  test("by many at once end as one of them, and each is answered its own", async () => {
    await service().createPlatform("contested");
    const counts = Array.from({ length: 12 }, (_, index) => index + 1);
    const answers = await Promise.all(counts.map((count) => put("contested", policyOf(count))));
    expect(answers.map(({ status }) => status)).toEqual(counts.map(() => 200));
    expect(answers.map((answer) => answer.json<Policy>().rules.length)).toEqual(counts);
    const kept = await service().get("/v1/platforms/contested/policy", service().asAdmin());
    expect(counts).toContain(kept.json<Policy>().rules.length);
  });

  test("bind every issue that is asked for after the answer, here and on another replica", async () => {
    await service().createPlatform("switched");
    const other = service().replica();
    await other.start();
    const issue = (at: Pick<typeof other, "send">) =>
      at.send("POST", "/v1/tokens", { platform: "switched", ttl: 60 }, service().asHuman("alice"));
    for (let round = 0; round < 6; round++) {
      const before = await Promise.all([issue(service()), issue(other)]);
      expect(before.map(({ status }) => status)).toEqual([201, 201]);
      // Under way while the policy changes: either answer is right.
      const meanwhile = Array.from({ length: 6 }, (_, index) => issue(index % 2 === 0 ? other : service()));
      expect((await put("switched", CLOSED)).status).toBe(200);
      const after = await Promise.all([issue(service()), issue(other), issue(service()), issue(other)]);
      expect(after.map(({ status }) => status)).toEqual([403, 403, 403, 403]);
      for (const { status } of await Promise.all(meanwhile)) expect([201, 403]).toContain(status);
      expect((await put("switched", policyOf(1))).status).toBe(200);
    }
    await other.stop();
  });
});
