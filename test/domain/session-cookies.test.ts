import { randomBytes } from "node:crypto";

import { expect, test } from "vitest";

import { createSessionCookies } from "../../src/domain/access/session-cookies.ts";
import { createSealing } from "../../src/domain/keys/sealing.ts";
import { Secret } from "../../src/domain/keys/secret.ts";
import { systemRandomness as randomness } from "../../src/run/system.ts";

const key = () => new Secret(new Uint8Array(randomBytes(32)));
const cookiesOf = (masterKey: Secret, previous?: Secret) =>
  createSessionCookies({ randomness, sealing: createSealing({ masterKey, previous, randomness }) });

test("every replica tells a cookie of this service from a guess, and each is another one", () => {
  const [old, current] = [key(), key()];
  const cookies = cookiesOf(old);
  const cookie = cookies.make();
  expect(cookies.make()).not.toBe(cookie);
  expect(cookies.isOne(cookie)).toBe(true);
  for (const replica of [cookies, cookiesOf(old), cookiesOf(current, old)]) {
    expect(replica.isMarked(cookie)).toBe(true);
  }
  expect(cookiesOf(current).isMarked(cookie)).toBe(false);
});

test("no other text has the mark", () => {
  const cookies = cookiesOf(key());
  const cookie = cookies.make();
  const bytes = Buffer.from(cookie, "base64url");
  for (let at = 0; at < bytes.length; at++) {
    const other = Buffer.from(bytes);
    other[at] = (other[at] ?? 0) ^ 1;
    expect(cookies.isOne(other.toString("base64url"))).toBe(true);
    expect(cookies.isMarked(other.toString("base64url"))).toBe(false);
  }
  for (const text of ["", cookie.slice(1), `${cookie}A`, randomBytes(32).toString("base64url")]) {
    expect(cookies.isMarked(text)).toBe(false);
  }
});
