import { auditEvent } from "../audit.ts";
import type { Randomness } from "../ports/randomness.ts";
import type { Store } from "../ports/store.ts";

const DAY = 86_400_000;

/**
 * Says in the log which range retention is about to drop, before it does: an event that is missing outside such a range was removed.
 * Once for each instant, whichever replica is first.
 *
 * @param before unix milliseconds
 */
export async function announceDrop(
  { store, randomness }: { readonly store: Store; readonly randomness: Randomness },
  before: number,
): Promise<void> {
  // Whole months are dropped, so a day makes no difference, and one event a day is the most.
  const instant = Math.floor(before / DAY) * DAY;
  await store.transaction("announce what retention drops", async ({ auditTrees, audit, now }) => {
    const tree = await auditTrees.hold(true);
    if (tree === undefined || tree === "busy") return;
    if (tree.droppedBefore !== null && tree.droppedBefore >= instant) return;
    const ranges = await auditTrees.placesBefore(instant);
    if (ranges.length > 0) {
      const details = {
        before: new Date(instant).toISOString(),
        // `TREE/FIRST-LAST`, both included.
        ranges: ranges.map(({ tree: of, first, last }) => `${of}/${first}-${last}`),
      };
      const actor = { kind: "service" } as const;
      await audit.append([
        auditEvent(randomness, await now(), { action: "audit.dropped", actor, platform: null, details }),
      ]);
    }
    await auditTrees.noteDropped(tree.number, instant);
  });
}
