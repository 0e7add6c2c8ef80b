import type { Mutant } from "./mutant.ts";

/** Numbers from 0 up to 1, the same for the same seed: xorshift with 32 bits of state. */
function createDraw(seed: number): () => number {
  // The state may not be 0; multiplying spreads seeds that differ by little.
  let state = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) | 1;
  const draw = (): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
  for (let warm = 0; warm < 8; warm++) draw();
  return draw;
}

/**
 * Some of the mutants, by chance from a seed: lines are drawn, then one mutant of each, so that a line with many
 * operators weighs no more than another.
 */
export function sample(mutants: readonly Mutant[], count: number, seed: number): readonly Mutant[] {
  const lines = [...Map.groupBy(mutants, ({ file, line }) => `${file}:${line}`).values()];
  const draw = createDraw(seed);
  for (let left = lines.length; left > 1; left--) {
    const [other, last] = [Math.floor(draw() * left), left - 1];
    [lines[other], lines[last]] = [lines[last] ?? [], lines[other] ?? []];
  }
  return lines.slice(0, count).flatMap((line) => line[Math.floor(draw() * line.length)] ?? []);
}
