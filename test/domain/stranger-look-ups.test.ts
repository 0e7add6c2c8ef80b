import { expect, test } from "vitest";

import { createStrangerLookUps } from "../../src/domain/access/stranger-look-ups.ts";

function world() {
  let now = 0;
  const lookUps = createStrangerLookUps({ clock: { now: () => now, monotonic: () => now } });
  let looks = 0;
  /** @returns whether it was looked up */
  async function find(secret: string, from: string, good = false): Promise<boolean> {
    const before = looks;
    const load = async () => {
      looks++;
      return good ? "there" : undefined;
    };
    await lookUps.find(secret, from, load).catch((error: unknown) => {
      expect(error).toMatchObject({ code: "rate_limited" });
    });
    return looks > before;
  }
  return {
    ...lookUps,
    find,
    async count(times: number, ask: (n: number) => Promise<boolean>): Promise<number> {
      let done = 0;
      for (let n = 0; n < times; n++) if (await ask(n)) done++;
      return done;
    },
    advance: (milliseconds: number) => {
      now += milliseconds;
    },
  };
}

test("guesses from one network are looked up at a rate, whatever addresses it has", async () => {
  const { find, count, advance } = world();
  expect(await count(150, (n) => find(`guess ${n}`, `2001:db8::${n}`))).toBe(100);
  expect(await find("guess", "2001:db8:0:1::1")).toBe(true);
  advance(1_000);
  expect(await count(9, (n) => find(`guess ${n}`, "2001:db8::1"))).toBe(5);
});

test("all guesses together are looked up at a rate, and one refused by the sum costs its network nothing", async () => {
  const { find, count, advance } = world();
  expect(await count(1_500, (n) => find(`guess ${n}`, `192.0.2.${n % 250}`))).toBe(1_000);
  expect(await find("guess", "198.51.100.1")).toBe(false);
  advance(1_000);
  expect(await count(100, (n) => find(`guess ${n}`, "198.51.100.1"))).toBe(100);
});

test("a secret that is known to be good is behind nobody's guesses", async () => {
  const { find, count, given } = world();
  given("just given");
  expect(await find("good", "192.0.2.1", true)).toBe(true);
  await count(1_500, (n) => find(`guess ${n}`, `192.0.2.${n % 250}`));
  expect(await find("good", "192.0.2.1", true)).toBe(true);
  expect(await find("just given", "192.0.2.1", true)).toBe(true);
});

test("a good secret has an allowance of its own, and none once it is good no more", async () => {
  const { find, count } = world();
  await find("good", "192.0.2.1", true);
  expect(await count(300, () => find("good", "192.0.2.1", true))).toBe(200);
  await find("other", "192.0.2.1", true);
  expect(await find("other", "192.0.2.1")).toBe(true);
  expect(await count(200, () => find("other", "192.0.2.1"))).toBe(98);
});
