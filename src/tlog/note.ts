import { decodeBase64, MacaroonError, type Sha256 } from "../macaroon/index.ts";
import { toBytes } from "../macaroon/parts/bytes.ts";
import { encodeBase64 } from "./base64.ts";

/*
 * Signed notes as C2SP signed-note has them: a text that ends in a newline, an empty line, and a line for each signature.
 */

/** Ed25519. */
const SIGNATURE_TYPE = 0x01;
const KEY_BYTES = 32;
const SIGNATURE_BYTES = 64;
const KEY_ID_BYTES = 4;
/** Characters of a note, and signatures on it, beyond which nothing is read. */
const MOST_CHARACTERS = 100_000;
const MOST_SIGNATURES = 100;

/** A key that notes are checked with. */
export interface VerifierKey {
  /** The name of whoever signs; of a log, its origin. */
  readonly name: string;
  /** Ed25519, 32 bytes. */
  readonly publicKey: Uint8Array;
}

/** A note that nobody has checked. */
export interface UnverifiedNote {
  /** The signed text, its last newline included. */
  readonly text: string;
  readonly signatures: readonly NoteSignature[];
}

/** One signature line. */
export interface NoteSignature {
  readonly name: string;
  /** 4 bytes. */
  readonly keyId: Uint8Array;
  readonly signature: Uint8Array;
}

/** Whether a text can name a key: not empty, without spaces, line ends and `+`. */
export function isKeyName(name: string): boolean {
  return name !== "" && !/[\s+\p{Cc}]/u.test(name) && name.isWellFormed();
}

/** The id of an Ed25519 key: the first 4 bytes of SHA-256 over name, newline, type and key. */
function keyIdOf(sha256: Sha256, { name, publicKey }: VerifierKey): Uint8Array {
  const head = toBytes(`${name}\n`);
  const bytes = new Uint8Array(head.length + 1 + publicKey.length);
  bytes.set(head);
  bytes[head.length] = SIGNATURE_TYPE;
  bytes.set(publicKey, head.length + 1);
  return sha256(bytes).subarray(0, KEY_ID_BYTES);
}

/** Writes a key as `NAME+HEX+BASE64`, which tools for transparency logs call a vkey. */
export function printVerifierKey(sha256: Sha256, key: VerifierKey): string {
  const typed = new Uint8Array(1 + key.publicKey.length);
  typed[0] = SIGNATURE_TYPE;
  typed.set(key.publicKey, 1);
  return `${key.name}+${hexOf(keyIdOf(sha256, key))}+${encodeBase64(typed)}`;
}

/** Reads a vkey; undefined for a text that is none, for another kind of key, and for an id that is not the key's. */
export function parseVerifierKey(sha256: Sha256, text: string): VerifierKey | undefined {
  const match = /^([^+]+)\+([0-9a-f]+)\+([A-Za-z0-9+/]+={0,2})$/.exec(text);
  const [, name = "", id, encoded = ""] = match ?? [];
  const typed = bytesOf(encoded);
  if (!isKeyName(name) || typed?.length !== 1 + KEY_BYTES || typed[0] !== SIGNATURE_TYPE) return undefined;
  const key = { name, publicKey: typed.slice(1) };
  return hexOf(keyIdOf(sha256, key)) === id ? key : undefined;
}

/**
 * Writes a signed note.
 *
 * @param text ends in a newline
 * @param signature of the text's bytes, 64 bytes
 */
export function printNote(sha256: Sha256, text: string, key: VerifierKey, signature: Uint8Array): string {
  const signed = new Uint8Array(KEY_ID_BYTES + signature.length);
  signed.set(keyIdOf(sha256, key));
  signed.set(signature, KEY_ID_BYTES);
  return `${text}\n\u2014 ${key.name} ${encodeBase64(signed)}\n`;
}

/** Reads a signed note, and checks nothing; undefined for a text that is none. */
export function parseNote(note: string): UnverifiedNote | undefined {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the specification forbids them in a note.
  if (note.length > MOST_CHARACTERS || !note.isWellFormed() || /[\0-\t\v-\x1f]/.test(note)) return undefined;
  const end = note.lastIndexOf("\n\n");
  if (end < 0 || !note.endsWith("\n")) return undefined;
  const lines = note.slice(end + 2, -1).split("\n");
  if (lines.length > MOST_SIGNATURES) return undefined;
  const signatures: NoteSignature[] = [];
  for (const line of lines) {
    const match = /^\u2014 (\S+) ([A-Za-z0-9+/]+={0,2})$/.exec(line);
    const bytes = bytesOf(match?.[2] ?? "");
    const name = match?.[1] ?? "";
    if (!isKeyName(name) || bytes === undefined || bytes.length <= KEY_ID_BYTES) return undefined;
    signatures.push({ name, keyId: bytes.slice(0, KEY_ID_BYTES), signature: bytes.slice(KEY_ID_BYTES) });
  }
  return { text: note.slice(0, end + 1), signatures };
}

/** The signature that a key made on a note, to be checked; undefined if there is none. */
export function signatureBy(sha256: Sha256, note: UnverifiedNote, key: VerifierKey): Uint8Array | undefined {
  const id = hexOf(keyIdOf(sha256, key));
  const found = note.signatures.find(({ name, keyId }) => name === key.name && hexOf(keyId) === id);
  return found?.signature.length === SIGNATURE_BYTES ? found.signature : undefined;
}

function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function bytesOf(base64: string): Uint8Array | undefined {
  try {
    return decodeBase64(base64);
  } catch (error) {
    if (error instanceof MacaroonError) return undefined;
    throw error;
  }
}
