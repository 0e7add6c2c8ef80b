// Checks an export of the audit log with nothing but Node, by RFC 9162 and C2SP alone: node verify-export.mjs FILE [KEY].
import { createHash, createPublicKey, verify } from "node:crypto";
import { readFileSync } from "node:fs";

const [file, knownKey] = process.argv.slice(2);
const sha = (...parts) => createHash("sha256").update(Buffer.concat(parts)).digest();
const leafHash = (text) => sha(Buffer.of(0), Buffer.from(text));
const node = (left, right) => sha(Buffer.of(1), left, right);

function fail(why) {
  process.stderr.write(`${why}\n`);
  process.exit(1);
}

function split(count) {
  let size = 1;
  while (size * 2 < count) size *= 2;
  return size;
}

function rootOf(hashes) {
  if (hashes.length === 1) return hashes[0];
  const at = split(hashes.length);
  return node(rootOf(hashes.slice(0, at)), rootOf(hashes.slice(at)));
}

/** The root from a subtree [from, to) and its proof; `path` is used up from its end, the side of the root. */
function climb(from, to, hash, path, low, high) {
  if (low === from && high === to) return path.length === 0 ? hash : fail(`leaf ${from}: too long a proof`);
  const other = path.at(-1) ?? fail(`leaf ${from}: too short a proof`);
  const middle = low + split(high - low);
  if (from < middle) return node(climb(from, to, hash, path.slice(0, -1), low, middle), other);
  return node(other, climb(from, to, hash, path.slice(0, -1), middle, high));
}

function readCheckpoint({ key, checkpoint }) {
  const [, name, id, encoded] = /^([^+]+)\+([0-9a-f]{8})\+(.+)$/.exec(key);
  if (knownKey && knownKey.replace(/^[^+]+\+\w{8}\+/, "") !== encoded) fail("signed by another key");
  const typed = Buffer.from(encoded, "base64");
  const ownId = sha(Buffer.from(`${name}\n`), typed)
    .toString("hex")
    .slice(0, 8);
  if (ownId !== id) fail("the key's id is wrong");
  const end = checkpoint.lastIndexOf("\n\n");
  const text = checkpoint.slice(0, end + 1);
  const lines = checkpoint.slice(end + 2).split("\n");
  const line = lines.find((one) => one.startsWith(`\u2014 ${name} `)) ?? "";
  const x = typed.subarray(1).toString("base64url");
  const publicKey = createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" });
  const signed = Buffer.from(line.split(" ")[2] ?? "", "base64").subarray(4);
  if (!verify(null, Buffer.from(text), publicKey, signed)) fail("the checkpoint's signature is wrong");
  const [origin, size, root] = text.split("\n");
  if (origin !== name) fail("the checkpoint is of another log");
  return { size: Number(size), root: Buffer.from(root, "base64"), covered: 0 };
}

const trees = new Map();
let [tile, events, missing, ended] = [undefined, 0, 0, false];

function closeTile() {
  if (tile !== undefined) missing += tile.hashes.length - tile.seen.size;
  tile = undefined;
}

for (const text of readFileSync(file, "utf8").split("\n")) {
  if (text === "") continue;
  const line = JSON.parse(text);
  const tree = trees.get(line.tree);
  const proof = (line.proof ?? []).map((hash) => Buffer.from(hash, "base64"));
  if (line.kind === "checkpoint") trees.set(line.tree, readCheckpoint(line));
  else if (line.kind === "tile") {
    closeTile();
    const bytes = Buffer.from(line.hashes, "base64");
    const hashes = [];
    for (let at = 0; at < bytes.length; at += 32) hashes.push(bytes.subarray(at, at + 32));
    const from = line.index * 256;
    const to = from + hashes.length;
    const isCut = from !== tree.covered || to !== Math.min(tree.size, from + 256);
    if (isCut) fail(`tile ${line.index} is cut off`);
    const root = climb(from, to, rootOf(hashes), proof, 0, tree.size);
    if (!root.equals(tree.root)) fail(`tile ${line.index} is wrong`);
    tree.covered = to;
    tile = { from, hashes, seen: new Set() };
  } else if (line.kind === "event") {
    events += 1;
    const hash = leafHash(line.leaf);
    if (line.proof === undefined) {
      if (!tile?.hashes[line.index - tile.from]?.equals(hash)) fail(`event ${line.index} was changed`);
      tile.seen.add(line.index);
    } else if (!climb(line.index, line.index + 1, hash, proof, 0, tree.size).equals(tree.root)) {
      fail(`event ${line.index} was changed`);
    }
  } else if (line.kind === "end") ended = line.events === events || fail("the number of events is wrong");
}
closeTile();
if (!ended) fail("the export is cut off");
for (const [number, { size, covered }] of trees) {
  if (covered > 0 && covered !== size) fail(`the end of tree ${number} is missing`);
}
process.stdout.write(`${JSON.stringify({ events, missing })}\n`);
