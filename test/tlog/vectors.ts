import { createHash } from "node:crypto";

import { treeHashing } from "../../src/tlog/hashing.ts";

/** The hashes by Node's own SHA-256. */
export const hashing = treeHashing((bytes) => new Uint8Array(createHash("sha256").update(bytes).digest()));

export const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
export const fromHex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, "hex"));

/** The leaves that implementations of Certificate Transparency are tested with. */
export const LEAVES = [
  "",
  "00",
  "10",
  "2021",
  "3031",
  "40414243",
  "5051525354555657",
  "606162636465666768696a6b6c6d6e6f",
];

/** The roots of the first one, two, … of them. */
export const ROOTS = [
  "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
  "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
  "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
  "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
  "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
  "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
  "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
  "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

const FIRST = "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d";
const SECOND = "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7";
const NEXT_TWO = "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e";
const LAST_FOUR = "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4";
const FIFTH = "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b";
const LAST_TWO = "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0";
const SIX = "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a";

/** Inclusion proofs: index, size, hashes. */
export const INCLUSIONS: readonly (readonly [number, number, readonly string[]])[] = [
  [0, 1, []],
  [0, 8, [SECOND, NEXT_TWO, LAST_FOUR]],
  [5, 8, [FIFTH, LAST_TWO, ROOTS[3] ?? ""]],
  [2, 3, [ROOTS[1] ?? ""]],
  [1, 5, [FIRST, NEXT_TWO, FIFTH]],
];

/** Consistency proofs: the sizes, hashes. */
export const CONSISTENCIES: readonly (readonly [number, number, readonly string[]])[] = [
  [1, 1, []],
  [1, 8, [SECOND, NEXT_TWO, LAST_FOUR]],
  [6, 8, [SIX, LAST_TWO, ROOTS[3] ?? ""]],
  [2, 5, [NEXT_TWO, FIFTH]],
];

/** The root of leaf hashes by the definition (RFC 6962 §2.1): slow, and nothing of the code under test. */
export function slowRoot(leaves: readonly Uint8Array[]): Uint8Array {
  const [first] = leaves;
  if (first === undefined) return hashing.empty();
  if (leaves.length === 1) return first;
  let split = 1;
  while (split * 2 < leaves.length) split *= 2;
  return hashing.node(slowRoot(leaves.slice(0, split)), slowRoot(leaves.slice(split)));
}

/** Leaf hashes that differ. */
export function someLeaves(count: number): readonly Uint8Array[] {
  return Array.from({ length: count }, (_, at) => hashing.leaf(Buffer.from(`leaf ${at}`)));
}
