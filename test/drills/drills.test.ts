import { expect, test } from "vitest";

import { casesOf } from "../support/form.ts";
import { DRILLS } from "./drills.ts";

// What `npm run drills` does, shorter. How long something takes is not judged: the machine has other work.

const SETTINGS = { hold: 2, bound: 120 };

test.each(casesOf(DRILLS, ({ name }) => name === "postgres-killed"))("$name", async ({ run }) => {
  const { faults } = await run(SETTINGS);
  expect(faults).toEqual([]);
});
