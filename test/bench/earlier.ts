import { readFileSync } from "node:fs";

import { z } from "zod";

import type { Findings } from "./figures.ts";

/** What `--json` writes, as far as it is read again. Where a figure is null, it was not a number. */
const schema = z.object({
  machine: z.object({ commit: z.string() }),
  parts: z.array(
    z.object({
      part: z.string(),
      series: z.array(z.object({ name: z.string(), unit: z.string(), values: z.array(z.number()) })),
      targets: z.array(
        z.object({
          name: z.string(),
          reached: z
            .number()
            .nullable()
            .transform((figure) => figure ?? Number.NaN),
          wanted: z.number(),
          sense: z.enum(["at least", "at most"]),
          unit: z.string(),
        }),
      ),
      notes: z.array(z.string()),
    }),
  ),
});

/**
 * Parts that were measured earlier, from a file that `--json` wrote.
 *
 * @throws Error where they were measured at another commit: a table is of one
 */
export function readEarlier(file: string, commit: string): readonly Findings[] {
  const { machine, parts } = schema.parse(JSON.parse(readFileSync(file, "utf8")));
  if (machine.commit !== commit)
    throw new Error(`${file} was measured at commit ${machine.commit}, this is ${commit}`);
  return parts;
}
