import { describe, expect, test } from "vitest";

import { createSealing } from "../../src/domain/keys/sealing.ts";
import { Secret } from "../../src/domain/keys/secret.ts";
import {
  createOAuthSecrets,
  familyOf,
  hashOf,
  isCode,
  isSecret,
  openAnswer,
  sealAnswer,
} from "../../src/domain/oauth/secrets.ts";
import { systemRandomness as randomness } from "../../src/run/system.ts";

const FAMILY = "019a8b3c-5d7e-7f10-8a2b-3c4d5e6f7081";
const sealing = (fill: number, previous?: number) =>
  createSealing({
    masterKey: new Secret(new Uint8Array(32).fill(fill)),
    previous: previous === undefined ? undefined : new Secret(new Uint8Array(32).fill(previous)),
    randomness,
  });
const secrets = createOAuthSecrets({ sealing: sealing(1), randomness });

describe("codes and refresh tokens", () => {
  test("are known by their form, their hash and their mark", () => {
    const code = secrets.code();
    const refresh = secrets.refresh(FAMILY);
    expect(isCode(code.text)).toBe(true);
    expect(familyOf(refresh.text)).toBe(FAMILY);
    for (const { text, hash } of [code, refresh]) {
      expect(secrets.isMarked(text)).toBe(true);
      expect(hash).toEqual(hashOf(text));
      expect(isSecret(text, hash)).toBe(true);
    }
    expect(secrets.refresh(FAMILY).text).not.toBe(refresh.text);
    expect(isSecret(secrets.code().text, code.hash)).toBe(false);
  });

  test("a changed one has no mark", () => {
    const { text } = secrets.refresh(FAMILY);
    const flip = (at: number) => `${text.slice(0, at)}${text[at] === "A" ? "B" : "A"}${text.slice(at + 1)}`;
    for (const at of [0, 30, 79]) expect(secrets.isMarked(flip(at))).toBe(false);
    expect(secrets.isMarked(`${text}A`)).toBe(false);
    expect(familyOf(text.slice(1))).toBeUndefined();
    expect(familyOf("!".repeat(80))).toBeUndefined();
    expect(isCode(text)).toBe(false);
  });

  test("a mark outlives one change of the master key", () => {
    const { text } = secrets.code();
    const under = (key: number, previous?: number) =>
      createOAuthSecrets({ sealing: sealing(key, previous), randomness }).isMarked(text);
    expect([under(2, 1), under(2)]).toEqual([true, false]);
  });
});

test("an answer opens with the token that it replaced, for its family, and with nothing else", () => {
  const [one, other] = [secrets.refresh(FAMILY).text, secrets.refresh(FAMILY).text];
  const sealed = sealAnswer("the answer", one, FAMILY, randomness);
  expect(openAnswer(sealed, one, FAMILY)).toBe("the answer");
  expect(openAnswer(sealed, other, FAMILY)).toBeUndefined();
  expect(openAnswer(sealed, one, FAMILY.replace("1", "2"))).toBeUndefined();
  expect(openAnswer(sealed.subarray(1), one, FAMILY)).toBeUndefined();
  expect(openAnswer(new Uint8Array(5), one, FAMILY)).toBeUndefined();
  expect(Buffer.from(sealed).includes("the answer")).toBe(false);
});
