import type { Block } from "./blocks.ts";
import { HASH_BYTES, type TreeHashing } from "./hashing.ts";

/*
 * Tiles as C2SP tlog-tiles has them: a tile of level L holds 256 hashes of subtrees of 256^L leaves each, and fewer at the
 * tree's right edge.
 */

/** Hashes of a full tile. */
export const TILE_WIDTH = 256;

/** Levels of the tree between two levels of tiles. */
const TILE_HEIGHT = 8;

/** The place of a tile. */
export interface TilePlace {
  readonly level: number;
  readonly index: number;
}

/** The number of hashes that a tile holds in a tree of that size; 0 if it is not there. */
export function tileWidth({ level, index }: TilePlace, size: number): number {
  const hashes = Math.floor(size / TILE_WIDTH ** level) - index * TILE_WIDTH;
  return Math.max(0, Math.min(TILE_WIDTH, hashes));
}

/** The tile that holds what a subtree's hash is made from. */
export function tileOf({ level, index }: Block): TilePlace {
  const within = 2 ** (level % TILE_HEIGHT);
  return { level: Math.floor(level / TILE_HEIGHT), index: Math.floor((index * within) / TILE_WIDTH) };
}

/** A text for a place, to look tiles up by. */
export function tileKey({ level, index }: TilePlace): string {
  return `${level}/${index}`;
}

/**
 * The hash of a subtree, from its tile.
 *
 * @param tile the hashes of {@link tileOf}, end to end
 * @returns undefined if the tile is too short to hold it
 */
export function blockHash(hashing: TreeHashing, tile: Uint8Array, block: Block): Uint8Array | undefined {
  const width = 2 ** (block.level % TILE_HEIGHT);
  const start = (block.index * width) % TILE_WIDTH;
  if ((start + width) * HASH_BYTES > tile.length) return undefined;
  const hashes: Uint8Array[] = [];
  for (let at = start; at < start + width; at++) {
    hashes.push(tile.subarray(at * HASH_BYTES, (at + 1) * HASH_BYTES));
  }
  return rootOfWhole(hashing, hashes);
}

/** The root of a whole subtree. @param hashes as many as a power of two */
function rootOfWhole(hashing: TreeHashing, hashes: readonly Uint8Array[]): Uint8Array {
  let row = hashes;
  while (row.length > 1) {
    const above: Uint8Array[] = [];
    for (let at = 0; at + 1 < row.length; at += 2) {
      above.push(hashing.node(row[at] as Uint8Array, row[at + 1] as Uint8Array));
    }
    row = above;
  }
  return row[0] as Uint8Array;
}

/** The path of a tile below the log's prefix, such as `tile/0/x001/x234/067` or, of a partial one, `tile/1/000.p/8`. */
export function tilePath({ level, index }: TilePlace, width: number): string {
  const parts = [];
  for (let rest = index, isLast = true; isLast || rest > 0; rest = Math.floor(rest / 1000), isLast = false) {
    parts.unshift(`${isLast ? "" : "x"}${String(rest % 1000).padStart(3, "0")}`);
  }
  return `tile/${level}/${parts.join("/")}${width === TILE_WIDTH ? "" : `.p/${width}`}`;
}

const PATH = /^tile\/(0|[1-9][0-9]?)\/((?:x[0-9]{3}\/)*[0-9]{3})(?:\.p\/([1-9][0-9]{0,2}))?$/;

/** Reads a path as {@link tilePath} writes it, in that one way alone; undefined for any other text. */
export function parseTilePath(path: string): (TilePlace & { readonly width: number }) | undefined {
  const match = PATH.exec(path);
  if (match === null) return undefined;
  const [, level, parts = "", partial] = match;
  const place = { level: Number(level), index: Number(parts.replaceAll(/[x/]/g, "")) };
  const width = partial === undefined ? TILE_WIDTH : Number(partial);
  if (!Number.isSafeInteger(place.index) || tilePath(place, width) !== path) return undefined;
  return { ...place, width };
}

/** A tile with its hashes, end to end. */
export interface Tile extends TilePlace {
  readonly hashes: Uint8Array;
}

/** What a tree gains by more leaves. */
export interface Growth {
  readonly size: number;
  readonly root: Uint8Array;
  /** The tiles that are new or have got longer, whole. */
  readonly tiles: readonly Tile[];
}

/** The tiles at the right edge of a tree, which is all that growing it takes: the partial one of each level. */
export function edgeTiles(size: number): readonly TilePlace[] {
  const places: TilePlace[] = [];
  for (let level = 0, count = size; count > 0; level++, count = Math.floor(count / TILE_WIDTH)) {
    if (count % TILE_WIDTH > 0) places.push({ level, index: Math.floor(count / TILE_WIDTH) });
  }
  return places;
}

/**
 * Adds leaves to a tree.
 *
 * @param edge the tiles of {@link edgeTiles}
 * @param leaves the hashes of the new leaves
 * @throws RangeError if the edge is not that of a tree of this size
 */
export function growTiles(
  hashing: TreeHashing,
  size: number,
  edge: readonly Tile[],
  leaves: readonly Uint8Array[],
): Growth {
  const open = new Map<number, { readonly index: number; readonly hashes: Uint8Array[] }>();
  for (const place of edgeTiles(size)) {
    const tile = edge.find(({ level, index }) => level === place.level && index === place.index);
    const width = tileWidth(place, size);
    if (tile === undefined || tile.hashes.length < width * HASH_BYTES) {
      throw new RangeError(`tile ${tileKey(place)} is shorter than a tree of ${size} leaves has it`);
    }
    const hashes = Array.from({ length: width }, (_, at) =>
      tile.hashes.subarray(at * HASH_BYTES, (at + 1) * HASH_BYTES),
    );
    open.set(place.level, { index: place.index, hashes });
  }
  const full: Tile[] = [];
  const touched = new Set<number>();

  function push(level: number, hash: Uint8Array): void {
    const tile = open.get(level) ?? { index: indexAt(level), hashes: [] };
    open.set(level, tile);
    touched.add(level);
    tile.hashes.push(hash);
    if (tile.hashes.length < TILE_WIDTH) return;
    full.push({ level, index: tile.index, hashes: join(tile.hashes) });
    open.set(level, { index: tile.index + 1, hashes: [] });
    push(level + 1, rootOfWhole(hashing, tile.hashes));
  }
  const indexAt = (level: number) => Math.floor(size / TILE_WIDTH ** (level + 1));

  for (const leaf of leaves) push(0, leaf);
  const partial = [...open].flatMap(([level, { index, hashes }]) =>
    touched.has(level) && hashes.length > 0 ? [{ level, index, hashes: join(hashes) }] : [],
  );
  return { size: size + leaves.length, root: rootOfEdge(hashing, open), tiles: [...full, ...partial] };
}

/** The root of a tree from the partial tiles at its edge. */
function rootOfEdge(
  hashing: TreeHashing,
  open: ReadonlyMap<number, { readonly hashes: readonly Uint8Array[] }>,
): Uint8Array {
  let root: Uint8Array | undefined;
  for (const level of [...open.keys()].sort((a, b) => a - b)) {
    const hashes = open.get(level)?.hashes ?? [];
    let end = hashes.length;
    for (let width = 1; width <= end; width *= 2) {
      // The bits of the width, from the smallest subtree on the right to the largest on the left.
      if (Math.floor(hashes.length / width) % 2 === 0) continue;
      const whole = rootOfWhole(hashing, hashes.slice(end - width, end));
      root = root === undefined ? whole : hashing.node(whole, root);
      end -= width;
    }
  }
  return root ?? hashing.empty();
}

function join(hashes: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(hashes.length * HASH_BYTES);
  for (const [at, hash] of hashes.entries()) bytes.set(hash, at * HASH_BYTES);
  return bytes;
}
