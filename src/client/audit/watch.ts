import { constantTimeEqual } from "../../macaroon/index.ts";
import { blocksOf, foldBlocks } from "../../tlog/blocks.ts";
import type { Checkpoint } from "../../tlog/checkpoint.ts";
import { consistencyRanges, isConsistent } from "../../tlog/proofs.ts";
import { blockHash, tileKey, tileOf, tilePath, tileWidth } from "../../tlog/tiles.ts";
import type { AuditLog, AuditTree } from "../audit-log.ts";
import { BakehouseError } from "../error.ts";
import type { CallOptions } from "../transport.ts";
import { hashing } from "./check.ts";
import { checkCheckpoint } from "./checkpoint.ts";

/** The last checkpoint that a watcher saw, to be kept out of everybody else's reach. */
export interface WatchedCheckpoint {
  /** The key of the tree: `NAME+ID+BASE64`. */
  readonly key: string;
  /** A signed note. */
  readonly checkpoint: string;
}

/** The outcome of a look at a log. */
export type WatchOutcome =
  | {
      /** It goes on from the tree that was seen, or none was seen before. */
      readonly ok: true;
      readonly seen: WatchedCheckpoint;
      readonly origin: string;
      readonly size: number;
      /** Whether a tree began since: the database was restored, and the log was fenced. */
      readonly isNewTree: boolean;
    }
  | {
      readonly ok: false;
      /** `rollback`: there is less than was seen. `fork`: there is something else than was seen. */
      readonly kind: "rollback" | "fork" | "key" | "checkpoint";
      readonly detail: string;
    };

/**
 * Looks at a log's newest checkpoint and holds it to the last one that was seen.
 *
 * @param before the last look's outcome; undefined for the first
 * @throws BakehouseError if the service gave no answer: that says nothing about the log
 */
export async function watchOnce(
  log: AuditLog,
  before: WatchedCheckpoint | undefined,
  options: CallOptions = {},
): Promise<WatchOutcome> {
  const trees = await log.trees(options);
  const newest = trees.at(-1);
  if (newest === undefined || newest.checkpoint === null) {
    if (before !== undefined && newest === undefined)
      return wrong("rollback", "the log has no tree any more");
    throw new BakehouseError("unavailable", "no checkpoint has been signed yet");
  }
  const now = await checkCheckpoint(newest.checkpoint, newest.key);
  if (!now.ok) return wrong("checkpoint", `the checkpoint of ${newest.origin}: ${now.reason}`);
  const found = (isNewTree: boolean): WatchOutcome => ({
    ok: true,
    seen: { key: newest.key, checkpoint: newest.checkpoint ?? "" },
    origin: now.checkpoint.origin,
    size: now.checkpoint.size,
    isNewTree,
  });
  if (before === undefined) return found(false);
  const seen = await checkCheckpoint(before.checkpoint, before.key);
  if (!seen.ok) return wrong("checkpoint", `the checkpoint that was kept: ${seen.reason}`);
  if (!constantTimeEqual(seen.key.publicKey, now.key.publicKey)) {
    return wrong("key", "the log is signed by another key than before");
  }
  const tree = trees.find(({ origin }) => origin === seen.checkpoint.origin);
  if (tree === undefined) {
    return wrong(
      "rollback",
      `the tree ${seen.checkpoint.origin} is not there any more: ${seen.checkpoint.size} leaves of it were seen`,
    );
  }
  const fault = await differenceOf(log, tree, seen.checkpoint, options);
  return fault ?? found(tree.origin !== newest.origin);
}

/** Holds a tree to the one that was seen; undefined if it goes on from there. */
async function differenceOf(
  log: AuditLog,
  tree: AuditTree,
  seen: Checkpoint,
  options: CallOptions,
): Promise<WatchOutcome | undefined> {
  if (tree.checkpoint === null)
    return wrong("rollback", `the checkpoint of ${tree.origin} is not there any more`);
  const last = await checkCheckpoint(tree.checkpoint, tree.key);
  if (!last.ok) return wrong("checkpoint", `the checkpoint of ${tree.origin}: ${last.reason}`);
  const { size, root } = last.checkpoint;
  if (size < seen.size) {
    return wrong(
      "rollback",
      `${tree.origin} has ${size} leaves, and ${seen.size} were seen: ${seen.size - size} are lost, or held back`,
    );
  }
  const proof = await consistencyProof(log, tree.number, seen.size, size, options);
  if (proof !== undefined && isConsistent(hashing, seen, { size, root }, proof)) return undefined;
  return wrong(
    "fork",
    `${tree.origin} has ${size} leaves that do not begin with the ${seen.size} that were seen`,
  );
}

/** Makes a consistency proof from a service's tiles; undefined if they do not give one. */
async function consistencyProof(
  log: AuditLog,
  tree: number,
  older: number,
  size: number,
  options: CallOptions,
): Promise<readonly Uint8Array[] | undefined> {
  if (older === 0 || older === size) return [];
  const kept = new Map<string, Uint8Array>();
  const proof: Uint8Array[] = [];
  for (const { from, to } of consistencyRanges(older, size)) {
    const hashes: Uint8Array[] = [];
    for (const block of blocksOf(from, to)) {
      const place = tileOf(block);
      let tile = kept.get(tileKey(place));
      if (tile === undefined) {
        try {
          tile = await log.tile(tilePath(place, tileWidth(place, size)), tree, options);
        } catch (error) {
          if (error instanceof BakehouseError && error.code === "not_found") return undefined;
          throw error;
        }
        kept.set(tileKey(place), tile);
      }
      const hash = blockHash(hashing, tile, block);
      if (hash === undefined) return undefined;
      hashes.push(hash);
    }
    proof.push(foldBlocks(hashing, hashes));
  }
  return proof;
}

function wrong(kind: Extract<WatchOutcome, { readonly ok: false }>["kind"], detail: string): WatchOutcome {
  return { ok: false, kind, detail };
}
