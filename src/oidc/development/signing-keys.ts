import { randomBytes } from "node:crypto";
import { open, readFile, rename } from "node:fs/promises";

import { exportJWK, generateKeyPair } from "jose";

/** The private key that the development identity provider signs with, as a JWK (RFC 7517). Secret. */
export interface SigningKey {
  readonly kty: "EC";
  readonly crv: "P-256";
  readonly alg: "ES256";
  readonly use: "sig";
  readonly kid: string;
  readonly x: string;
  readonly y: string;
  readonly d: string;
}

/**
 * Keeps signing keys, so that ID tokens outlive a restart.
 *
 * `load` resolves to undefined if none were saved yet, and rejects if they can't be read.
 */
export interface SigningKeys {
  load(): Promise<readonly SigningKey[] | undefined>;
  save(keys: readonly SigningKey[]): Promise<void>;
}

/** The keys that were saved, or new ones, saved. */
export async function ensureSigningKeys(store: SigningKeys): Promise<readonly SigningKey[]> {
  const saved = await store.load();
  if (saved !== undefined && saved.length > 0) return saved;
  const made = [await makeSigningKey()];
  await store.save(made);
  return made;
}

async function makeSigningKey(): Promise<SigningKey> {
  const { privateKey } = await generateKeyPair("ES256", { extractable: true });
  const { x = "", y = "", d = "" } = await exportJWK(privateKey);
  const kid = randomBytes(12).toString("base64url");
  return { kty: "EC", crv: "P-256", alg: "ES256", use: "sig", kid, x, y, d };
}

/**
 * Signing keys in a file of mode 0600, as a JWK set.
 *
 * `load` rejects if the file is damaged; its content is in no error.
 */
export function signingKeysFile(path: string): SigningKeys {
  return {
    async load() {
      let text: string;
      try {
        text = await readFile(path, "utf8");
      } catch (error) {
        if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
        throw error;
      }
      return readKeys(path, text);
    },
    async save(keys) {
      // Written aside and renamed, so that a crash leaves the old file or the new one, never half of one.
      const aside = `${path}.${randomBytes(6).toString("hex")}.tmp`;
      const file = await open(aside, "wx", 0o600);
      try {
        await file.writeFile(`${JSON.stringify({ keys })}\n`);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(aside, path);
    },
  };
}

/** The file is damaged. The message names it and the cure, and nothing of its content. */
class SigningKeysError extends Error {
  override readonly name = "SigningKeysError";

  constructor(path: string, finding: string) {
    super(`${path}, with the development identity provider's keys, ${finding}: remove it, and log in anew`);
  }
}

function readKeys(path: string, text: string): readonly SigningKey[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // The parser's own error quotes the text.
    throw new SigningKeysError(path, "is not JSON");
  }
  const keys: unknown =
    typeof value === "object" && value !== null && "keys" in value ? value.keys : undefined;
  if (!Array.isArray(keys) || keys.length === 0 || !keys.every(isSigningKey)) {
    throw new SigningKeysError(path, "is damaged");
  }
  return keys;
}

function isSigningKey(value: unknown): value is SigningKey {
  if (typeof value !== "object" || value === null) return false;
  const key = value as Partial<Record<string, unknown>>;
  const texts = [key["kid"], key["x"], key["y"], key["d"]];
  return (
    key["kty"] === "EC" &&
    key["crv"] === "P-256" &&
    key["alg"] === "ES256" &&
    texts.every((text) => typeof text === "string" && text !== "")
  );
}
