import { setTimeout as pause } from "node:timers/promises";

import type { Fleet, Member } from "./fleet.ts";
import { startLoad } from "./load.ts";
import { startNginx } from "./nginx.ts";
import { createTally, type Tally } from "./tally.ts";

/** What a drill came to. */
export interface Outcome {
  readonly tally: Tally;
  /** How long each process took to end, milliseconds, and with which code. */
  readonly endings: readonly { readonly code: number | null; readonly milliseconds: number }[];
}

/** How a drill is run. */
export interface DrillOptions {
  readonly times: number;
  /** Whether nginx is put in front, too. */
  readonly nginx: boolean;
  /** As in a {@link Load}. */
  readonly freshPause: number;
  readonly say?: (line: string) => void;
}

/** Milliseconds for which callers ask before anything happens, and between two restarts. */
const CALM = 1_000;

async function underLoad(
  fleet: Fleet,
  members: readonly Member[],
  { nginx, freshPause }: DrillOptions,
  tally: Tally,
  work: () => Promise<void>,
): Promise<void> {
  for (const member of members) await member.start();
  const asked = await fleet.prepare(members[0]?.url ?? "");
  const proxy = nginx ? await startNginx(members.map(({ port }) => port)) : undefined;
  try {
    const services = members.map(({ url }) => url);
    const end = startLoad(asked, { services, proxy: proxy?.url, freshPause }, tally);
    await pause(CALM);
    await work();
    await end();
  } finally {
    await proxy?.stop();
    await Promise.all(members.map((member) => member.end()));
  }
  tally.settle((caller) => members.some(({ url, accepted }) => url === caller.url && accepted(caller)));
}

/** Restarts two single processes in turn, as a rolling update does: each is stopped and started again. */
export async function drillRestarts(fleet: Fleet, options: DrillOptions): Promise<Outcome> {
  const members = [await fleet.member(), await fleet.member()];
  const tally = createTally();
  const endings: Awaited<ReturnType<Member["stop"]>>[] = [];
  await underLoad(fleet, members, options, tally, async () => {
    for (let time = 0; time < options.times; time++) {
      const member = members[time % members.length];
      if (member === undefined) break;
      endings.push(await member.stop());
      await member.start();
      await pause(CALM);
      options.say?.(`  restart ${time + 1}: ${endings.at(-1)?.milliseconds.toFixed(0)} ms to stop`);
    }
  });
  return { tally, endings };
}

/** Replaces the workers of one service, again and again. */
export async function drillReplacements(fleet: Fleet, options: DrillOptions): Promise<Outcome> {
  const members = [await fleet.member(2)];
  const tally = createTally();
  await underLoad(fleet, members, options, tally, async () => {
    for (let time = 0; time < options.times; time++) {
      await members[0]?.replaceWorkers();
      await pause(CALM);
      options.say?.(`  restart ${time + 1}`);
    }
  });
  return { tally, endings: [] };
}

/** Stops a service while it is asked in every way. A proxy would have nobody left to ask, so there is none. */
export async function drillStops(fleet: Fleet, workers: number, options: DrillOptions): Promise<Outcome> {
  const tally = createTally();
  const endings: Awaited<ReturnType<Member["stop"]>>[] = [];
  for (let time = 0; time < options.times; time++) {
    const member = await fleet.member(workers);
    await underLoad(fleet, [member], { ...options, nginx: false }, tally, async () => {
      endings.push(await member.stop());
    });
    options.say?.(`  stop ${time + 1}: ${endings.at(-1)?.milliseconds.toFixed(0)} ms`);
  }
  return { tally, endings };
}
