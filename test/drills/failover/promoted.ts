import { setTimeout as sleep } from "node:timers/promises";

import { askLater, type Case, FENCE, onStage, refuseToStart, revokeAll, serves } from "./case.ts";
import { BOUND } from "./fleet.ts";
import { promote, sql } from "./stage.ts";

const STANDBY = /standby in recovery/;

const nothingLost = onStage("promoted with every entry; taken over by --whole", async (stage, seen) => {
  const one = await stage.start("one", stage.primary);
  const tokens = await stage.issue(one, 6);
  const [dead, good] = [tokens.slice(0, 3), tokens.slice(3)];
  const first = await revokeAll(stage, seen, one, dead.slice(0, 1));
  const last = await revokeAll(stage, seen, one, dead.slice(1));
  await stage.caughtUp();
  await stage.primary.crash();
  await promote(stage.standby);
  one.lead(stage.standby);
  seen.refuses(await askLater(stage, one, dead), FENCE);
  seen.expect(
    (await stage.revoke(one, good[0] ?? "")).sequence === undefined,
    "acknowledges on a server in doubt",
  );
  await refuseToStart(stage, seen, stage.standby, { tokens: dead, says: FENCE });
  for (const wrong of [
    "nonsense",
    last.replace(/\d+$/, "99"),
    last.replace(/-[0-9a-f]{16}-/, "-0000000000000000-"),
  ]) {
    const refused = await stage.command(stage.standby, "restore-fence", "--whole", wrong);
    seen.expect(refused.code !== 0, `--whole takes ${wrong}`);
  }
  const whole = await stage.command(stage.standby, "restore-fence", "--whole", last);
  seen.expect(whole.code === 0, `--whole does not take the greatest sequence: ${whole.said}`);
  seen.dead(await askLater(stage, one, dead));
  seen.dead(await stage.ask(one, dead, first));
  await serves(stage, seen, one, good);
  seen.expect((await stage.revoke(one, good[0] ?? "")).sequence !== undefined, "does not revoke again");
});

const paused = onStage("a hot standby whose replay stands still, as DATABASE_URL", async (stage, seen) => {
  const one = await stage.start("one", stage.primary);
  const other = await stage.start("other", stage.primary);
  const tokens = await stage.issue(one, 4);
  await stage.caughtUp();
  await sql(stage.standby, "select pg_wal_replay_pause()");
  other.lead(stage.standby);
  await revokeAll(stage, seen, one, tokens);
  await sleep(BOUND * 1.5);
  seen.refuses(await stage.ask(other, tokens), STANDBY);
  await refuseToStart(stage, seen, stage.standby, { tokens, says: STANDBY });
  // Back on the primary it goes on by itself: nothing was lost.
  other.lead(stage.primary);
  seen.dead(await askLater(stage, other, tokens));
  await serves(stage, seen, other, await stage.issue(one, 1));
});

const behind = onStage("a hot standby that follows its primary, as DATABASE_URL", async (stage, seen) => {
  const one = await stage.start("one", stage.primary);
  const tokens = await stage.issue(one, 2);
  await revokeAll(stage, seen, one, tokens);
  await stage.caughtUp();
  one.lead(stage.standby);
  seen.refuses(await askLater(stage, one, tokens), STANDBY);
  const fence = await stage.command(stage.standby, "restore-fence");
  seen.expect(fence.code !== 0, "a standby is fenced");
});

/** Cases of standbys that hold every entry, or would. */
export const PROMOTED: readonly Case[] = [nothingLost, paused, behind];
