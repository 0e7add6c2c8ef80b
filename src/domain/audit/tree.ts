import { createHash } from "node:crypto";

import { treeHashing } from "../../tlog/hashing.ts";
import { edgeTiles, growTiles } from "../../tlog/tiles.ts";
import { auditEvent } from "../audit.ts";
import type { AuditTree, WaitingLeaf } from "../ports/audit.ts";
import type { Randomness } from "../ports/randomness.ts";
import type { Repositories } from "../ports/store.ts";

/** The tree's hashes, by the platform's own SHA-256. */
export const hashing = treeHashing((bytes) => createHash("sha256").update(bytes).digest());

/** A tree's needs besides the repositories of a transaction. */
export interface BeginOptions {
  readonly randomness: Randomness;
  /** The name of all trees' origins up to the epoch, such as `bakehouse.example/audit`. */
  readonly base: string;
}

/** The origin of a tree: nobody signs two histories of one epoch, so it ends in the epoch. */
function originOf(base: string, epoch: string): string {
  return `${base}/${epoch}`;
}

/** The origins' part that does not change, from a tree that is there. */
export function baseOf({ origin, epoch }: Pick<AuditTree, "origin" | "epoch">): string {
  return origin.slice(0, -epoch.length - 1);
}

/** The same for the first tree. @param publicUrl an origin: `https://bakehouse.example` */
export function firstBase(publicUrl: string): string {
  return `${new URL(publicUrl).host}/v1/audit`;
}

/**
 * Adds leaves to a tree that the transaction holds.
 *
 * @returns the tree as it is then; its checkpoint is the old one
 */
export async function addLeaves(
  { auditTrees }: Pick<Repositories, "auditTrees">,
  tree: AuditTree,
  leaves: readonly WaitingLeaf[],
  passed: { readonly placed: () => Promise<void>; readonly tiled: () => Promise<void> } = QUIET,
): Promise<AuditTree> {
  if (leaves.length === 0) return tree;
  const edge = await auditTrees.tiles(tree.number, edgeTiles(tree.size));
  const { size, root, tiles } = growTiles(
    hashing,
    tree.size,
    edge,
    leaves.map(({ hash }) => hash),
  );
  await auditTrees.place(
    tree.number,
    tree.size,
    leaves.map(({ eventId }) => eventId),
  );
  await passed.placed();
  await auditTrees.putTiles(tree.number, tiles);
  await passed.tiled();
  return { ...tree, size, root };
}

const QUIET = { placed: async () => {}, tiled: async () => {} };

/**
 * Begins the tree of an epoch, in a transaction that holds the tree before it, if there is one. Its first leaf holds the
 * last checkpoint of that one.
 *
 * @returns undefined if somebody else began it
 */
export async function beginTree(
  { randomness, base }: BeginOptions,
  repositories: Repositories,
  before: AuditTree | undefined,
  epoch: string,
  now: number,
): Promise<AuditTree | undefined> {
  const { auditTrees } = repositories;
  const empty: AuditTree = {
    number: (before?.number ?? 0) + 1,
    origin: originOf(base, epoch),
    epoch,
    size: 0,
    root: hashing.empty(),
    checkpoint: null,
    droppedBefore: null,
  };
  if (!(await auditTrees.begin(empty, now))) return undefined;
  const event = auditEvent(randomness, now, {
    action: "audit.tree_begun",
    actor: { kind: "service" },
    platform: null,
    details: {
      origin: empty.origin,
      previous_origin: before?.origin ?? null,
      previous_checkpoint: before?.checkpoint ?? null,
      previous_size: before?.size ?? null,
      previous_root: before === undefined ? null : Buffer.from(before.root).toString("base64"),
    },
  });
  await repositories.audit.append([event]);
  const hash = await auditTrees.waitingLeaf(event.id);
  if (hash === undefined) throw new Error("an event that was just written has no leaf");
  const tree = await addLeaves(repositories, empty, [{ eventId: event.id, hash }]);
  await auditTrees.grow(tree);
  return tree;
}

/**
 * Ends the current tree in the transaction of a fence, and begins that of the new epoch. Nothing if there is no tree yet:
 * the first one then begins in that epoch.
 */
export async function fenceTree(
  randomness: Randomness,
  repositories: Repositories,
  epoch: string,
  now: number,
): Promise<void> {
  const before = await repositories.auditTrees.hold(true);
  if (before === undefined || before === "busy" || before.epoch === epoch) return;
  await beginTree({ randomness, base: baseOf(before) }, repositories, before, epoch, now);
}
