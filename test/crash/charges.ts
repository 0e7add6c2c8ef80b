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

/** A step at which the service dies, and whether what was asked is done by then. */
interface Death {
  readonly live: Live;
  readonly step: string;
  readonly committed: boolean;
  readonly restart: () => Promise<Live>;
}

/** What is left of each token that an earlier crash met, and so has to be left after every later one. */
type Stood = Map<string, string | undefined>;

function release({ api, platform }: Live, id: string) {
  return api.call("DELETE", `/v1/reservations/${id}`, { as: platform });
}

const dieSettling = (death: Death) =>
  dieEnding(
    death,
    "settled",
    (live, id) => settle(live, id, 1),
    (live, id) => settle(live, id, 0),
    "9 3",
  );
const dieReleasing = (death: Death) =>
  dieEnding(death, "released", release, (live, id) => settle(live, id, 4), "10 3");

/** A question that gets no answer is charged once, whether it was charged before the crash or by its repeat. */
async function dieCharging({ live, step, committed, restart }: Death): Promise<string> {
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
  return token;
}

/** A reservation that gets no answer is made once, and whoever asks again settles that one. */
async function dieReserving({ live, step, committed, restart }: Death): Promise<string> {
  const token = await budgeted(live, `reserved, ${step}`);
  const cut = { cost: { EUR: 6 }, reserve: 3_000, charge_id: `reserving, cut off at ${step}` };
  await live.dieAt(step);
  await unanswered(live, () => ask(live, token, cut));
  const next = await restart();
  const found = await left(next, token);
  require(found ===
    (committed ? "4 3" : "10 4"), `${step}: ${found} is left after the crash of a reservation`);
  const again = await ask(next, token, cut);
  require((again.repeated === true) === committed, `${step}: the reservation repeated ${again.repeated}`);
  require(leftIn(again) === "4 3", `${step}: ${leftIn(again)} is left after the reservation's repeat`);
  const id = again.reservation?.id ?? "";
  const once = (await ask(next, token, cut)).reservation?.id;
  require(id !== "" && id === once, `${step}: one question has the reservations ${id} and ${once}`);
  const { status } = await settle(next, id, 1);
  require(status === 200, `${step}: settling what was cut off answered ${status}`);
  const rest = await left(next, token);
  require(rest === "9 3", `${step}: ${rest} is left after what was cut off was settled`);
  return token;
}

/**
 * A reservation that is settled or released without an answer gives its rest back once, and as it was said first.
 *
 * @param how no other token is called so
 * @param end says for the first time how it ends
 * @param other says otherwise
 */
async function dieEnding(
  { live, step, committed, restart }: Death,
  how: string,
  end: (live: Live, id: string) => Promise<{ readonly status: number }>,
  other: (live: Live, id: string) => Promise<{ readonly status: number }>,
  after: string,
): Promise<string> {
  const token = await budgeted(live, `${how}, ${step}`);
  const { reservation } = await ask(live, token, { cost: { EUR: 4 }, reserve: 3_000 });
  const id = reservation?.id ?? "";
  await live.dieAt(step);
  await unanswered(live, () => end(live, id));
  const next = await restart();
  const found = await left(next, token);
  require(found === (committed ? after : "6 3"), `${step}: ${found} is left after the crash`);
  for (let time = 0; time < 2; time++) {
    const { status } = await end(next, id);
    require(status === 200, `${step}: the same again answered ${status}`);
  }
  const { status } = await other(next, id);
  require(status === 409, `${step}: another end answered ${status}`);
  const rest = await left(next, token);
  require(rest === after, `${step}: ${rest} is left in the end`);
  return token;
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
  const stood: Stood = new Map();
  async function restart(): Promise<Live> {
    live = await place.start();
    for (const [token, known] of stood) {
      const found = await left(live, token);
      require(found === known, `${found} is left of what was ${known} before a later crash`);
    }
    return live;
  }
  for (const [steps, deaths] of [
    [CHARGE_STEPS, [dieCharging, dieReserving]],
    [SETTLE_STEPS, [dieSettling, dieReleasing]],
  ] as const) {
    for (const [step, committed] of Object.entries(steps)) {
      if (!isWanted(step)) continue;
      for (const die of deaths) {
        const token = await die({ live, step, committed, restart });
        stood.set(token, await left(live, token));
      }
      told(step);
    }
  }
  await live.service.end("SIGTERM");
}
