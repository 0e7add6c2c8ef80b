import { z } from "zod";
import type { SummaryPart } from "../../caveats/together/summary-parts.ts";
import { SUMMARY_AUTHORS } from "../../words/states.ts";

/** A summary's sentences with their origins, as answers write them. */
export const summaryPartsSchema = z
  .array(z.strictObject({ by: z.enum(SUMMARY_AUTHORS), text: z.string() }))
  .meta({
    description:
      "The summary told apart by origin: `issued` by the issuer, `holder` in the words of whoever held the token, `service` for times and counts alone. Show what is by `holder` apart: nobody vouches for its words.",
  });

/** Writes a summary's sentences. */
export function summaryPartsWire(parts: readonly SummaryPart[]): z.infer<typeof summaryPartsSchema> {
  return parts.map(({ by, text }) => ({ by, text }));
}
