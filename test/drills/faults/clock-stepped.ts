import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

import { createClient } from "../../support/process-client.ts";
import { scratchFolder } from "../../support/scratch.ts";
import type { Drill, DrillSettings } from "./drill.ts";
import { askAll, lossesOf } from "./kept.ts";
import { beginLoad, isGood, statusesOf } from "./load.ts";
import { BACK_WITHIN, PATIENCE, recovered } from "./recovery.ts";
import { openStand } from "./stand.ts";

/** Milliseconds by which the wall clock is wrong, one after the other. */
const STEPS = [-3_600_000, 1_800_000];
const TOKENS = 10;

async function run({ hold, bound }: DrillSettings) {
  const stand = await openStand({ bound });
  const folder = scratchFolder("clock");
  stand.atEnd(() => rmSync(folder, { recursive: true }));
  const faults: string[] = [];
  const late: string[] = [];
  try {
    const client = createClient(stand.service().url);
    const dead: string[] = [];
    for (let count = 0; count < TOKENS; count++) {
      const body = { platform: "default", on_behalf_of: { subject: "bob" } };
      const { token } = await client.issue(stand.platform, body);
      await client.revoke(undefined, { token });
      dead.push(token);
    }
    const file = join(folder, "step");
    const hook = join(import.meta.dirname, "stepped-clock.mjs");
    const stepped = await stand.startBeside({ NODE_OPTIONS: `--import=${hook}`, CLOCK_STEP: file });
    const step = (milliseconds: number) => {
      writeFileSync(file, String(milliseconds));
      process.kill(stepped.pid, "SIGUSR2");
    };
    const right = beginLoad(stand, () => [stand.service().url]);
    const wrong = beginLoad(stand, () => [stepped.url]);
    await pause(hold * 250);
    let [asked, allowed] = [0, 0];
    for (const milliseconds of STEPS) {
      step(milliseconds);
      const until = performance.now() + (hold * 1_000) / STEPS.length;
      while (performance.now() < until) {
        asked += dead.length;
        allowed += (await askAll(stepped.url, stand.platform, dead)).allowed;
        await pause(100);
      }
    }
    const over = performance.now();
    step(0);
    const recovery = await recovered(wrong.asked, over);
    await Promise.all([right.stop(), wrong.stop()]);

    if (allowed > 0) faults.push(`${allowed} times a revoked token was allowed`);
    const bad = right.asked.filter((one) => !isGood(one));
    if (bad.length > 0) faults.push(`the other replica: ${statusesOf(bad)}`);
    const odd = wrong.asked.filter((one) => !isGood(one) && one.status !== 503);
    if (odd.length > 0) faults.push(`answers that tell of no outage: ${statusesOf(odd)}`);
    if (wrong.asked.every(isGood)) faults.push("nothing was refused: the clock did not step");
    if (recovery === undefined) faults.push(`not back within ${PATIENCE} ms`);
    else {
      if (recovery > BACK_WITHIN) late.push(`back after ${Math.round(recovery)} ms only`);
      for (const load of [right, wrong]) faults.push(...(await lossesOf(stepped.url, stand.platform, load)));
    }
    const saw = [
      `the replica whose clock was wrong: ${statusesOf(wrong.asked)}`,
      `${asked} questions of revoked tokens, ${allowed} allowed`,
      `the other one: ${statusesOf(right.asked)}`,
    ].join("; ");
    return { saw, recovery, faults, late };
  } finally {
    await stand.close();
  }
}

/** The wall clock of one of two replicas steps. */
export const CLOCK_STEPPED: Drill = {
  name: "clock-stepped",
  about: "the wall clock of one of two replicas steps an hour back, then to half an hour ahead, then right",
  run,
};
