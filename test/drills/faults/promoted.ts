import { setTimeout as pause } from "node:timers/promises";

import { debianBinaries } from "../../support/postgres-server.ts";
import { builtBundle } from "../../support/process-bundle.ts";
import type { Replica } from "../failover/fleet.ts";
import { openStage, promote, type Stage, sql } from "../failover/stage.ts";
import type { Drill, DrillOutcome, DrillSettings } from "./drill.ts";
import { askAll, lossesOf } from "./kept.ts";
import { beginLoad, isGood, type Load, longest, statusesOf, within } from "./load.ts";
import { BACK_WITHIN, PATIENCE, recovered } from "./recovery.ts";

const REPLICAS = ["one", "two"] as const;

/** Two replicas under load, on a primary that is about to be lost. */
interface Lost {
  readonly stage: Stage;
  readonly replicas: readonly Replica[];
  readonly urls: readonly string[];
  readonly load: Load;
  /** A token for the load in place of the one that it asks about. */
  renewToken(): Promise<void>;
}

/** Starts all that and asks for a while. */
async function underLoad(
  { hold }: DrillSettings,
  settings: Readonly<Record<string, string>>,
  env: Readonly<Record<string, string>>,
): Promise<Lost> {
  const stage = await openStage({ script: builtBundle(), binaries: debianBinaries(), settings });
  try {
    await stage.caughtUp();
    const replicas: Replica[] = [];
    for (const name of REPLICAS) replicas.push(await stage.start(name, stage.primary, env));
    const urls = replicas.map(({ service, name, refusal }) => {
      if (service === undefined) throw new Error(`${name} does not start: ${refusal}`);
      return service.url;
    });
    let token = "";
    const renewToken = async () => {
      const [first] = replicas;
      if (first !== undefined) [token = ""] = await stage.issue(first, 1);
    };
    await renewToken();
    const by = {
      get platform() {
        return stage.platform();
      },
      get token() {
        return token;
      },
    };
    const load = beginLoad(by, () => urls);
    await pause(hold * 250);
    return { stage, replicas, urls, load, renewToken };
  } catch (error) {
    await stage.close();
    throw error;
  }
}

/** The end of both drills. */
async function judge(
  { stage, urls, load }: Lost,
  { recovery, saw }: { readonly recovery: number | undefined; readonly saw: string },
  faults: string[],
): Promise<DrillOutcome> {
  await load.stop();
  const late: string[] = [];
  const { allowed } = await askAll(urls[0] ?? "", stage.platform(), load.revoked);
  if (allowed > 0) faults.push(`${allowed} of ${load.revoked.length} revoked tokens are allowed`);
  const silent = load.asked.filter(({ status, saysWhen }) => status === 503 && !saysWhen).length;
  if (silent > 0) faults.push(`${silent} of the 503 have no Retry-After`);
  if (recovery === undefined) faults.push(`not back within ${PATIENCE} ms`);
  else if (recovery > BACK_WITHIN) late.push(`back after ${Math.round(recovery)} ms only`);
  const all = `${statusesOf(load.asked)}, longest ${longest(load.asked)} ms`;
  return { saw: `${all}; ${saw}`, recovery, faults, late };
}

async function promoted(settings: DrillSettings): Promise<DrillOutcome> {
  const lost = await underLoad(
    settings,
    { synchronous_standby_names: "standby" },
    { FAILOVER: "synchronous" },
  );
  const { stage, replicas, urls, load } = lost;
  try {
    await stage.primary.crash();
    await promote(stage.standby);
    await sql(stage.standby, "alter system set synchronous_standby_names = ''", "select pg_reload_conf()");
    for (const replica of replicas) replica.lead(stage.standby);
    const recovery = await recovered(load.asked, performance.now());
    await load.stop();
    const faults: string[] = [];
    const odd = load.asked.filter((one) => !isGood(one) && one.status !== 503);
    if (odd.length > 0) faults.push(`answers that tell of no outage: ${statusesOf(odd)}`);
    if (load.asked.every(isGood)) faults.push("nothing was refused: no primary was lost");
    for (const url of urls) faults.push(...(await lossesOf(url, stage.platform(), load)));
    const saw = `${load.issued.length} issued and ${load.revoked.length} revoked, each of them kept`;
    return await judge(lost, { recovery, saw }, faults);
  } finally {
    await load.stop();
    await stage.close();
  }
}

async function withoutEntries(settings: DrillSettings): Promise<DrillOutcome> {
  const lost = await underLoad(settings, {}, {});
  const { stage, replicas, load } = lost;
  try {
    await stage.cutReplication();
    const before = load.revoked.length;
    await pause(settings.hold * 250);
    const entries = load.revoked.length - before;
    await stage.primary.crash();
    await promote(stage.standby);
    for (const replica of replicas) replica.lead(stage.standby);
    const over = performance.now();
    await pause(settings.hold * 500);
    const faults: string[] = [];
    if (entries === 0) faults.push("no revocation was lost: nothing was drilled");
    for (const url of lost.urls) {
      const { allowed } = await askAll(url, stage.platform(), load.revoked);
      if (allowed > 0) faults.push(`${allowed} revoked tokens are allowed before the fence`);
    }
    const doubtful = within(load.asked, "revoke", over, Number.POSITIVE_INFINITY);
    if (doubtful.length === 0 || doubtful.some(isGood))
      faults.push(`revocations in a log that lacks entries: ${statusesOf(doubtful)}`);
    const begun = performance.now();
    for (const args of [["restore-fence"], ["bootstrap", "--reissue"]]) {
      const { code, said } = await stage.command(stage.standby, ...args);
      if (code !== 0) faults.push(`${args.join(" ")} failed: ${said.slice(-300)}`);
    }
    const done = performance.now();
    while (performance.now() < done + PATIENCE) {
      if (
        await lost.renewToken().then(
          () => true,
          () => false,
        )
      )
        break;
      await pause(50);
    }
    const recovery = await recovered(load.asked, done);
    const saw = `${entries} revocations lost, none of which is allowed; 503 until the fence, which took ${((done - begun) / 1_000).toFixed(1)} s`;
    return await judge(lost, { recovery, saw }, faults);
  } finally {
    await load.stop();
    await stage.close();
  }
}

/** The primary dies under load, and its synchronous standby takes its place. */
export const PROMOTED: Drill = {
  name: "standby-promoted",
  about:
    "the primary ends by kill -9 under load, its synchronous standby is promoted, and both replicas are led to it",
  run: promoted,
};

/** The same with a standby that lacks acknowledged revocations: nobody is served until it is fenced. */
export const WITHOUT_ENTRIES: Drill = {
  name: "standby-without-entries",
  about: "a standby is promoted that lacks the last revocations, and fenced (recovery: after the fence)",
  run: withoutEntries,
};
