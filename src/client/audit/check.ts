import { constantTimeEqual, decodeBase64, defaultSha256 } from "../../macaroon/index.ts";
import { toBytes } from "../../macaroon/parts/bytes.ts";
import { decodeHash, encodeBase64 } from "../../tlog/base64.ts";
import { growingEdge } from "../../tlog/blocks.ts";
import type { Checkpoint } from "../../tlog/checkpoint.ts";
import { HASH_BYTES, treeHashing } from "../../tlog/hashing.ts";
import { rootFromInclusion, rootFromSubtree } from "../../tlog/proofs.ts";
import { TILE_WIDTH } from "../../tlog/tiles.ts";
import { BakehouseError } from "../error.ts";
import { count, list, object, type Reader, readJson, text } from "../read.ts";
import { checkCheckpoint } from "./checkpoint.ts";
import { apart, type Run, runOf } from "./dropped.ts";
import { type AuditFault, type AuditReport, inOrder } from "./report.ts";

/** The hashes of a SHA-256 tree, on every platform. */
export const hashing = treeHashing(defaultSha256);

/** Faults that are told one by one. */
const MOST_FAULTS = 1_000;

const kindOf = object({ kind: text });
const checkpointLine = object({ format: count, tree: count, key: text, checkpoint: text });
const tileLine = object({ tree: count, index: count, hashes: text, proof: list(text) });
const eventLine = object({ tree: count, index: count, leaf: text }, { proof: list(text) });
const endLine = object({ events: count, waiting: count });
const anything: Reader<unknown> = (value) => value;
const leafFacts = object({ id: text, action: text, details: anything });
const droppedDetails = object({ ranges: list(text) });

interface CheckedTree {
  readonly number: number;
  readonly checkpoint: Checkpoint;
  readonly key: string;
  /** Of the whole tree, from the hashes of its leaves, tile by tile. */
  readonly edge: ReturnType<typeof growingEdge>;
  /** Roots of the full tiles. */
  readonly tileRoots: Uint8Array[];
  nextTile: number;
}

/** A check whose inner findings a service's tiles can be held to as well. */
export interface AuditCheck extends AuditReport {
  readonly checked: readonly Readonly<CheckedTree>[];
  /** Tiles whose proof did not lead to the root. */
  readonly unproved: readonly AuditFault[];
}

/**
 * Checks an export by itself, without the service that made it.
 *
 * @param lines the export's lines
 * @param expected keys that are known from elsewhere, as `NAME+ID+BASE64` or the base64 at its end. Without one, the report
 *   says only that the export agrees with itself: compare the key with the one that you wrote down
 * @throws nothing for an export that is wrong, in any way: the report says it
 * @example
 * const report = await checkExport(lines, ["bakehouse.example/…+2b1c0f7e+AQ…"]);
 * if (report.faults.length > 0) console.error(report.faults[0].detail);
 */
export async function checkExport(
  lines: AsyncIterable<string> | Iterable<string>,
  expected: readonly string[] = [],
): Promise<AuditReport> {
  const { checked: _, unproved, ...report } = await examine(lines, expected);
  // A tile that is not there makes the proofs of others wrong as well.
  const bare = unproved.filter(
    ({ tree }) => !report.faults.some((one) => one.kind === "tile" && one.tree === tree),
  );
  return { ...report, faults: inOrder([...report.faults, ...bare]) };
}

/** As {@link checkExport}, with the checkpoint that a service's tiles are held to. */
export async function examine(
  lines: AsyncIterable<string> | Iterable<string>,
  expected: readonly string[],
): Promise<AuditCheck> {
  const faults: AuditFault[] = [];
  const unproved: AuditFault[] = [];
  const trees = new Map<number, CheckedTree>();
  const missing: Run[] = [];
  const announced: Run[] = [];
  let tile: { tree: number; from: number; hashes: Uint8Array; next: number } | undefined;
  let events = 0;
  let end: { readonly events: number; readonly waiting: number } | undefined;
  let hasTiles = false;

  function fault(
    kind: AuditFault["kind"],
    tree: number | undefined,
    index: number | undefined,
    detail: string,
  ) {
    if (faults.length < MOST_FAULTS) faults.push({ kind, tree, index, detail });
  }

  /** Notes the leaves of the open tile for which there was no event, up to before an index. */
  function skipTo(index: number): void {
    if (tile === undefined) return;
    if (index > tile.next) missing.push({ tree: tile.tree, first: tile.next, last: index - 1 });
    tile.next = index + 1;
  }

  function closeTile(): void {
    if (tile !== undefined) skipTo(tile.from + tile.hashes.length / HASH_BYTES);
    tile = undefined;
  }

  async function readCheckpoint(line: unknown): Promise<void> {
    const { tree, key, checkpoint: note, format } = checkpointLine(line, "");
    if (format !== 1)
      fault("export", tree, undefined, `tree ${tree}: the export has a format that is newer than this`);
    if (expected.length > 0 && !expected.some((one) => bareKey(one) === bareKey(key))) {
      fault(
        "checkpoint",
        tree,
        undefined,
        `checkpoint of tree ${tree}: it is signed by another key than the one that is known`,
      );
      return;
    }
    const checked = await checkCheckpoint(note, key);
    if (!checked.ok) {
      fault("checkpoint", tree, undefined, `checkpoint of tree ${tree}: ${checked.reason}`);
      return;
    }
    if (trees.has(tree)) fault("export", tree, undefined, `checkpoint of tree ${tree}: it comes twice`);
    const { checkpoint } = checked;
    const edge = growingEdge(hashing);
    trees.set(tree, {
      number: tree,
      checkpoint,
      key,
      edge,
      tileRoots: [],
      nextTile: 0,
    });
  }

  function readTile(line: unknown): void {
    closeTile();
    hasTiles = true;
    const { tree: number, index, hashes: encoded, proof } = tileLine(line, "");
    const tree = trees.get(number);
    if (tree === undefined) return;
    const { size, root } = tree.checkpoint;
    const place = `tile ${index} of tree ${number}`;
    while (tree.nextTile < index && tree.nextTile * TILE_WIDTH < size) {
      const from = tree.nextTile * TILE_WIDTH;
      fault(
        "tile",
        number,
        from,
        `tile ${tree.nextTile} of tree ${number} is missing: leaves ${from} and on`,
      );
      tree.nextTile += 1;
    }
    const from = index * TILE_WIDTH;
    const to = Math.min(size, from + TILE_WIDTH);
    if (index < tree.nextTile || from >= size) {
      fault("export", number, from, `${place} does not belong here`);
      return;
    }
    tree.nextTile = index + 1;
    const hashes = bytesOf(encoded);
    if (hashes?.length !== (to - from) * HASH_BYTES) {
      fault(
        "tile",
        number,
        from,
        `${place} has not as many hashes as the checkpoint has leaves: ${from} to ${to - 1}`,
      );
      return;
    }
    tile = { tree: number, from, hashes, next: from };
    const inner = growingEdge(hashing);
    for (let at = 0; at < hashes.length; at += HASH_BYTES) inner.push(hashes.subarray(at, at + HASH_BYTES));
    const hash = inner.root();
    if (to - from === TILE_WIDTH) {
      tree.tileRoots.push(hash);
      tree.edge.push(hash, 8);
    } else {
      for (let at = 0; at < hashes.length; at += HASH_BYTES)
        tree.edge.push(hashes.slice(at, at + HASH_BYTES));
    }
    const path = proof.map(decodeHash);
    const reached = path.includes(undefined)
      ? undefined
      : rootFromSubtree(hashing, { from, to, size, hash }, path as readonly Uint8Array[]);
    if (reached === undefined || !constantTimeEqual(reached, root)) {
      const detail = `${place} does not lead to the checkpoint: leaves ${from} to ${to - 1}`;
      unproved.push({ kind: "tile", tree: number, index: from, detail });
    }
  }

  function readEvent(line: unknown): void {
    const { tree: number, index, leaf, proof } = eventLine(line, "");
    events += 1;
    const tree = trees.get(number);
    if (tree === undefined) return;
    const hash = hashing.leaf(toBytes(leaf));
    const named = () => {
      const id = factsOf(leaf)?.id;
      return `event ${index} of tree ${number}${id === undefined ? "" : ` (${id})`}`;
    };
    if (!isIn(tree, index, hash, proof, named)) return;
    // Read only if it can be one: there are millions of others.
    const facts = leaf.includes("audit.dropped") ? factsOf(leaf) : undefined;
    if (facts?.action !== "audit.dropped") return;
    announced.push(...droppedDetails(facts.details, "details").ranges.flatMap(runOf));
  }

  function isIn(
    { number, checkpoint }: CheckedTree,
    index: number,
    hash: Uint8Array,
    proof: readonly string[] | undefined,
    named: () => string,
  ): boolean {
    if (proof !== undefined) {
      const path = proof.map(decodeHash);
      const reached = path.includes(undefined)
        ? undefined
        : rootFromInclusion(
            hashing,
            { index, size: checkpoint.size, leaf: hash },
            path as readonly Uint8Array[],
          );
      if (reached !== undefined && constantTimeEqual(reached, checkpoint.root)) return true;
      fault(
        "changed",
        number,
        index,
        `${named()} is not in the tree as it stands here: it, or its proof, was changed`,
      );
      return false;
    }
    if (tile?.tree !== number || index < tile.from || index >= tile.from + tile.hashes.length / HASH_BYTES) {
      fault("export", number, index, `${named()} stands at another place than its own`);
      return false;
    }
    if (index < tile.next) {
      fault("export", number, index, `${named()} comes twice, or behind a later one`);
      return false;
    }
    skipTo(index);
    const at = (index - tile.from) * HASH_BYTES;
    if (constantTimeEqual(hash, tile.hashes.subarray(at, at + HASH_BYTES))) return true;
    const own = ownPlace(tile.hashes, hash);
    const instead =
      own === undefined ? "it was changed" : `it is event ${tile.from + own}, in another's place`;
    fault("changed", number, index, `${named()} is not what was recorded: ${instead}`);
    return false;
  }

  for await (const line of lines) {
    if (line === "") continue;
    try {
      if (end !== undefined) {
        fault("export", undefined, undefined, "there are lines behind the end of the export");
        break;
      }
      const value = readJson(line, anything);
      const { kind } = kindOf(value, "");
      if (kind === "checkpoint") await readCheckpoint(value);
      else if (kind === "tile") readTile(value);
      else if (kind === "event") readEvent(value);
      else if (kind === "end") end = endLine(value, "");
    } catch (error) {
      if (!(error instanceof BakehouseError) || error.code !== "bad_answer") throw error;
      fault("export", undefined, undefined, `a line behind event ${events} is not one of an export`);
    }
  }
  closeTile();
  if (end === undefined) fault("export", undefined, undefined, "the export is cut off: its end is missing");
  else if (end.events !== events) {
    fault(
      "export",
      undefined,
      undefined,
      `the export has ${events} events and says that it has ${end.events}`,
    );
  }
  if (trees.size === 0) fault("export", undefined, undefined, "the export holds no good checkpoint");
  const checked = [...trees.values()];
  if (hasTiles) for (const tree of checked) checkEnd(tree, fault);
  let dropped = 0;
  for (const { gone, wrong } of missing.map((run) => apart(run, announced))) {
    dropped += gone;
    for (const { tree, first, last } of wrong) {
      const which = first === last ? `event ${first}` : `events ${first} to ${last}`;
      fault(
        "removed",
        tree,
        first,
        `${which} of tree ${tree} removed: retention never said that it would drop them`,
      );
    }
  }
  return {
    faults: inOrder(faults),
    unproved,
    events,
    waiting: end?.waiting ?? 0,
    dropped,
    isWhole: hasTiles,
    trees: checked.map(({ number, checkpoint, key }) => ({ number, checkpoint, key })),
    checked,
  };
}

/** The events that are missing at a tree's end. */
function checkEnd(
  { number, nextTile, checkpoint }: CheckedTree,
  fault: (kind: "tile", tree: number, index: number, detail: string) => void,
): void {
  const from = nextTile * TILE_WIDTH;
  if (from >= checkpoint.size) return;
  fault(
    "tile",
    number,
    from,
    `the end of tree ${number} is missing: leaves ${from} to ${checkpoint.size - 1}`,
  );
}

/** The key alone, without the name of a tree, which is another for each. Base64 may have a `+` in it. */
function bareKey(vkey: string): string {
  return /^[^+]+\+[0-9a-f]+\+(.+)$/.exec(vkey)?.[1] ?? vkey;
}

function factsOf(
  leaf: string,
): { readonly id: string; readonly action: string; readonly details: unknown } | undefined {
  try {
    return readJson(leaf, leafFacts);
  } catch (error) {
    if (error instanceof BakehouseError) return undefined;
    throw error;
  }
}

/** The place of a hash in a tile; undefined if it is not there. */
function ownPlace(hashes: Uint8Array, hash: Uint8Array): number | undefined {
  for (let at = 0; at < hashes.length; at += HASH_BYTES) {
    if (constantTimeEqual(hashes.subarray(at, at + HASH_BYTES), hash)) return at / HASH_BYTES;
  }
  return undefined;
}

function bytesOf(base64: string): Uint8Array | undefined {
  try {
    const bytes = decodeBase64(base64);
    return encodeBase64(bytes) === base64 ? bytes : undefined;
  } catch {
    return undefined;
  }
}
