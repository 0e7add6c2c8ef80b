import { readFileSync } from "node:fs";

import { z } from "zod";

import type { Mutant } from "./mutant.ts";

const FILE = new URL("equivalents.json", import.meta.url);

/** By source file, the mutants that change nothing that anybody could see. */
const schema = z.record(
  z.string(),
  z.array(
    z.strictObject({
      /** The line that changes, without the space at its ends. */
      text: z.string(),
      /** The changes that do nothing there. */
      changes: z.array(z.string()).min(1),
      /** Which of the mutants with this text and change, from 1; all of them where it is not said. */
      nth: z.int().min(1).optional(),
      reason: z.string().min(20),
    }),
  ),
);
export type Equivalents = z.infer<typeof schema>;

export function readEquivalents(): Equivalents {
  return schema.parse(JSON.parse(readFileSync(FILE, "utf8")));
}

/** Why a mutant changes nothing, or undefined if no reason is listed. Lines may move; their text counts. */
export function reasonFor(mutant: Mutant, listed: Equivalents): string | undefined {
  return listed[mutant.file]?.find(
    ({ text, changes, nth }) =>
      text === mutant.text && changes.includes(mutant.change) && (nth === undefined || nth === mutant.nth),
  )?.reason;
}
