import { expect, test } from "vitest";

import { describeService } from "../support/service.ts";

const tokenId = (index: number) => `019a8b3c-5d7e-7f10-8a2b-${index.toString(16).padStart(12, "0")}`;
const numberOf = (sequence: string) => Number(sequence.split("-").at(-1));

describeService("long revocations", (service) => {
  test("a list that takes several statements is written as one, in its order", async () => {
    const { token_id, token } = await service().issue();
    const targets = Array.from({ length: 1_100 }, (_, index) => ({ token_id: tokenId(index) }));
    // The same target again, in a statement of its own; and one that is alive until then.
    const all = [...targets, { token_id: tokenId(3) }, { token_id }];
    expect((await service().verify(token)).allowed).toBe(true);
    const { revocations, sequence } = await service().revoke(all, service().asPlatform());
    expect(revocations.map(({ target }) => target)).toEqual(all);
    expect(await service().verify(token)).toMatchObject({ allowed: false, code: "revoked" });

    const numbers = revocations.map((entry) => numberOf(entry.sequence));
    const first = numbers[0] ?? 0;
    expect(numbers.slice(0, 1_100)).toEqual(targets.map((_, index) => first + index));
    expect(numbers.slice(1_100)).toEqual([first + 3, first + 1_100]);
    expect(sequence).toBe(revocations.at(-1)?.sequence);
    expect(revocations[1_100]?.id).toBe(revocations[3]?.id);
  });

  test("where one target is refused none is written", async () => {
    const before = await service().get("/v1/revocations?limit=1000", service().asAdmin());
    const targets = [
      ...Array.from({ length: 1_100 }, (_, index) => ({ token_id: tokenId(5_000 + index) })),
      { agent: "a", issued_before: "2099-01-01T00:00:00Z" },
    ];
    const refused = await service().send("POST", "/v1/revocations", { targets }, service().asPlatform());
    expect(refused.json()).toMatchObject({ status: 400, member: "targets[1100].issued_before" });
    const after = await service().get("/v1/revocations?limit=1000", service().asAdmin());
    expect(after.json()).toEqual(before.json());
  });
});
