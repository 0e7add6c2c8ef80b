import { exportJWK, generateKeyPair } from "jose";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

import type { IdTokens } from "../../src/domain/ports/identity.ts";
import { createIdTokens } from "../../src/oidc/id-tokens.ts";
import type { Fetch } from "../../src/oidc/issuer-fetch.ts";
import { calmNow } from "../support/calm-clock.ts";
import { type FakeIssuer, type IssuerFaults, startFakeIssuer } from "../support/fake-issuer.ts";
import { type ManualClock, manualClock } from "./manual-clock.ts";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const unavailable = { name: "DomainError", code: "unavailable" };

let clock: ManualClock;
let issuer: FakeIssuer;
let tokens: IdTokens;

function verifier(fetch?: Fetch): IdTokens {
  return createIdTokens({
    issuers: [
      { issuer: issuer.issuer, audiences: ["bakehouse"], development: false, allowInsecureIssuer: true },
    ],
    clock,
    timing: { timeout: 800 },
    ...(fetch === undefined ? {} : { fetch }),
  });
}

beforeEach(async () => {
  clock = manualClock();
  issuer = await startFakeIssuer({ now: clock.now });
  tokens = verifier();
});

afterEach(() => issuer.close());

function keyReads(): number {
  return issuer.requests.filter((path) => path === "/jwks").length;
}

describe("nothing is fetched", () => {
  test("before a token arrives", () => {
    expect(issuer.requests).toEqual([]);
  });

  test.each<{ name: string; claims: Record<string, unknown> }>([
    { name: "an untrusted issuer", claims: { iss: "http://127.0.0.1:9/evil" } },
    { name: "another audience", claims: { aud: "other" } },
    { name: "a token that has expired", claims: { exp: 1 } },
  ])("for $name", async ({ claims }) => {
    const asked: string[] = [];
    const spying = verifier((url, init) => {
      asked.push(url);
      return fetch(url, init);
    });
    expect(await spying.verify(await issuer.signIdToken(claims))).toMatchObject({ ok: false });
    expect(asked).toEqual([]);
  });

  test("again while the keys are fresh, however many verify at once", async () => {
    const token = await issuer.signIdToken();
    await Promise.all(Array.from({ length: 50 }, () => tokens.verify(token)));
    clock.advance(9 * MINUTE);
    await tokens.verify(token);
    expect(issuer.requests).toEqual(["/.well-known/openid-configuration", "/jwks"]);
  });
});

describe("an issuer without a usable answer is unavailable, never a refusal", () => {
  test.each<{ name: string; faults: IssuerFaults }>([
    { name: "cuts connections", faults: { down: true } },
    { name: "is too slow", faults: { slowMs: 1_600 } },
    { name: "answers 500", faults: { status: 500 } },
    { name: "answers 404", faults: { status: 404 } },
    { name: "redirects", faults: { status: 302 } },
    { name: "answers with HTML", faults: { body: "<html>" } },
    { name: "answers with a list", faults: { body: "[]" } },
    { name: "answers without end", faults: { metadata: { padding: "x".repeat(600 * 1024) } } },
    { name: "calls itself something else", faults: { discoveryIssuer: "https://evil.example" } },
    { name: "names no key set", faults: { metadata: { jwks_uri: undefined } } },
    {
      name: "names a key set elsewhere over http",
      faults: { metadata: { jwks_uri: "http://id.example/jwks" } },
    },
    { name: "names a key set in a file", faults: { metadata: { jwks_uri: "file:///etc/passwd" } } },
    { name: "has no keys", faults: { jwks: { keys: [] } } },
    { name: "has a key set that is none", faults: { jwks: { keys: "many" } } },
    { name: "has a shared secret for a key", faults: { jwks: { keys: [{ kty: "oct", k: "c2VjcmV0" }] } } },
    {
      name: "has too many keys",
      faults: { jwks: { keys: Array.from({ length: 101 }, () => ({ kty: "EC" })) } },
    },
  ])("one that $name", async ({ faults }) => {
    const token = await issuer.signIdToken();
    Object.assign(issuer.faults, faults);
    await expect(tokens.verify(token)).rejects.toMatchObject(unavailable);

    for (const fault of Object.keys(faults)) delete issuer.faults[fault as keyof IssuerFaults];
    clock.advance(2 * SECOND);
    expect(await tokens.verify(token)).toMatchObject({ ok: true });
  });

  test("one that publishes its private key", async () => {
    const { privateKey } = await generateKeyPair("ES256", { extractable: true });
    issuer.faults.jwks = { keys: [{ ...(await exportJWK(privateKey)), kid: "known" }] };
    const token = await issuer.signIdToken({}, { key: privateKey, header: { kid: "known" } });
    await expect(tokens.verify(token)).rejects.toMatchObject(unavailable);
  });

  test("one whose key is malformed", async () => {
    const { x, ...rest } = await issuer.publicKey();
    issuer.faults.jwks = { keys: [{ ...rest, x: x?.slice(0, 10) }] };
    await expect(tokens.verify(await issuer.signIdToken())).rejects.toMatchObject(unavailable);
  });

  test("and the error carries neither address nor cause", async () => {
    const secretive = verifier(() =>
      Promise.reject(new Error("fetch https://user:secret@id.example failed")),
    );
    const error: unknown = await secretive
      .verify(await issuer.signIdToken())
      .catch((reason: unknown) => reason);
    expect(error).toMatchObject(unavailable);
    expect(error).not.toHaveProperty("cause");
    expect(String(error instanceof Error ? error.stack : error)).not.toMatch(
      /secret|id\.example|127\.0\.0\.1/,
    );
  });

  test("and it is not asked again at once", async () => {
    issuer.faults.down = true;
    const token = await issuer.signIdToken();
    for (let i = 0; i < 20; i++) await expect(tokens.verify(token)).rejects.toMatchObject(unavailable);
    expect(issuer.requests).toHaveLength(1);
  });

  test("one that was never up is found when it comes", async () => {
    const token = await issuer.signIdToken();
    await issuer.close();
    await expect(tokens.verify(token)).rejects.toMatchObject(unavailable);
    await issuer.reopen();
    clock.advance(2 * SECOND);
    expect(await tokens.verify(token)).toMatchObject({ ok: true });
  });
});

describe("while the issuer is down", () => {
  test.each([
    { minutes: 9, known: true },
    { minutes: 11, known: true },
    { minutes: 59, known: true },
    { minutes: 60, known: false },
  ])("a known key serves after $minutes minutes: $known", async ({ minutes, known }) => {
    const token = await issuer.signIdToken({ exp: clock.now() / 1_000 + 100_000 });
    expect(await tokens.verify(token)).toMatchObject({ ok: true });
    issuer.faults.down = true;
    clock.advance(minutes * MINUTE);
    const verdict = tokens.verify(token);
    if (known) expect(await verdict).toMatchObject({ ok: true });
    else await expect(verdict).rejects.toMatchObject(unavailable);
  });

  test("only the first caller waits for an issuer that hangs", async () => {
    const token = await issuer.signIdToken();
    await tokens.verify(token);
    issuer.faults.slowMs = 1_600;
    clock.advance(11 * MINUTE);
    await tokens.verify(token);
    for (let i = 0; i < 10; i++) {
      clock.advance(3 * SECOND);
      const started = calmNow();
      expect(await tokens.verify(token)).toMatchObject({ ok: true });
      expect(calmNow() - started).toBeLessThan(150);
    }
  });

  test("an unknown key id is unavailable, since the issuer may have made it since", async () => {
    await tokens.verify(await issuer.signIdToken());
    clock.advance(5 * MINUTE);
    await issuer.rotateKeys();
    const token = await issuer.signIdToken();
    issuer.faults.down = true;
    await expect(tokens.verify(token)).rejects.toMatchObject(unavailable);
  });
});

describe("rotation", () => {
  test("a token under a new key is verified at once", async () => {
    await tokens.verify(await issuer.signIdToken());
    clock.advance(5 * MINUTE);
    await issuer.rotateKeys();
    expect(await tokens.verify(await issuer.signIdToken())).toMatchObject({ ok: true });
    expect(keyReads()).toBe(2);
  });

  test("a token without a key id under a new key is verified too", async () => {
    const header = { kid: undefined };
    await tokens.verify(await issuer.signIdToken({}, { header }));
    clock.advance(5 * MINUTE);
    await issuer.rotateKeys();
    expect(await tokens.verify(await issuer.signIdToken({}, { header }))).toMatchObject({ ok: true });
  });

  test("right after a read it is unavailable first, and verified a moment later", async () => {
    await tokens.verify(await issuer.signIdToken());
    clock.advance(SECOND);
    await issuer.rotateKeys();
    const token = await issuer.signIdToken();
    await expect(tokens.verify(token)).rejects.toMatchObject(unavailable);
    clock.advance(10 * SECOND);
    expect(await tokens.verify(token)).toMatchObject({ ok: true });
  });

  test("a withdrawn key stops serving within ten minutes", async () => {
    const old = await issuer.signIdToken();
    await tokens.verify(old);
    await issuer.rotateKeys();
    clock.advance(10 * MINUTE);
    expect(await tokens.verify(old)).toEqual({
      ok: false,
      reason: "the token's signature is not the issuer's",
    });
  });

  test("a moved key set is found", async () => {
    const old = await issuer.signIdToken();
    await tokens.verify(old);
    issuer.faults.metadata = { jwks_uri: `${issuer.issuer}/moved` };
    clock.advance(10 * MINUTE);
    // The new place answers 404 here: what is known goes on serving.
    expect(await tokens.verify(old)).toMatchObject({ ok: true });
    expect(issuer.requests.at(-1)).toBe("/moved");
  });
});

describe("a flood of made-up key ids", () => {
  test("reads the keys at most once in ten seconds", async () => {
    const good = await issuer.signIdToken();
    await tokens.verify(good);
    const before = keyReads();
    for (let second = 0; second < 30; second++) {
      clock.advance(SECOND);
      const token = await issuer.signIdToken({}, { header: { kid: `made-up-${second}` } });
      const verdicts = await Promise.allSettled(Array.from({ length: 20 }, () => tokens.verify(token)));
      for (const verdict of verdicts) {
        if (verdict.status === "fulfilled") expect(verdict.value.ok).toBe(false);
        else expect(verdict.reason).toMatchObject(unavailable);
      }
      expect(await tokens.verify(good)).toMatchObject({ ok: true });
    }
    expect(keyReads() - before).toBeLessThanOrEqual(3);
  });

  test("with old tokens is a refusal: the keys that were read would show theirs", async () => {
    await tokens.verify(await issuer.signIdToken());
    clock.advance(SECOND);
    const iat = clock.now() / 1_000 - 120;
    const verdict = await tokens.verify(await issuer.signIdToken({ iat }, { header: { kid: "made-up" } }));
    expect(verdict).toEqual({ ok: false, reason: "the token's signature is not the issuer's" });
  });
});

test.each(["RS256", "RS512", "PS256", "ES384", "EdDSA"])("keys for %s are used", async (algorithm) => {
  const other = await startFakeIssuer({ now: clock.now, algorithm });
  try {
    const verifying = createIdTokens({
      issuers: [{ issuer: other.issuer, audiences: ["bakehouse"], development: true }],
      clock,
    });
    const verdict = await verifying.verify(await other.signIdToken());
    expect(verdict).toMatchObject({ ok: true, identity: { development: true } });
  } finally {
    await other.close();
  }
});
