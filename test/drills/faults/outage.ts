import { setTimeout as pause } from "node:timers/promises";

import type { Drill, DrillOutcome, DrillSettings } from "./drill.ts";
import { type Asked, beginLoad, longest, statusesOf, within } from "./load.ts";
import { openStand, type Stand } from "./stand.ts";

/** A fault of the database, or of the service itself. */
interface Outage {
  readonly name: string;
  readonly about: string;
  /** Begins the fault. @returns ends it */
  begin(stand: Stand): Promise<() => Promise<void>>;
  /** Whether it is the service's own: then nobody is answered meanwhile, and only what comes after is judged. */
  readonly isService?: true;
}

/** Milliseconds. */
const CALM = 1_500;
/** In which everything but verify is refused. */
const REFUSED_WITHIN = 1_000;
const DEADLINE = 5_500;
const BACK_WITHIN = 5_000;
/** Answers in a row that show that all is well. */
const IN_A_ROW = 5;
const PATIENCE = 60_000;

/** Makes a drill of a fault: verify goes on within the bound, changes are refused at once, and all is well soon after. */
export function outageDrill(outage: Outage): Drill {
  const { name, about } = outage;
  return {
    name,
    about,
    async run(asked) {
      const stand = await openStand(asked.bound);
      try {
        return await drill(stand, asked, outage);
      } finally {
        await stand.close();
      }
    },
  };
}

async function drill(
  stand: Stand,
  { hold, bound }: DrillSettings,
  { begin, isService }: Outage,
): Promise<DrillOutcome> {
  const faults: string[] = [];
  const late: string[] = [];
  const load = beginLoad(stand);
  await pause(CALM);
  const before = stand.service().pid;
  const begun = performance.now();
  const end = await begin(stand);
  const held = performance.now();
  await pause(hold * 1_000);
  await end();
  const over = performance.now();
  const recovery = await recovered(load.asked, over);
  await load.stop();

  const span = Math.min(over, begun + bound * 800);
  const verified = within(load.asked, "verify", begun, span);
  const issued = within(load.asked, "issue", held, over);
  const slow = issued.filter(({ took }) => took > REFUSED_WITHIN);
  if (isService !== true) {
    if (verified.some(({ status }) => status !== 200))
      faults.push(`verify within the bound: ${statusesOf(verified)}`);
    const wrong = issued.filter(({ status }) => status !== 503 && status !== 201);
    if (wrong.length > 0) faults.push(`changes: ${statusesOf(wrong)}`);
    if (slow.length > 0)
      late.push(
        `${slow.length} changes were refused after more than a second, the last of them asked ${lastOf(slow, held)} ms after it began`,
      );
    if (longest(issued) > DEADLINE) late.push(`a change took ${longest(issued)} ms`);
    if (stand.service().pid !== before) faults.push("the service was started anew");
  }
  if (recovery === undefined) faults.push(`not back within ${PATIENCE} ms`);
  else if (recovery > BACK_WITHIN) late.push(`back after ${Math.round(recovery)} ms only`);
  const saw = [
    `held for ${hold} s`,
    `verify within the bound ${statusesOf(verified)}, longest ${longest(verified)} ms`,
    `changes ${statusesOf(issued)}, longest ${longest(issued)} ms`,
  ].join("; ");
  return { saw, recovery, faults, late };
}

const lastOf = (asked: readonly Asked[], since: number) =>
  Math.round(Math.max(...asked.map(({ at }) => at)) - since);

/** Milliseconds from a moment until both kinds of questions are answered again, several in a row. */
async function recovered(
  asked: ReturnType<typeof beginLoad>["asked"],
  over: number,
): Promise<number | undefined> {
  while (performance.now() < over + PATIENCE) {
    const since = (["verify", "issue"] as const).map((what) => {
      const all = within(asked, what, over, Number.POSITIVE_INFINITY);
      const lastBad = all.findLastIndex(({ status }) => status !== 200 && status !== 201);
      const good = all.slice(lastBad + 1);
      const [first] = good;
      return good.length < IN_A_ROW || first === undefined ? undefined : first.at + first.took - over;
    });
    if (since.every((one) => one !== undefined)) return Math.max(...since);
    await pause(20);
  }
  return undefined;
}
