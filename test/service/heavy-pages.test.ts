import { expect, test } from "vitest";

import { describeService } from "../support/service.ts";

describeService("heavy pages", (service) => {
  test("a page of tokens ends early where their caveats are long, and no token is lost", async () => {
    const caveats = Array.from({ length: 11 }, (_, index) => `x != ${String(index).padEnd(4_000, "a")}`);
    const issued = new Set<string>();
    for (let count = 0; count < 30; count++) issued.add((await service().issue({ caveats })).token_id);

    const sizes: number[] = [];
    const seen = new Set<string>();
    let cursor: string | null = null;
    do {
      const query: string = cursor === null ? "" : `&cursor=${cursor}`;
      const answer = await service().get(`/v1/tokens?limit=1000${query}`, service().asPlatform());
      const page = answer.json<{ items: { token_id: string }[]; next_cursor: string | null }>();
      sizes.push(page.items.length);
      for (const { token_id } of page.items) seen.add(token_id);
      cursor = page.next_cursor;
    } while (cursor !== null);
    expect(sizes).toEqual([22, 8]);
    expect(seen).toEqual(issued);
  });
});
