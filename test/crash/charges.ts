import type { Step } from "../../src/domain/ports/steps.ts";
import type { Live, Place } from "./place.ts";
import { drillBody, require, unanswered } from "./steps.ts";

/** The steps of charging, and whether what was asked is charged after a crash at this one. */
export const CHARGE_STEPS = {
  "charge:begun": false,
  "charge:committed": true,
} as const satisfies Partial<Record<Step, boolean>>;

/** The steps of settling, likewise. */
export const SETTLE_STEPS = {
  "settle:begun": false,
  "settle:committed": true,
} as const satisfies Partial<Record<Step, boolean>>;

interface Answer {
  readonly allowed?: boolean;
  readonly code?: string;
  readonly repeated?: boolean;
  readonly budgets?: readonly { readonly remaining: string }[];
  readonly reservation?: { readonly id: string };
}

async function budgeted({ api, platform }: Live, name: string): Promise<string> {
  const body = { ...drillBody(name), caveats: ["spend.EUR <= 10", "uses <= 4"] };
  return (await api.issue(platform, body)).token;
}

async function ask({ api, platform }: Live, token: string, more: object): Promise<Answer> {
  const { status, text, body } = await api.call("POST", "/v1/verify", {
    as: platform,
    body: { token, context: {}, ...more },
  });
  require(status === 200, `verify answered ${status}: ${text.slice(0, 200)}`);
  return body as Answer;
}

/** What is left of the two budgets, of an answer or as they stand. */
const leftIn = ({ budgets }: Answer) => budgets?.map(({ remaining }) => remaining).join(" ");
const left = async (live: Live, token: string) =>
  leftIn(await ask(live, token, { cost: { EUR: 0 }, dry_run: true }));

function settle({ api, platform }: Live, id: string, EUR: number) {
  return api.call("POST", `/v1/reservations/${id}/settle`, { as: platform, body: { cost: { EUR } } });
}

/** A question that gets no answer is charged once, whether it was charged before the crash or by its repeat. */
async function dieCharging(
  live: Live,
  step: string,
  committed: boolean,
  restart: () => Promise<Live>,
): Promise<void> {
  const token = await budgeted(live, step);
  const first = { cost: { EUR: 2 }, charge_id: `before ${step}` };
  const cut = { cost: { EUR: 3 }, charge_id: `cut off at ${step}` };
  require((await ask(live, token, first)).allowed === true, `${step}: a fresh token does not pass`);
  await live.dieAt(step);
  await unanswered(live, () => ask(live, token, cut));
  const next = await restart();
  const found = await left(next, token);
  require(found === (committed ? "5 2" : "8 3"), `${step}: ${found} is left after the crash`);
  const again = await ask(next, token, cut);
  require((again.repeated === true) === committed, `${step}: repeated ${again.repeated}`);
  require(leftIn(again) === "5 2", `${step}: ${leftIn(again)} is left after the repeat`);
  for (const known of [first, cut]) {
    const repeat = await ask(next, token, known);
    require(repeat.repeated === true && leftIn(repeat) === "5 2", `${step}: a repeat was charged again`);
  }
  const last = await ask(next, token, { cost: { EUR: 5 } });
  require(leftIn(last) === "0 1", `${step}: ${leftIn(last)} is left after the last`);
  const beyond = await ask(next, token, { cost: { EUR: "0.01" } });
  require(beyond.code === "budget_exhausted", `${step}: more was spent than the token allows`);
}

/** A reservation that is settled without an answer gives its rest back once, and to the first amount that was said. */
async function dieSettling(
  live: Live,
  step: string,
  committed: boolean,
  restart: () => Promise<Live>,
): Promise<void> {
  const token = await budgeted(live, step);
  const { reservation } = await ask(live, token, { cost: { EUR: 4 }, reserve: 3_000 });
  const id = reservation?.id ?? "";
  await live.dieAt(step);
  await unanswered(live, () => settle(live, id, 1));
  const next = await restart();
  const found = await left(next, token);
  require(found === (committed ? "9 3" : "6 3"), `${step}: ${found} is left after the crash`);
  for (let time = 0; time < 2; time++) {
    const { status } = await settle(next, id, 1);
    require(status === 200, `${step}: settling again answered ${status}`);
  }
  const other = await settle(next, id, 0);
  require(other.status === 409, `${step}: settling by another amount answered ${other.status}`);
  const rest = await left(next, token);
  require(rest === "9 3", `${step}: ${rest} is left after it was settled`);
}

/**
 * Kills the service at each step of charging and settling, one after another on the same data.
 *
 * @param isWanted the steps, all of them unless said
 * @throws Error with the first claim that does not hold
 */
export async function drillCharges(
  place: Place,
  told: (step: string) => void = () => {},
  isWanted: (step: string) => boolean = () => true,
): Promise<void> {
  let live = await place.start();
  async function restart(): Promise<Live> {
    live = await place.start();
    return live;
  }
  for (const [steps, die] of [
    [CHARGE_STEPS, dieCharging],
    [SETTLE_STEPS, dieSettling],
  ] as const) {
    for (const [step, committed] of Object.entries(steps)) {
      if (!isWanted(step)) continue;
      await die(live, step, committed, restart);
      told(step);
    }
  }
  await live.service.end("SIGTERM");
}
