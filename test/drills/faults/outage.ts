import { setTimeout as pause } from "node:timers/promises";

import type { Drill, DrillOutcome, DrillSettings } from "./drill.ts";
import { lossesOf } from "./kept.ts";
import { type Asked, beginLoad, isGood, longest, statusesOf, within } from "./load.ts";
import { BACK_WITHIN, PATIENCE, recovered } from "./recovery.ts";
import { openStand, type Stand } from "./stand.ts";

/** A fault of the database, or of the service itself. */
interface Outage {
  readonly name: string;
  readonly about: string;
  /**
   * Begins the fault.
   *
   * @param checks asked once all is over, for what else did not hold
   * @returns ends it
   */
  begin(stand: Stand, checks: (() => Promise<readonly string[]>)[]): Promise<() => Promise<void>>;
  /** What becomes of changes: refused at once, unless they wait for a deadline, or go on, slower perhaps. */
  readonly changes?: "wait" | "go on";
  /** Whether verify is refused as well, because the database says that it is not to be believed. */
  readonly isDoubtful?: true;
  /** Whether it is the service's own: then nobody is answered meanwhile, and only what comes after is judged. */
  readonly isService?: true;
}

/** Milliseconds. */
const CALM = 1_500;
/** What any change takes that is slow. */
const LEAST_SLOW = 500;
/** In which everything but verify is refused. */
const REFUSED_WITHIN = 1_000;
/** The deadline of a query; and of a change that waits behind another one, which waits as long. */
const DEADLINE = { query: 5_500, change: 11_000 };

/** A drill that leaves a stand as it was. */
export interface OutageDrill extends Drill {
  /** Runs it on a stand that is there, whose server takes {@link PLACES} connections. */
  on(stand: Stand, settings: DrillSettings): Promise<DrillOutcome>;
}

/** Connections that the server of an outage takes: soon all taken. */
export const PLACES = 40;

/** Makes a drill of a fault: verify goes on within the bound, changes are refused at once, and all is well soon after. */
export function outageDrill(outage: Outage): OutageDrill {
  const { name, about } = outage;
  return {
    name,
    about,
    on: (stand, settings) => drill(stand, settings, outage),
    async run(settings) {
      const stand = await openStand({ bound: settings.bound, places: PLACES });
      try {
        return await drill(stand, settings, outage);
      } finally {
        await stand.close();
      }
    },
  };
}

async function drill(
  stand: Stand,
  { hold, bound }: DrillSettings,
  { begin, changes: become, isDoubtful, isService }: Outage,
): Promise<DrillOutcome> {
  const faults: string[] = [];
  const late: string[] = [];
  const load = beginLoad(stand, () => [stand.service().url]);
  await pause(CALM);
  const before = stand.service().pid;
  const begun = performance.now();
  const checks: (() => Promise<readonly string[]>)[] = [];
  const end = await begin(stand, checks);
  const held = performance.now();
  await pause(hold * 1_000);
  await end();
  const over = performance.now();
  const recovery = await recovered(load.asked, over);
  await load.stop();
  for (const check of checks) faults.push(...(await check()));

  const span = Math.min(over, begun + bound * 800);
  const verified = within(load.asked, "verify", begun, span);
  const changes = (["issue", "revoke"] as const).flatMap((what) => within(load.asked, what, held, over));
  const slow = changes.filter(({ status, took }) => status === 503 && took > REFUSED_WITHIN);
  const refused = load.asked.filter(({ isRefused }) => isRefused).length;
  if (refused > 0) faults.push(`a good token was refused ${refused} times`);
  // A service that is not there answers nobody; 0 is a connection that failed.
  const odd = load.asked.filter((one) => !isGood(one) && ![503, isService ? 0 : 503].includes(one.status));
  if (odd.length > 0) faults.push(`answers that tell of no outage: ${statusesOf(odd)}`);
  if (isService !== true) {
    const unanswered = verified.filter((one) => !isGood(one));
    if (unanswered.some(({ status }) => isDoubtful !== true || status !== 503))
      faults.push(`verify within the bound: ${statusesOf(verified)}`);
    const silent = load.asked.filter(({ status, saysWhen }) => status === 503 && !saysWhen).length;
    if (silent > 0) faults.push(`${silent} of the 503 have no Retry-After`);
    // A fault may be noticed while it begins, and changes that wait for less than their deadline get through.
    const touched = load.asked.filter(({ what, at }) => what !== "verify" && at >= begun && at < over);
    if (become !== "go on" && !touched.some(({ status, took }) => status === 503 || took > hold * 500))
      faults.push("no change was refused or had to wait: nothing was broken");
    // One that is asked just before the end is slow for a part of its way alone.
    const throughout = changes.filter(({ at }) => at < over - LEAST_SLOW);
    if (become === "go on" && throughout.some(({ took }) => took < LEAST_SLOW))
      faults.push("nothing was slow");
    if (become === undefined && slow.length > 0)
      late.push(
        `${slow.length} changes were refused after more than a second, the last of them asked ${lastOf(slow, held)} ms after it began`,
      );
    const deadline = become === undefined ? DEADLINE.query : DEADLINE.change;
    if (longest(changes) > deadline) late.push(`a change took ${longest(changes)} ms`);
    if (stand.service().pid !== before) faults.push("the service was started anew");
  }
  if (recovery === undefined) faults.push(`not back within ${PATIENCE} ms`);
  else {
    if (recovery > BACK_WITHIN) late.push(`back after ${Math.round(recovery)} ms only`);
    faults.push(...(await lossesOf(stand.service().url, stand.platform, load)));
  }
  const saw = [
    `held for ${hold} s`,
    `verify within the bound ${statusesOf(verified)}, longest ${longest(verified)} ms`,
    `changes ${statusesOf(changes)}, longest ${longest(changes)} ms`,
    `${load.issued.length} issued and ${load.revoked.length} revoked in all, each of them kept`,
  ].join("; ");
  return { saw, recovery, faults, late };
}

const lastOf = (asked: readonly Asked[], since: number) =>
  Math.round(Math.max(...asked.map(({ at }) => at)) - since);
