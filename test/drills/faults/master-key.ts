import { randomBytes } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";

import { noteSecret } from "../../support/process-logs.ts";
import type { Drill, DrillSettings } from "./drill.ts";
import { lossesOf } from "./kept.ts";
import { beginLoad, isGood, longest, statusesOf } from "./load.ts";
import { openStand } from "./stand.ts";

async function run({ hold, bound }: DrillSettings) {
  const stand = await openStand({ bound });
  const faults: string[] = [];
  try {
    const before = stand.masterKey;
    const after = randomBytes(32).toString("base64url");
    noteSecret(after);
    const add = { MASTER_KEY: before, MASTER_KEY_PREVIOUS: after };
    const swap = { MASTER_KEY: after, MASTER_KEY_PREVIOUS: before };
    const drop = { MASTER_KEY: after };
    let serving = [stand.service(), await stand.startBeside()];
    const load = beginLoad(stand, () => serving.map(({ url }) => url));
    for (const env of [add, swap, drop]) {
      if (env === drop) {
        const { code, said } = await stand.command(swap, "rewrap");
        if (code !== 0) faults.push(`rewrap failed: ${said.slice(-300)}`);
      }
      for (const leaving of serving) {
        const next = await stand.startBeside(env);
        serving = [...serving.filter((one) => one !== leaving), next];
        await pause(100); // what is on its way to it is answered
        await leaving.end("SIGTERM");
      }
      await pause(hold * 200);
    }
    await load.stop();
    const bad = load.asked.filter((one) => !isGood(one));
    if (bad.length > 0) faults.push(`not answered: ${statusesOf(bad)}`);
    for (const { url } of serving) faults.push(...(await lossesOf(url, stand.platform, load)));
    const old = await stand.command({ MASTER_KEY: before }, "rewrap");
    if (old.code === 0) faults.push("something still opens under the old key alone");
    const saw = [
      "two replicas replaced in each of the three steps, and `rewrap`",
      `${statusesOf(load.asked)}, longest ${longest(load.asked)} ms`,
      `${load.issued.length} issued and ${load.revoked.length} revoked, each of them kept`,
    ].join("; ");
    return { saw, recovery: undefined, faults, late: [] };
  } finally {
    await stand.close();
  }
}

/** The master key is changed under load, as its manual says. */
export const MASTER_KEY: Drill = {
  name: "master-key-changed",
  about: "the master key is changed with two replicas under load: add, swap, rewrap, drop",
  run,
};
