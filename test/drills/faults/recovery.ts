import { setTimeout as pause } from "node:timers/promises";

import { type Asked, isGood, within } from "./load.ts";

/** Answers in a row that show that all is well. */
const IN_A_ROW = 5;

/** Milliseconds for which a recovery is waited for. */
export const PATIENCE = 60_000;

/** Milliseconds in which all must be back. */
export const BACK_WITHIN = 5_000;

/** Milliseconds from a moment until all kinds of questions are answered again, several in a row; undefined if they are not. */
export async function recovered(asked: readonly Asked[], over: number): Promise<number | undefined> {
  while (performance.now() < over + PATIENCE) {
    const since = (["verify", "issue", "revoke"] as const).map((what) => {
      const all = within(asked, what, over, Number.POSITIVE_INFINITY);
      const good = all.slice(all.findLastIndex((one) => !isGood(one)) + 1);
      const [first] = good;
      return good.length < IN_A_ROW || first === undefined ? undefined : first.at + first.took - over;
    });
    if (since.every((one) => one !== undefined)) return Math.max(...since);
    await pause(20);
  }
  return undefined;
}
