import { setTimeout as pause } from "node:timers/promises";

import { buildCommit, VERSION_0_1_0 } from "../../support/old-build.ts";
import { builtBundle } from "../../support/process-bundle.ts";
import { createClient } from "../../support/process-client.ts";
import type { RunningService } from "../../support/process-service.ts";
import type { Drill, DrillSettings } from "./drill.ts";
import { lossesOf } from "./kept.ts";
import { beginLoad, isGood, longest, statusesOf } from "./load.ts";
import { openStand, type Stand } from "./stand.ts";

/** Revokes at one replica. @returns milliseconds until another one refuses the token; infinite past the bound */
async function reached(stand: Stand, from: RunningService, to: RunningService, bound: number) {
  const body = { platform: "default", on_behalf_of: { subject: "bob" } };
  // An older version answers with less than the client of this one reads.
  const made = await createClient(from.url).call("POST", "/v1/tokens", { as: stand.platform, body });
  const token: unknown = Reflect.get(Object(made.body), "token");
  const ask = async () => {
    const question = { as: stand.platform, body: { token, context: {} } };
    return (await createClient(to.url).call("POST", "/v1/verify", question)).text;
  };
  if (!(await ask()).startsWith('{"allowed":true')) return Number.POSITIVE_INFINITY;
  const revoked = await createClient(from.url).call("POST", "/v1/revocations", {
    body: { targets: [{ token }] },
  });
  if (revoked.status !== 200) return Number.POSITIVE_INFINITY;
  const begun = performance.now();
  while (performance.now() - begun < bound * 1_000) {
    if ((await ask()).startsWith('{"allowed":false')) return performance.now() - begun;
    await pause(20);
  }
  return Number.POSITIVE_INFINITY;
}

async function run({ hold, bound }: DrillSettings) {
  // 0.1.0 is a thousand times slower with it, which is another fault than those that are drilled.
  const stand = await openStand({ settings: { jit: "off" }, bundle: buildCommit(VERSION_0_1_0), bound });
  const faults: string[] = [];
  const late: string[] = [];
  try {
    const oldest = stand.service();
    const older = await stand.startBeside();
    let serving = [oldest, older];
    const load = beginLoad(stand, () => serving.map(({ url }) => url));
    await pause(hold * 250);
    const migrating = performance.now();
    const newer = await stand.startBeside({}, builtBundle());
    const migrated = performance.now();
    serving = [oldest, older, newer];
    await pause(hold * 250);
    const times = [await reached(stand, older, newer, bound), await reached(stand, newer, older, bound)];
    if (times.some((time) => time === Number.POSITIVE_INFINITY))
      faults.push("a revocation did not reach the other version within the bound");

    const newest = await stand.startBeside({}, builtBundle());
    serving = [oldest, older, newer, newest];
    for (const leaving of [oldest, older]) {
      serving = serving.filter((one) => one !== leaving);
      await pause(100); // what is on its way to it is answered
      await leaving.end("SIGTERM");
      await pause(hold * 250);
    }
    await load.stop();
    const bad = load.asked.filter((one) => !isGood(one));
    // The schema is brought up to date in one transaction, for whose locks changes of the old ones wait, up to their deadline.
    const waited = bad.filter(
      ({ status, at, took, saysWhen }) =>
        status === 503 && saysWhen && at < migrated && at + took > migrating,
    );
    if (waited.length > 0)
      late.push(
        `${waited.length} were refused (503) while the first new one started, which took ${((migrated - migrating) / 1_000).toFixed(1)} s`,
      );
    if (bad.length > waited.length) faults.push(`not answered: ${statusesOf(bad)}`);
    for (const { url } of serving) faults.push(...(await lossesOf(url, stand.platform, load)));
    const saw = [
      `${statusesOf(load.asked)}, longest ${longest(load.asked)} ms`,
      `what one revoked was dead at the other after ${times.map((time) => Math.round(time)).join(" and ")} ms`,
      `${load.issued.length} issued and ${load.revoked.length} revoked, each of them kept`,
    ].join("; ");
    return { saw, recovery: undefined, faults, late };
  } finally {
    await stand.close();
  }
}

/** Processes of the last release run beside new ones under load. */
export const ROLLING_UPGRADE: Drill = {
  name: "rolling-upgrade",
  about: "two processes of 0.1.0 under load, then new ones beside them, then those alone",
  run,
};
