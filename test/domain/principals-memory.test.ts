import { expect, test } from "vitest";

import { createPrincipals } from "../../src/domain/principals.ts";
import { parseJson } from "../../src/json/parse.ts";
import { toPlain } from "../../src/json/plain.ts";
import { memoryInUse } from "../support/heap.ts";
import { PRINCIPAL } from "./seen-world.ts";

const MEBIBYTE = 1024 * 1024;
const BODIES = 40;

function held(): number {
  const { heapUsed, external } = memoryInUse();
  return (heapUsed + external) / MEBIBYTE;
}

test("an e-mail in memory follows its issuer, and nobody is looked up for it", async () => {
  const asked: number[] = [];
  let now = 0;
  const never = () => Promise.reject(new Error("not asked for"));
  const changes = [
    { id: PRINCIPAL.id, email: null },
    { id: "not in memory", email: "new@example.com" },
  ];
  const principals = createPrincipals({
    store: {
      principals: {
        find: never,
        changedWithin: async (milliseconds: number) => {
          asked.push(milliseconds);
          return changes;
        },
      },
    } as unknown as Parameters<typeof createPrincipals>[0]["store"],
    clock: { now: () => 0, monotonic: () => now },
  });
  principals.remember({ ...PRINCIPAL, email: "old@example.com" });
  now = 5_000;
  await principals.refresh();
  expect(await principals.find(PRINCIPAL.id)).toEqual({ ...PRINCIPAL, email: null });
  await expect(principals.find("not in memory")).rejects.toThrow();
  now = 8_000;
  await principals.refresh();
  expect(asked).toEqual([65_000, 63_000]);
});

test("of a body that named a person, the person is remembered and not the body", async () => {
  const never = () => Promise.reject(new Error("not asked for"));
  const principals = createPrincipals({
    store: { principals: { find: never } } as unknown as Parameters<typeof createPrincipals>[0]["store"],
    clock: { now: () => 0, monotonic: () => 0 },
  });
  const before = held();
  for (let index = 0; index < BODIES; index++) {
    const subject = `somebody-with-a-long-name-${index}`;
    const body = new TextEncoder().encode(JSON.stringify({ subject }) + " ".repeat(MEBIBYTE));
    const { subject: named } = toPlain(parseJson(body)) as { readonly subject: string };
    principals.remember({ ...PRINCIPAL, id: `id-${index}`, subject: named });
    expect(await principals.find(`id-${index}`)).toMatchObject({ subject });
  }
  await new Promise((resolve) => setImmediate(resolve));
  expect(held() - before).toBeLessThan(BODIES / 4);
});
