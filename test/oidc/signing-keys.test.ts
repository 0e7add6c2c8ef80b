import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { ensureSigningKeys, signingKeysFile } from "../../src/oidc/development/signing-keys.ts";
import { createIdTokens } from "../../src/oidc/id-tokens.ts";
import { createBrowser } from "../support/browser.ts";
import { startDevelopmentServer } from "./development-server.ts";

let folder: string;
let path: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "bakehouse-keys-"));
  path = join(folder, "keys.json");
});

afterEach(() => rm(folder, { recursive: true }));

test("keys are made once, in a file that only its owner reads, and nothing else is left", async () => {
  const made = await ensureSigningKeys(signingKeysFile(path));
  expect(await ensureSigningKeys(signingKeysFile(path))).toEqual(made);
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  expect(await readdir(folder)).toEqual(["keys.json"]);
});

describe("a damaged file is a fault whose message quotes nothing of it", () => {
  test.each([
    { name: "half a file", damage: (text: string) => text.slice(0, text.length / 2) },
    { name: "an empty file", damage: () => "" },
    { name: "no keys", damage: () => '{"keys":[]}' },
    { name: "a key without its private part", damage: (text: string) => text.replace('"d":', '"e":') },
    { name: "a key of another kind", damage: (text: string) => text.replace('"EC"', '"oct"') },
  ])("$name", async ({ damage }) => {
    const [key] = await ensureSigningKeys(signingKeysFile(path));
    await writeFile(path, damage(await readFile(path, "utf8")));
    const error: unknown = await ensureSigningKeys(signingKeysFile(path)).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(Error);
    expect(String(error)).not.toContain(key?.d);
    expect(String(error)).not.toContain(key?.d.slice(0, 8));
  });
});

test("a file that can't be read is a fault, not a reason to make new keys", async () => {
  await expect(ensureSigningKeys(signingKeysFile(folder))).rejects.toMatchObject({ code: "EISDIR" });
});

test("an ID token outlives a restart of the provider", async () => {
  const first = await startDevelopmentServer({ signingKeys: signingKeysFile(path) });
  const { issuer } = first.provider;
  const port = Number(new URL(first.publicUrl).port);
  const token = await idTokenByDevice(issuer);
  await first.close();

  const second = await startDevelopmentServer({ signingKeys: signingKeysFile(path), port });
  try {
    const tokens = createIdTokens({
      issuers: [{ issuer, audiences: ["bakehouse-cli"], development: true }],
      clock: { now: Date.now, monotonic: () => performance.now() },
    });
    expect(await tokens.verify(token)).toMatchObject({ ok: true, identity: { subject: "alice" } });
  } finally {
    await second.close();
  }
});

async function idTokenByDevice(issuer: string): Promise<string> {
  const post = async (path: string, form: Record<string, string>): Promise<Record<string, string>> => {
    const body = new URLSearchParams({ client_id: "bakehouse-cli", ...form });
    const response = await fetch(`${issuer}${path}`, { method: "POST", body });
    return (await response.json()) as Record<string, string>;
  };
  const device = await post("/device/auth", { scope: "openid" });
  const browser = createBrowser();
  const input = await browser.get(device["verification_uri_complete"] ?? "");
  const confirm = await browser.submit(input.form());
  const login = await browser.submit(confirm.form());
  await browser.submit(login.form(), { name: "Alice" });
  const grant_type = "urn:ietf:params:oauth:grant-type:device_code";
  const answer = await post("/token", { grant_type, device_code: device["device_code"] ?? "" });
  return answer["id_token"] ?? "";
}
