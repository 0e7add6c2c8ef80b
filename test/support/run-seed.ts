import { drawSeed, SEED } from "./seed.ts";

/** Draws the seed of a test run, unless the environment has one, and says at the end which it was. */
export function setup(): () => void {
  const seed = drawSeed();
  return () => void process.stdout.write(`the seed was ${seed}: ${SEED}=${seed} repeats the random tests\n`);
}
