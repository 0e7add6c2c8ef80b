import { afterAll, beforeAll, expect, test } from "vitest";

import { casesOf } from "../support/form.ts";
import { OUTAGES } from "./drills.ts";
import { PLACES } from "./faults/outage.ts";
import { openStand, type Stand } from "./faults/stand.ts";

// What `npm run drills` does, shorter and on one stand. How long something takes is not judged: the machine has other work.

const SETTINGS = { hold: 2, bound: 120, minutes: 1, say: () => {} };
/** The others mount a disk, or wait for deadlines. */
const SHORT = [
  "postgres-killed",
  "postgres-stopped",
  "postgres-black-holed",
  "postgres-read-only",
  "postgres-out-of-connections",
  "service-killed",
];

let stand: Stand;
beforeAll(async () => {
  stand = await openStand({ bound: SETTINGS.bound, places: PLACES });
});
afterAll(() => stand.close());

const outages = OUTAGES.filter(({ name }) => SHORT.includes(name));
test.each(casesOf(outages, ({ name }) => name === "postgres-killed"))("$name", async ({ on }) => {
  const { faults } = await on(stand, SETTINGS);
  expect(faults).toEqual([]);
});
