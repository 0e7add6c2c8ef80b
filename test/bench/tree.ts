import { besideBefore } from "./beside-before.ts";
import { atMost, type Effort, type Findings, ratio } from "./figures.ts";

/** The file that came with the tree. */
const CAME_WITH = "migrations/0022_observed_links.sql";
/** Where a difference of a twentieth is to be told. */
const LEAST_ROUNDS = 20;

/** What recording the tree costs those who verify. */
export async function tree({ rounds, seconds }: Effort): Promise<Findings> {
  const series = await besideBefore(CAME_WITH, Math.max(rounds, LEAST_ROUNDS), Math.min(seconds, 1));
  return {
    part: "tree",
    series,
    targets: ["seen", "new"].map((tokens) =>
      atMost(
        `processor time of a verify, ${tokens} / before the tree was recorded`,
        ratio(series, `processor, verify, ${tokens}`, `processor, verify, ${tokens}, before`),
        1.05,
      ),
    ),
    notes: [
      "All new tokens are of one tree, below one link: of these 256 are recorded, and the calls of the others count there.",
      ...(series.length === 0 ? ["Left out: the service before the tree (its history is not here)."] : []),
    ],
  };
}
