import { processorTime } from "../../support/processor-time.ts";
import { choicesOf } from "../choices.ts";
import { createRecord, type FuzzPart, type FuzzSettings } from "../part.ts";
import type { Decoder } from "./decoder.ts";
import { CAVEATS, CONDITIONS } from "./languages.ts";
import { BASE64, BINARIES, BUNDLE_TEXTS, IDENTIFIERS, TICKETS } from "./macaroons.ts";
import { FORMS, HEADERS, JSON_TEXTS, SIGNED_TEXTS } from "./requests.ts";
import { inputOf } from "./texts.ts";

/** Everything here that reads what anybody may have written. */
const DECODERS_OF_ALL: readonly Decoder[] = [
  BUNDLE_TEXTS,
  BINARIES,
  TICKETS,
  IDENTIFIERS,
  BASE64,
  CAVEATS,
  CONDITIONS,
  JSON_TEXTS,
  FORMS,
  SIGNED_TEXTS,
  HEADERS,
];

/** Milliseconds of processor time that no input takes, with all that is checked of it: the longest has 80,000 characters. */
const LONGEST = 1_000;

function outcomeOf(decoder: Decoder, input: string): { readonly outcome: string; readonly fault?: string } {
  try {
    return { outcome: decoder.check(input) };
  } catch (error) {
    const { name, message } = error instanceof Error ? error : { name: "?", message: String(error) };
    return { outcome: "WRONG", fault: `${name}: ${message}` };
  }
}

async function run({ seed, count }: FuzzSettings) {
  const record = createRecord();
  for (const decoder of DECODERS_OF_ALL) {
    const choices = choicesOf(`decoder ${decoder.name}`, seed);
    const seeds = decoder.seeds(choices);
    for (let at = 0; at < Math.ceil(count / DECODERS_OF_ALL.length); at++) {
      const input = at < seeds.length ? (seeds[at] ?? "") : inputOf(choices, decoder, seeds);
      let came: ReturnType<typeof outcomeOf> = { outcome: "" };
      const took = processorTime(() => {
        came = outcomeOf(decoder, input);
      });
      record.count(`${decoder.name} ${came.outcome}`);
      const faults = [
        ...(came.fault === undefined ? [] : [came.fault]),
        ...(took > LONGEST ? [`it took ${took} ms`] : []),
      ];
      if (faults.length === 0) continue;
      const shown = Buffer.from(input.slice(0, 2_000), "utf16le").toString("base64");
      record.find(`${decoder.name}, ${at}: ${faults.join("; ")}\n    UTF-16 in base64: ${shown}`);
    }
  }
  return record.report();
}

/** All decoders and parsers, each with inputs made from its grammar and broken. */
export const DECODERS: FuzzPart = {
  name: "decoders",
  about: "what reads bundles, tickets, caveats, conditions, JSON, forms, headers and proofs",
  usual: 300_000,
  run,
};
