import { encodeBase64 } from "../../tlog/base64.ts";
import { parseCheckpoint } from "../../tlog/checkpoint.ts";
import { HASH_BYTES } from "../../tlog/hashing.ts";
import { parseNote } from "../../tlog/note.ts";
import { inclusionRanges, rangesAround } from "../../tlog/proofs.ts";
import { TILE_WIDTH } from "../../tlog/tiles.ts";
import type { AuditFilter, AuditTree, AuditTreeStore } from "../ports/audit.ts";
import { verifierKeyOf } from "./audit-key.ts";
import { createProving, leavesOfTile, type Proving } from "./proving.ts";

/** Tiles whose events are read together. */
const TILES_TOGETHER = 4;

/** Events that a filtered export reads together. */
const EVENTS_TOGETHER = 500;

/** The version of the format. */
const EXPORT_FORMAT = 1;

/** A tree, held to one checkpoint for a whole export. */
interface Pinned {
  readonly tree: AuditTree;
  readonly size: number;
  readonly checkpoint: string;
  readonly proving: Proving;
}

/** The events that an export reads, and the caller that must still be allowed to. */
export interface ExportOptions {
  readonly store: AuditTreeStore;
  readonly publicKey: Uint8Array;
  readonly filter: AuditFilter;
  /** Throws once the caller may not read any more. */
  readonly requireStill: () => void;
}

/**
 * Writes an export: a line of JSON for each thing, without line ends.
 *
 * `checkpoint` lines come first, one for each tree. Without a filter, `tile` lines follow, each with the hashes of up to 256
 * leaves and the proof that they are in the tree, and behind each the events that they are the hashes of. With a filter,
 * `event` lines follow, each with its own proof. An `end` line says how many there were.
 */
export async function* writeExport(options: ExportOptions): AsyncGenerator<string> {
  const { store, publicKey } = options;
  const pinned = (await store.trees()).flatMap((tree): readonly Pinned[] => {
    if (tree.checkpoint === null) return [];
    // One that does not read is handed on as it is: a check of the export shows that.
    const size = sizeOf(tree.checkpoint) ?? tree.size;
    return [{ tree, size, checkpoint: tree.checkpoint, proving: createProving(store, tree.number) }];
  });
  for (const { tree, checkpoint } of pinned) {
    const { number, origin } = tree;
    const key = verifierKeyOf(origin, publicKey);
    yield line({ kind: "checkpoint", format: EXPORT_FORMAT, tree: number, key, checkpoint });
  }
  const isWhole = Object.values(options.filter).every((member) => member === undefined);
  const counted = { events: 0, waiting: 0 };
  if (isWhole) for (const one of pinned) yield* writeTree(options, one, counted);
  else yield* writeFound(options, pinned, counted);
  yield line({ kind: "end", ...counted });
}

async function* writeTree(
  { store, requireStill }: ExportOptions,
  { tree, size, proving }: Pinned,
  counted: { events: number },
): AsyncGenerator<string> {
  const tiles = Math.ceil(size / TILE_WIDTH);
  for (let first = 0; first < tiles; first += TILES_TOGETHER) {
    requireStill();
    const after = Math.min(tiles, first + TILES_TOGETHER);
    const indexes = Array.from({ length: after - first }, (_, at) => first + at);
    await proving.prepare(indexes.map((index) => ({ level: 0, index })));
    const end = leavesOfTile(after - 1, size).to;
    const entries = await store.entries(tree.number, first * TILE_WIDTH, end);
    for (const index of indexes) {
      const leaves = leavesOfTile(index, size);
      const hashes = (await proving.tile({ level: 0, index })) ?? new Uint8Array();
      const wanted = (leaves.to - leaves.from) * HASH_BYTES;
      const proof = await proving.proof(rangesAround(leaves, size));
      yield line({
        kind: "tile",
        tree: tree.number,
        index,
        hashes: encodeBase64(hashes.subarray(0, wanted)),
        proof,
      });
      for (const entry of entries) {
        if (entry.index < leaves.from || entry.index >= leaves.to || entry.leaf === null) continue;
        counted.events += 1;
        yield line({ kind: "event", tree: tree.number, index: entry.index, leaf: entry.leaf });
      }
    }
  }
}

async function* writeFound(
  { store, filter, requireStill }: ExportOptions,
  pinned: readonly Pinned[],
  counted: { events: number; waiting: number },
): AsyncGenerator<string> {
  let after: string | undefined;
  do {
    requireStill();
    const { items, next } = await store.list(filter, { limit: EVENTS_TOGETHER, after, oldestFirst: true });
    const leaves = await store.leaves(items.map(({ id }) => id));
    for (const { id, place } of items) {
      const leaf = leaves.get(id);
      const under = pinned.find(({ tree, size }) => tree.number === place?.tree && place.index < size);
      if (place === undefined || under === undefined || leaf === undefined) {
        counted.waiting += 1;
        continue;
      }
      const { index, tree } = place;
      const proof = await under.proving.proof(inclusionRanges(index, under.size));
      counted.events += 1;
      yield line({ kind: "event", tree, index, leaf, proof });
    }
    after = next;
  } while (after !== undefined);
}

/** The number of leaves that a checkpoint is of; undefined if it is none. */
function sizeOf(checkpoint: string): number | undefined {
  const note = parseNote(checkpoint);
  return note && parseCheckpoint(note.text)?.size;
}

function line(value: object): string {
  return JSON.stringify(value);
}
