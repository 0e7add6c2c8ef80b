import { expect, test } from "vitest";

import { createAsking } from "../../src/domain/discharge/asking.ts";
import { createDischargeLimits } from "../../src/domain/discharge/limits.ts";
import { createTokenReading, type PresentedToken } from "../../src/domain/discharge/shown-token.ts";
import { DomainError } from "../../src/domain/parts/error.ts";
import { encodeBundle } from "../../src/macaroon/index.ts";
import { turnsDuring } from "../support/turns.ts";
import { createWorld, KEY, root } from "./seen-world.ts";

const NOW = Date.UTC(2026, 10, 27);

/** A clock by which every share of the process is used up at once. */
function racingClock() {
  let monotonic = 0;
  return { now: () => NOW, monotonic: () => (monotonic += 5) };
}

const caveats = Array.from({ length: 200 }, (_, index) => `x${index} = 1`);
const text = encodeBundle([root(KEY, "agent = a", ...caveats)]);

test("the place of a shown token is known before the token is read, which takes turns", async () => {
  const world = createWorld(0);
  const present = createTokenReading({
    tokenVerifier: world.tokenVerifier,
    knowledge: { requireFresh: () => {} },
    clock: racingClock(),
  });
  const presented = await present(text);
  expect(presented.place.depth).toBe(202);
  expect(presented.place.branch).toHaveLength(2);
  const refused = expect(presented.read(new Uint8Array([1]))).rejects.toMatchObject({
    code: "unprocessable",
  });
  expect(await turnsDuring(refused)).toBeLessThan(5);

  world.revoked = () => true;
  await expect(present(text)).rejects.toMatchObject({ code: "not_found" });
});

test("a token that asks beyond its allowance is not read", async () => {
  let read = 0;
  const presented: PresentedToken = {
    place: { depth: 1, branch: ["tree", "agent"] },
    read: async () => {
      read++;
      throw new DomainError("unprocessable", "does not carry this caveat", "token");
    },
  };
  const clock = { now: () => NOW, monotonic: () => 0 };
  const ask = createAsking({
    store: {} as never,
    clock,
    randomness: { bytes: (length) => new Uint8Array(length) },
    desk: {
      read: async () => ({ login: false, terms: { condition: { kind: "is-principal" }, options: {} } }),
    } as never,
    limits: createDischargeLimits({ clock, onFull: () => {} }),
    readToken: async () => presented,
    ownIssuer: "https://login.test",
  });
  const asked = () =>
    ask(undefined, "192.0.2.1", {
      caveatId: new Uint8Array([1]),
      payload: undefined,
      token: "t",
      ancestor: undefined,
      caveats: [],
    });
  let code = "";
  for (let times = 0; times < 100 && code !== "rate_limited"; times++) {
    code = await asked().then(
      () => "",
      (error: DomainError) => error.code,
    );
  }
  expect(code).toBe("rate_limited");
  const before = read;
  await expect(asked()).rejects.toMatchObject({ code: "rate_limited" });
  expect(read).toBe(before);
});
