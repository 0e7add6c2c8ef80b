import { defaultSha256 } from "../../macaroon/index.ts";
import { toBytes } from "../../macaroon/parts/bytes.ts";
import { type Checkpoint, parseCheckpoint } from "../../tlog/checkpoint.ts";
import { parseNote, parseVerifierKey, signatureBy, type VerifierKey } from "../../tlog/note.ts";

/** A checkpoint whose signature is right, or why it is none. */
export type CheckedCheckpoint =
  | { readonly ok: true; readonly checkpoint: Checkpoint; readonly key: VerifierKey }
  | { readonly ok: false; readonly reason: string };

/**
 * Checks a checkpoint: a signed note, by the key, of the log that the key is named for.
 *
 * @param vkey `NAME+ID+BASE64`
 */
export async function checkCheckpoint(note: string, vkey: string): Promise<CheckedCheckpoint> {
  const key = parseVerifierKey(defaultSha256, vkey);
  if (key === undefined) return { ok: false, reason: "the key is no Ed25519 key of a log" };
  const parsed = parseNote(note);
  const checkpoint = parsed && parseCheckpoint(parsed.text);
  if (parsed === undefined || checkpoint === undefined) return { ok: false, reason: "it is no checkpoint" };
  const signature = signatureBy(defaultSha256, parsed, key);
  if (signature === undefined) return { ok: false, reason: "it is not signed by the key" };
  const isGood = await isSignedBy(key.publicKey, toBytes(parsed.text), signature);
  if (!isGood) return { ok: false, reason: "its signature is wrong" };
  if (checkpoint.origin !== key.name) return { ok: false, reason: "it is of another log than the key" };
  return { ok: true, checkpoint, key };
}

async function isSignedBy(publicKey: Uint8Array, text: Uint8Array, signature: Uint8Array): Promise<boolean> {
  const key = await crypto.subtle.importKey("raw", new Uint8Array(publicKey), "Ed25519", false, ["verify"]);
  return crypto.subtle.verify("Ed25519", key, new Uint8Array(signature), new Uint8Array(text));
}
