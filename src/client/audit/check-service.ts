import { constantTimeEqual } from "../../macaroon/index.ts";
import { growingEdge } from "../../tlog/blocks.ts";
import { HASH_BYTES } from "../../tlog/hashing.ts";
import { TILE_WIDTH, tilePath, tileWidth } from "../../tlog/tiles.ts";
import type { AuditLog } from "../audit-log.ts";
import { BakehouseError } from "../error.ts";
import type { CallOptions } from "../transport.ts";
import { type AuditCheck, examine, hashing } from "./check.ts";
import { type AuditFault, type AuditReport, inOrder } from "./report.ts";

/**
 * Checks a service's audit log against its checkpoints: every event that the caller may see, and for an administrator that
 * none is missing and that every tile is as the leaves make it.
 *
 * @param expected keys that are known from elsewhere. @see checkExport
 */
export async function checkService(
  log: AuditLog,
  expected: readonly string[] = [],
  options: CallOptions = {},
): Promise<AuditReport> {
  const check = await examine(log.export({}, options), expected);
  const { checked: _, unproved: __, ...report } = check;
  const faults = [...check.faults];
  for (const tree of check.checked) {
    if (!check.isWhole) break;
    const isBroken = check.faults.some(({ kind, tree: number }) => kind === "tile" && number === tree.number);
    const unproved = isBroken ? [] : check.unproved.filter(({ tree: number }) => number === tree.number);
    const isSound =
      tree.edge.size() === tree.checkpoint.size && constantTimeEqual(tree.edge.root(), tree.checkpoint.root);
    const found = await wrongTiles(log, tree, options);
    if (isSound) faults.push(...found.map(({ upper }) => upper));
    // The leaves' own hashes do not lead to the root: the hashes above them show which tile is at fault.
    else if (found.length > 0) faults.push(...found.map(({ lower }) => lower));
    else if (unproved.length > 0) faults.push(...unproved);
    if (isSound && found.length === 0) faults.push(...unproved);
    if (!isSound && found.length === 0 && unproved.length === 0 && faults.length === 0) {
      const detail = `checkpoint of tree ${tree.number}: the leaves do not lead to it`;
      faults.push({ kind: "checkpoint", tree: tree.number, index: undefined, detail });
    }
  }
  return { ...report, faults: inOrder(faults) };
}

/** A tile above the lowest level that has not the hash that the tile below it makes: one of the two is wrong. */
interface Difference {
  readonly lower: AuditFault;
  readonly upper: AuditFault;
}

async function wrongTiles(
  log: AuditLog,
  { number, checkpoint, tileRoots }: AuditCheck["checked"][number],
  options: CallOptions,
): Promise<readonly Difference[]> {
  const differences: Difference[] = [];
  const say = (level: number, index: number, first: number, what: string): AuditFault => ({
    kind: "tile",
    tree: number,
    index: first,
    detail: `tile ${level}/${index} of tree ${number} ${what}: it is about the leaves from ${first} on`,
  });
  let row: readonly Uint8Array[] = tileRoots;
  for (let level = 1; row.length > 0; level++) {
    const above: Uint8Array[] = [];
    const span = TILE_WIDTH ** level;
    for (let index = 0; index * TILE_WIDTH < row.length; index++) {
      const first = index * TILE_WIDTH;
      const expected = row.slice(first, first + TILE_WIDTH);
      const width = tileWidth({ level, index }, checkpoint.size);
      const hashes = await tileOf(log, number, tilePath({ level, index }, width), options);
      if (hashes?.length !== width * HASH_BYTES) {
        const upper = say(level, index, first * span, "is missing, or cut off");
        differences.push({ lower: upper, upper });
      } else {
        for (const [at, hash] of expected.entries()) {
          if (constantTimeEqual(hash, hashes.subarray(at * HASH_BYTES, (at + 1) * HASH_BYTES))) continue;
          const leaves = (first + at) * span;
          differences.push({
            lower: say(level - 1, first + at, leaves, "was changed"),
            upper: say(level, index, leaves, "was changed"),
          });
        }
      }
      if (expected.length < TILE_WIDTH) continue;
      const edge = growingEdge(hashing);
      for (const hash of expected) edge.push(hash);
      above.push(edge.root());
    }
    row = above;
  }
  return differences;
}

/** A tile; undefined for one that is not there. */
async function tileOf(log: AuditLog, tree: number, path: string, options: CallOptions) {
  try {
    return await log.tile(path, tree, options);
  } catch (error) {
    if (error instanceof BakehouseError && error.code === "not_found") return undefined;
    throw error;
  }
}
