import type { Token } from "../index.ts";

const IV_BYTES = 12;
const LABEL = "bakehouse/mcp state\n";
/** Characters of a sealed text that is looked at: a call waits for a few people, and no more. */
const LONGEST = 16_384;

/**
 * Keeps a secret in a text that a client carries, under a key that follows from the client's token. So every replica of a server
 * can open it and none remembers it; with another token it is nothing, and to readers of logs it says nothing.
 */
export async function seal(token: Token, contents: object): Promise<string> {
  const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES));
  const text = new TextEncoder().encode(JSON.stringify(contents));
  const sealed = await crypto.subtle.encrypt({ name: "AES-GCM", iv }, await keyOf(token), text);
  return toText(new Uint8Array([...iv, ...new Uint8Array(sealed)]));
}

/** @returns undefined for anything that was not sealed for this token */
export async function unseal(token: Token, text: unknown): Promise<unknown> {
  if (typeof text !== "string" || text.length > LONGEST) return undefined;
  try {
    const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
    const iv = bytes.slice(0, IV_BYTES);
    const key = await keyOf(token);
    const opened = await crypto.subtle.decrypt({ name: "AES-GCM", iv }, key, bytes.slice(IV_BYTES));
    return JSON.parse(new TextDecoder().decode(opened));
  } catch {
    return undefined;
  }
}

/** Of the token alone: with discharges or without it is the same holder's. */
async function keyOf(token: Token): Promise<CryptoKey> {
  const text = new TextEncoder().encode(LABEL + token.withoutDischarges().encode());
  const bytes = await crypto.subtle.digest("SHA-256", text);
  return crypto.subtle.importKey("raw", bytes, "AES-GCM", false, ["encrypt", "decrypt"]);
}

function toText(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}
