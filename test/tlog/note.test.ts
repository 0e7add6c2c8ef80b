import { createPublicKey, generateKeyPairSync, sign, verify } from "node:crypto";

import { describe, expect, test } from "vitest";

import { defaultSha256 as sha256 } from "../../src/macaroon/index.ts";
import { parseCheckpoint, printCheckpoint } from "../../src/tlog/checkpoint.ts";
import {
  isKeyName,
  parseNote,
  parseVerifierKey,
  printNote,
  printVerifierKey,
  signatureBy,
} from "../../src/tlog/note.ts";
import { hashing } from "./vectors.ts";

// The example of Go's package golang.org/x/mod/sumdb/note.
const VKEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const TEXT =
  "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
const NOTE = `${TEXT}\n\u2014 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n`;

function isGood(text: string, publicKey: Uint8Array, signature: Uint8Array): boolean {
  const jwk = { kty: "OKP", crv: "Ed25519", x: Buffer.from(publicKey).toString("base64url") };
  return verify(null, Buffer.from(text), createPublicKey({ key: jwk, format: "jwk" }), signature);
}

describe("a note that Go signed", () => {
  const key = parseVerifierKey(sha256, VKEY);
  const note = parseNote(NOTE);

  test("reads, and its signature is right", () => {
    if (key === undefined || note === undefined) throw new Error("it does not read");
    expect(key.name).toBe("PeterNeumann");
    expect(printVerifierKey(sha256, key)).toBe(VKEY);
    expect(note.text).toBe(TEXT);
    const signature = signatureBy(sha256, note, key) ?? new Uint8Array();
    expect(isGood(note.text, key.publicKey, signature)).toBe(true);
    expect(printNote(sha256, TEXT, key, signature)).toBe(NOTE);
  });

  test("has no signature of anybody else", () => {
    if (key === undefined || note === undefined) throw new Error("it does not read");
    expect(signatureBy(sha256, note, { ...key, name: "Peter" })).toBeUndefined();
    expect(signatureBy(sha256, note, { ...key, publicKey: new Uint8Array(32) })).toBeUndefined();
  });
});

test.each([
  ["no signature", `${TEXT}\n`],
  ["no empty line", NOTE.replace("\n\n", "\n")],
  ["no last newline", NOTE.slice(0, -1)],
  ["a hyphen for a dash", NOTE.replace("\u2014", "-")],
  ["a signature that is no base64", NOTE.replace("x08go", "x08g!")],
  ["a signature that is a key id alone", `${TEXT}\n\u2014 PeterNeumann x08gow==\n`],
  ["a control character", NOTE.replace("think", "thi\u0007nk")],
  ["a carriage return", NOTE.replaceAll("\n", "\r\n")],
  ["too many signatures", `${TEXT}\n${`${NOTE.split("\n").at(-2)}\n`.repeat(101)}`],
  ["too much text", `${"a".repeat(100_001)}${NOTE}`],
])("a note with %s is none", (_, note) => {
  expect(parseNote(note)).toBeUndefined();
});

test("the signature of the text's last empty line counts, as in Go", () => {
  const note = parseNote(NOTE.replace("\nthen", "\n\nthen"));
  expect(note?.text).toContain("\n\nthen");
});

test.each([
  ["another id", VKEY.replace("c74f20a3", "c74f20a4")],
  ["another kind of key", VKEY.replace("+ARpc", "+AhpcA")],
  ["a space in its name", VKEY.replace("PeterNeumann", "Peter Neumann")],
  ["no name", VKEY.replace("PeterNeumann", "")],
  ["a short key", "PeterNeumann+c74f20a3+ARpc"],
  ["no key", "PeterNeumann+c74f20a3+"],
])("a key with %s is none", (_, vkey) => {
  expect(parseVerifierKey(sha256, vkey)).toBeUndefined();
});

test("names of keys", () => {
  expect(["a", "bakehouse.example/v1/audit/00ff", "ä"].map(isKeyName)).toEqual([true, true, true]);
  expect(["", "a b", "a+b", "a\nb", "a\u00a0b", "\ud800"].map(isKeyName)).toEqual(Array(6).fill(false));
});

describe("a checkpoint", () => {
  const checkpoint = { origin: "bakehouse.example/v1/audit/00ff", size: 42, root: hashing.empty() };
  const text = printCheckpoint(checkpoint);

  test("is three lines, and reads as it was written", () => {
    expect(text).toBe(`${checkpoint.origin}\n42\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n`);
    expect(parseCheckpoint(text)).toEqual(checkpoint);
    expect(parseCheckpoint(`${text}an extension\n`)).toEqual(checkpoint);
  });

  test.each([
    ["a size with a zero before it", text.replace("\n42", "\n042")],
    ["a size below zero", text.replace("\n42", "\n-1")],
    ["a size that no number holds", text.replace("\n42", "\n9007199254740993")],
    ["a root that is too short", text.replace("47DE", "")],
    ["a root in the other alphabet", text.replace("+/", "-_")],
    ["no origin", text.slice(text.indexOf("\n"))],
    ["no last newline", text.slice(0, -1)],
    ["two lines", text.split("\n").slice(0, 2).join("\n")],
    ["an empty extension", `${text}\n`],
  ])("with %s is none", (_, wrong) => {
    expect(parseCheckpoint(wrong)).toBeUndefined();
  });

  test("is signed and checked", () => {
    const { publicKey, privateKey } = generateKeyPairSync("ed25519");
    const key = {
      name: checkpoint.origin,
      publicKey: new Uint8Array(Buffer.from(publicKey.export({ format: "jwk" }).x ?? "", "base64url")),
    };
    const note = parseNote(printNote(sha256, text, key, sign(null, Buffer.from(text), privateKey)));
    const signature = note && signatureBy(sha256, note, key);
    expect(note?.text).toBe(text);
    expect(signature && isGood(text, key.publicKey, signature)).toBe(true);
  });
});
