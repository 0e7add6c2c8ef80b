import { SOURCES, textOf } from "./source-graph.ts";

/*
 * What `npm run check` runs last: counts the words of comments that make riddles. "Whoever holds what was given" names
 * neither the holder nor the thing. The model codebases have two to seven such words in a thousand.
 */

/** Words of a thousand that may be of that kind. */
const BOUND = 7;

const COMMENT = /^\s*(?:\/\/|\/?\*)/;
const WORD = /[a-z]+/gi;
const RIDDLE = /^(?:who|whom|whose|whoever|what|whatever|whichever|where|wherever)$/i;

const counts = SOURCES.map((file) => {
  const words = textOf(file)
    .split("\n")
    .filter((line) => COMMENT.test(line))
    .flatMap((line) => line.match(WORD) ?? []);
  return { file, words: words.length, riddles: words.filter((word) => RIDDLE.test(word)).length };
});
const words = counts.reduce((sum, count) => sum + count.words, 0);
const riddles = counts.reduce((sum, count) => sum + count.riddles, 0);
const share = (riddles * 1_000) / words;

process.stdout.write(
  `${riddles} of ${words} words in comments are who, what, where and their like: ${share.toFixed(1)} of 1,000; the bound is ${BOUND}\n`,
);
if (share > BOUND) {
  const most = counts.sort((a, b) => b.riddles - a.riddles).slice(0, 10);
  process.stdout.write(`${most.map(({ file, riddles: count }) => `${count} in src/${file}`).join("\n")}\n`);
  process.exitCode = 1;
}
