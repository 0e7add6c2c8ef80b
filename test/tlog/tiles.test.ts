import fc from "fast-check";
import { expect, test } from "vitest";

import { blocksOf } from "../../src/tlog/blocks.ts";
import {
  blockHash,
  edgeTiles,
  growTiles,
  parseTilePath,
  type Tile,
  tileKey,
  tileOf,
  tilePath,
  tileWidth,
} from "../../src/tlog/tiles.ts";
import { hashing, hex, slowRoot, someLeaves } from "./vectors.ts";

test.each([
  [{ level: 0, index: 0 }, 256, "tile/0/000"],
  [{ level: 0, index: 1_234_067 }, 256, "tile/0/x001/x234/067"],
  [{ level: 1, index: 1_000 }, 8, "tile/1/x001/000.p/8"],
  [{ level: 63, index: 7 }, 255, "tile/63/007.p/255"],
])("the path of tile %o, %i wide", (place, width, path) => {
  expect(tilePath(place, width)).toBe(path);
  expect(parseTilePath(path)).toEqual({ ...place, width });
});

test.each([
  "tile/0/0",
  "tile/0/00",
  "tile/0/0000",
  "tile/00/000",
  "tile/0/x000/001",
  "tile/0/001/001",
  "tile/0/000.p/0",
  "tile/0/000.p/256",
  "tile/0/000.p/08",
  "tile/0/000.p/",
  "tile/entries/000",
  "tile/-1/000",
  "tile/0/000/",
  `tile/0/${"x999/".repeat(9)}999`,
])("%s is no path of a tile", (path) => {
  expect(parseTilePath(path)).toBeUndefined();
});

/** A tree in memory, as a store has it. */
function grown(steps: readonly number[]) {
  const all = someLeaves(steps.reduce((sum, step) => sum + step, 0));
  const tiles = new Map<string, Tile>();
  let size = 0;
  let root = hashing.empty();
  for (const step of steps) {
    const edge = edgeTiles(size).flatMap((place) => tiles.get(tileKey(place)) ?? []);
    const growth = growTiles(hashing, size, edge, all.slice(size, size + step));
    for (const tile of growth.tiles) tiles.set(tileKey(tile), tile);
    size = growth.size;
    root = growth.root;
  }
  return { all, tiles, size, root };
}

test("a tree is the same in however many steps it grew", () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 700 }), { minLength: 1, maxLength: 6 }), (steps) => {
      const { all, tiles, size, root } = grown(steps);
      expect(hex(root)).toBe(hex(slowRoot(all)));
      for (const tile of tiles.values()) expect(tile.hashes.length).toBe(32 * tileWidth(tile, size));
      for (const block of blocksOf(0, size)) {
        const tile = tiles.get(tileKey(tileOf(block)));
        const from = block.index * 2 ** block.level;
        const hash = tile && blockHash(hashing, tile.hashes, block);
        expect(hash && hex(hash)).toBe(hex(slowRoot(all.slice(from, from + 2 ** block.level))));
      }
    }),
    { numRuns: 10 },
  );
});

test("three levels of tiles, and each subtree is in its tile", () => {
  const { all, tiles, size, root } = grown([65_536, 1, 300]);
  expect([...new Set([...tiles.values()].map(({ level }) => level))].sort()).toEqual([0, 1, 2]);
  expect(hex(root)).toBe(hex(slowRoot(all)));
  for (const block of [
    { level: 16, index: 0 },
    { level: 12, index: 3 },
    { level: 8, index: 256 },
    { level: 3, index: 8_200 },
  ]) {
    const tile = tiles.get(tileKey(tileOf(block)));
    const from = block.index * 2 ** block.level;
    const hash = tile && blockHash(hashing, tile.hashes, block);
    expect(hash && hex(hash)).toBe(hex(slowRoot(all.slice(from, from + 2 ** block.level))));
  }
  expect(tileWidth({ level: 2, index: 0 }, size)).toBe(1);
});

test("a subtree is not made from a tile that is too short", () => {
  expect(blockHash(hashing, new Uint8Array(32 * 3), { level: 2, index: 0 })).toBeUndefined();
});

test("a tree does not grow on an edge that is not its own", () => {
  expect(() => growTiles(hashing, 5, [], someLeaves(1))).toThrow(
    "tile 0/0 is shorter than a tree of 5 leaves has it",
  );
  const short = { level: 0, index: 0, hashes: new Uint8Array(32 * 4) };
  expect(() => growTiles(hashing, 5, [short], someLeaves(1))).toThrow(RangeError);
});
