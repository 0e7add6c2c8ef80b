import type { Choices } from "../choices.ts";
import { brokenJson, brokenText } from "../http/breakages.ts";
import type { Decoder } from "./decoder.ts";

/** Characters up to which a piece is repeated, and most of an input: more than any of these may have. */
const LONG = 80_000;

/** Makes one input: a seed that is changed a few times, or as it is. */
export function inputOf(choices: Choices, { words }: Decoder, seeds: readonly string[]): string {
  let text = choices.pick(seeds);
  for (let changes = choices.below(4); changes > 0; changes--)
    text = changed(choices, text, words, seeds).slice(0, LONG);
  return text;
}

function changed(choices: Choices, text: string, words: readonly string[], seeds: readonly string[]): string {
  const at = choices.below(text.length + 1);
  const to = Math.min(text.length, at + choices.below(20));
  const other = choices.pick(seeds);
  switch (choices.below(8)) {
    case 0:
      return text.slice(0, at) + choices.pick(words) + text.slice(at);
    case 1:
      return text.slice(0, at) + choices.pick(words) + text.slice(to);
    case 2:
      return text.slice(0, at) + other.slice(choices.below(other.length + 1));
    case 3:
      return text.slice(0, at) + text.slice(to) + text.slice(at, to);
    case 4: {
      const piece = text.slice(at, to) || choices.pick(words);
      const times = choices.chance(0.02) ? Math.floor(LONG / piece.length) : choices.below(4);
      return text.slice(0, at) + piece.repeat(times) + text.slice(to);
    }
    case 5:
      return brokenJson(choices, text);
    default:
      return brokenText(choices, text);
  }
}
