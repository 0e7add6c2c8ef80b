/** When a proof is of now, to the millisecond, and what names it. */
import { expect, test } from "vitest";

import { checkProof } from "../../src/domain/holder/proof.ts";
import { CALL, claims, createProver } from "../support/prover.ts";

const NOW = Date.UTC(2026, 10, 27);
const key = createProver();

function check(more: object, platform = "p", prover = key) {
  const dpop = prover.jws({ typ: "dpop+jwt" }, claims("token", NOW, more));
  const asked = { platform, token: "token", wanted: () => true, now: NOW };
  return checkProof({ dpop, ...CALL, contentDigest: undefined }, asked);
}

const at = (milliseconds: number) => (NOW + milliseconds) / 1000;

test.each<[object, string | undefined]>([
  [{ iat: at(-60_000) }, undefined],
  [{ iat: at(-60_001) }, "its iat is too long ago"],
  [{ iat: at(60_000) }, undefined],
  [{ iat: at(60_001) }, "its iat is in the future"],
  [{ exp: at(1) }, undefined],
  [{ exp: at(0) }, "its exp is over"],
  [{ nbf: at(60_000) }, undefined],
  [{ nbf: at(60_001) }, "its nbf is in the future"],
  [{ nbf: "soon" }, "its nbf is in the future"],
  [{ jti: "j".repeat(256) }, undefined],
  [{ jti: "j".repeat(257) }, "its jti is no text of 1 to 256 characters"],
])("%j: %s", (more, why) => {
  const checked = check(more);
  if (why === undefined) expect(checked).toMatchObject({ thumbprint: key.thumbprint });
  else expect(checked).toBe(why);
});

test("platform, key and jti name a proof, and nothing else does", () => {
  const idOf = (...args: Parameters<typeof check>) => {
    const checked = check(...args);
    if (typeof checked === "string") throw new Error(checked);
    return Buffer.from(checked.id).toString("hex");
  };
  const one = idOf({ jti: "a" });
  expect(one).toHaveLength(64);
  expect(idOf({ jti: "a", iat: at(1_000), nonce: "n" })).toBe(one);
  expect(idOf({ jti: "b" })).not.toBe(one);
  expect(idOf({ jti: "a" }, "q")).not.toBe(one);
  expect(idOf({ jti: "a" }, "p", createProver())).not.toBe(one);
});
