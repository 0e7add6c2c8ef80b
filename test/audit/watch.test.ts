import { generateKeyPairSync, sign } from "node:crypto";

import { describe, expect, test } from "vitest";

import type { AuditLog } from "../../src/client/audit-log.ts";
import { BakehouseError, type WatchedCheckpoint, watchOnce } from "../../src/client/index.ts";
import { defaultSha256 as sha256 } from "../../src/macaroon/index.ts";
import { printCheckpoint } from "../../src/tlog/checkpoint.ts";
import { printNote, printVerifierKey } from "../../src/tlog/note.ts";
import { growTiles, parseTilePath, type Tile, tileKey } from "../../src/tlog/tiles.ts";
import { hashing } from "../tlog/vectors.ts";

function newKey() {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const bytes = new Uint8Array(Buffer.from(publicKey.export({ format: "jwk" }).x ?? "", "base64url"));
  return { bytes, sign: (text: string) => new Uint8Array(sign(null, Buffer.from(text), privateKey)) };
}

type Key = ReturnType<typeof newKey>;

/** A tree of made-up leaves. @param from leaves before this are those of every such tree, the others its own */
function treeOf(key: Key, origin: string, size: number, own = size) {
  const leaves = Array.from({ length: size }, (_, at) =>
    hashing.leaf(Buffer.from(at < own ? `leaf ${at}` : `other leaf ${at}`)),
  );
  const { root, tiles } = growTiles(hashing, 0, [], leaves);
  const named = { name: origin, publicKey: key.bytes };
  const text = printCheckpoint({ origin, size, root });
  return {
    origin,
    key: printVerifierKey(sha256, named),
    checkpoint: printNote(sha256, text, named, key.sign(text)),
    tiles: new Map(tiles.map((tile) => [tileKey(tile), tile])) as ReadonlyMap<string, Tile>,
  };
}

type Tree = ReturnType<typeof treeOf>;

/** A service's log, as far as a watcher asks for it. */
function logOf(...trees: readonly Tree[]): AuditLog {
  return {
    trees: async () =>
      trees.map(({ origin, key, checkpoint }, at) => ({ number: at + 1, origin, key, checkpoint })),
    tile: async (path: string, tree = trees.length) => {
      const place = parseTilePath(path);
      const hashes = place && trees[tree - 1]?.tiles.get(tileKey(place))?.hashes;
      if (place === undefined || hashes === undefined || hashes.length < 32 * place.width) {
        throw new BakehouseError("not_found", "no such tile");
      }
      return hashes.slice(0, 32 * place.width);
    },
  } as unknown as AuditLog;
}

const seenOf = ({ key, checkpoint }: Tree): WatchedCheckpoint => ({ key, checkpoint });

describe("a watcher", () => {
  const key = newKey();
  const tree = (size: number, own?: number) => treeOf(key, "log.example/1", size, own);

  test.each([
    [1, 2],
    [255, 256],
    [256, 700],
    [300, 66_000],
    [5, 5],
  ])("goes on from %i leaves to %i", async (older, newer) => {
    expect(await watchOnce(logOf(tree(newer)), seenOf(tree(older)))).toMatchObject({
      ok: true,
      size: newer,
      isNewTree: false,
    });
  });

  test("begins with what it finds", async () => {
    expect(await watchOnce(logOf(tree(3)), undefined)).toMatchObject({
      ok: true,
      size: 3,
      seen: seenOf(tree(3)),
    });
  });

  test("shouts where there is less than it has seen, as after a restored backup", async () => {
    expect(await watchOnce(logOf(tree(290)), seenOf(tree(300)))).toEqual({
      ok: false,
      kind: "rollback",
      detail: "log.example/1 has 290 leaves, and 300 were seen: 10 are lost, or held back",
    });
  });

  test.each([
    [300, 300],
    [300, 700],
    [257, 258],
  ])("shouts where the %i leaves that it has seen are others, among %i", async (older, newer) => {
    expect(await watchOnce(logOf(tree(newer, 200)), seenOf(tree(older)))).toMatchObject({
      ok: false,
      kind: "fork",
    });
    // One leaf that was changed long ago.
    expect(await watchOnce(logOf(tree(newer, older - 1)), seenOf(tree(older)))).toMatchObject({
      ok: false,
      kind: "fork",
    });
  });

  test("shouts where tiles do not show that the log goes on", async () => {
    const now = tree(700);
    const log = logOf({ ...now, tiles: new Map() });
    expect(await watchOnce(log, seenOf(tree(300)))).toMatchObject({ ok: false, kind: "fork" });
  });

  test("shouts at another key", async () => {
    const other = treeOf(newKey(), "log.example/1", 700);
    expect(await watchOnce(logOf(other), seenOf(tree(300)))).toMatchObject({ ok: false, kind: "key" });
  });

  test("shouts at a checkpoint that nobody signed", async () => {
    const now = tree(700);
    const log = logOf({ ...now, checkpoint: now.checkpoint.replace("\n700\n", "\n701\n") });
    expect(await watchOnce(log, seenOf(tree(300)))).toMatchObject({ ok: false, kind: "checkpoint" });
    expect(await watchOnce(log, undefined)).toMatchObject({ ok: false, kind: "checkpoint" });
  });

  test("follows to the next tree, whose predecessor still goes on from what it has seen", async () => {
    const next = treeOf(key, "log.example/2", 4);
    const moved = await watchOnce(logOf(tree(310), next), seenOf(tree(300)));
    expect(moved).toMatchObject({ ok: true, origin: "log.example/2", size: 4, isNewTree: true });
  });

  test("shouts where the tree before the fence is shorter than it has seen, or not there", async () => {
    const next = treeOf(key, "log.example/2", 4);
    expect(await watchOnce(logOf(tree(290), next), seenOf(tree(300)))).toMatchObject({
      ok: false,
      kind: "rollback",
    });
    expect(await watchOnce(logOf(next), seenOf(tree(300)))).toMatchObject({ ok: false, kind: "rollback" });
    expect(await watchOnce(logOf(tree(310, 100), next), seenOf(tree(300)))).toMatchObject({
      ok: false,
      kind: "fork",
    });
  });

  test("says nothing of a log that has no checkpoint yet", async () => {
    await expect(watchOnce(logOf(), undefined)).rejects.toMatchObject({ code: "unavailable" });
    expect(await watchOnce(logOf(), seenOf(tree(3)))).toMatchObject({ ok: false, kind: "rollback" });
  });
});
