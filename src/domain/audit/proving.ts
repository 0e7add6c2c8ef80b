import { encodeBase64 } from "../../tlog/base64.ts";
import { blocksOf, foldBlocks } from "../../tlog/blocks.ts";
import type { LeafRange } from "../../tlog/proofs.ts";
import { blockHash, TILE_WIDTH, type TilePlace, tileKey, tileOf } from "../../tlog/tiles.ts";
import { forgetOldest } from "../parts/forget-oldest.ts";
import type { AuditTreeStore } from "../ports/audit.ts";
import { hashing } from "./tree.ts";

/** Tiles that one export keeps: those of the higher levels are needed again and again. */
const KEPT = 128;

/** Makes proofs from the tiles of one tree. */
export interface Proving {
  /** The first hashes of a tile; undefined if there is none. */
  tile(place: TilePlace): Promise<Uint8Array | undefined>;
  /** Has these tiles read together, so that they need not be read one by one. */
  prepare(places: readonly TilePlace[]): Promise<void>;
  /**
   * The roots of ranges, as base64.
   *
   * @returns no hash at all if a tile that it takes is not as it should be: a check of the proof shows that
   */
  proof(ranges: readonly LeafRange[]): Promise<readonly string[]>;
}

/** Makes the reader of a tree's tiles. @param tree its number */
export function createProving(store: Pick<AuditTreeStore, "tiles">, tree: number): Proving {
  const kept = new Map<string, Uint8Array>();

  async function prepare(places: readonly TilePlace[]): Promise<void> {
    const missing = new Map(
      places.filter((place) => !kept.has(tileKey(place))).map((place) => [tileKey(place), place]),
    );
    if (missing.size === 0) return;
    for (const tile of await store.tiles(tree, [...missing.values()])) kept.set(tileKey(tile), tile.hashes);
  }

  /** Keeps the higher levels, which are few, and of the lowest the tile that was read last. */
  function tidy(): void {
    if (kept.size > KEPT) forgetOldest(kept, KEPT / 2);
  }

  return {
    prepare,
    async tile(place) {
      await prepare([place]);
      return kept.get(tileKey(place));
    },
    async proof(ranges) {
      const blocks = ranges.map(({ from, to }) => blocksOf(from, to));
      await prepare(blocks.flat().map(tileOf));
      const proof: string[] = [];
      for (const parts of blocks) {
        const hashes = parts.map((part) => {
          const tile = kept.get(tileKey(tileOf(part)));
          return tile === undefined ? undefined : blockHash(hashing, tile, part);
        });
        if (hashes.includes(undefined)) return [];
        proof.push(encodeBase64(foldBlocks(hashing, hashes as readonly Uint8Array[])));
      }
      tidy();
      return proof;
    },
  };
}

/** The leaves of a tile of the lowest level. */
export function leavesOfTile(index: number, size: number): LeafRange {
  return { from: index * TILE_WIDTH, to: Math.min(size, (index + 1) * TILE_WIDTH) };
}
