import { createCipheriv, createHash, randomInt } from "node:crypto";

/** Environment variable with the seed of a run's random tests: set it to repeat a run. */
export const SEED = "BAKEHOUSE_TEST_SEED";

/** Draws the seed of a run, unless the environment has one. Processes that are started later get it too. */
export function drawSeed(): number {
  process.env[SEED] ||= String(randomInt(2 ** 31));
  return runSeed();
}

/** The seed of this run, a number of 31 bits. */
export function runSeed(): number {
  const seed = Number(process.env[SEED]);
  if (!Number.isInteger(seed) || seed < 0 || seed > 0x7fff_ffff) {
    throw new Error(`${SEED} is not a whole number from 0 to 2147483647`);
  }
  return seed;
}

/** Random values that a seed decides. */
export interface Seeded {
  /** A number from 0 to 1, which is never 1. */
  number(): number;
  bytes(length: number): Uint8Array<ArrayBuffer>;
}

/**
 * Makes a source of random values.
 *
 * @param name of the test, so that each test has a source of its own
 * @param seed the run's unless said; a fixed one for a test that asks for a statistic
 */
export function seeded(name: string, seed = runSeed()): Seeded {
  const key = createHash("sha256").update(`${seed} ${name}`).digest();
  const stream = createCipheriv("aes-256-ctr", key, new Uint8Array(16));
  const bytes = (length: number) => new Uint8Array(stream.update(new Uint8Array(length)));
  return {
    bytes,
    number: () => new DataView(bytes(4).buffer).getUint32(0) / 2 ** 32,
  };
}
