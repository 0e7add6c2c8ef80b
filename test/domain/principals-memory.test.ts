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
